"""A client revokes an access token of its own (RFC 7009), and by when that is known."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.auth import revocation
from app.auth.bearer import RECHECK_AFTER_SECONDS, Bearer, Unauthorized
from app.auth.signing import SigningKeys
from app.db import Database
from app.registry.clients.clients import Issued
from tests import queries
from tests.auth.test_bearer import Watch, signed
from tests.auth.test_token_endpoint import FAILED, FORM, GRANT, assert_refused, bad_request

pytestmark = pytest.mark.anyio

Issue = Callable[..., Awaitable[Issued]]
Snapshot = Callable[[], Awaitable[dict[str, list[Any]]]]
REVOKE = "/oauth/revoke"


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def bearer(database: Database, keys: SigningKeys, issuer: str, watch: Watch) -> Bearer:
    return Bearer(database, keys, issuer, monotonic=watch)


async def token_of(http: httpx.AsyncClient, basic: tuple[str, str]) -> str:
    token: str = (await http.post("/oauth/token", data=GRANT, auth=basic)).json()["access_token"]
    return token


async def revoked(database: Database) -> list[Any]:
    async with database.transaction() as session:
        return [tuple(row) for row in await queries.run(session, "SELECT client_id, jti FROM revoked_token")]


async def test_a_revoked_token_is_refused_and_others_are_not(
    http: httpx.AsyncClient, basic: tuple[str, str], bearer: Bearer, watch: Watch
) -> None:
    first, second = [f"Bearer {await token_of(http, basic)}" for _ in range(2)]
    for header in (first, second):
        assert (await bearer.authenticate(header)).caller.client_id == basic[0]
    for hint in ({}, {"token_type_hint": "access_token"}, {"token_type_hint": "refresh_token"}):
        answer = await http.post(REVOKE, data={"token": first.split()[1], **hint}, auth=basic)
        assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (200, b"", "no-store")
    watch.seconds += RECHECK_AFTER_SECONDS
    with pytest.raises(Unauthorized) as refused:
        await bearer.authenticate(first)
    assert (refused.value.status, refused.value.code) == (401, "invalid_token")
    assert (await bearer.authenticate(second)).caller.client_id == basic[0]


async def test_what_is_no_token_any_more_is_revoked_already(
    http: httpx.AsyncClient, database: Database, basic: tuple[str, str], keys: SigningKeys
) -> None:
    """The purpose is reached (RFC 7009 §2.2)."""
    expired = signed(keys, basic[0], exp=int(time.time()) - 60).split()[1]
    for token in ("x", "a.b.c", expired, "3201010101909001"):
        assert (await http.post(REVOKE, data={"token": token}, auth=basic)).status_code == 200
    assert await revoked(database) == []


async def test_anothers_token_is_not_revoked(
    http: httpx.AsyncClient, database: Database, basic: tuple[str, str], issue: Issue
) -> None:
    other = await issue()
    assert other.secret is not None
    token = await token_of(http, basic)
    answer = await http.post(REVOKE, data={"token": token}, auth=(other.client.id, other.secret))
    told = {
        "error": "unauthorized_client",
        "error_description": "The token is another client's: revoke it by the client that got it.",
    }
    assert_refused(answer, 400, told)
    assert await revoked(database) == []


async def test_only_a_client_revokes(http: httpx.AsyncClient, database: Database, basic: tuple[str, str]) -> None:
    token = await token_of(http, basic)
    for auth in (("", ""), (basic[0], "wrong"), ("djka-unknown2", basic[1])):
        assert_refused(await http.post(REVOKE, data={"token": token}, auth=auth), 401, FAILED)
    missing = bad_request("token is missing: send the access token that is to be revoked.")
    for body in (b"", b"token="):
        assert_refused(await http.post(REVOKE, content=body, headers=FORM, auth=basic), 400, missing)
    assert (await http.get(REVOKE)).status_code == 405
    assert await revoked(database) == []


async def test_a_client_has_so_many_revoked_tokens_at_a_time(
    http: httpx.AsyncClient, database: Database, basic: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at a client reads all of them."""
    monkeypatch.setattr(revocation, "MOST_REVOKED", 2)
    tokens = [await token_of(http, basic) for _ in range(3)]
    answers = [await http.post(REVOKE, data={"token": token}, auth=basic) for token in (*tokens[:2], *tokens)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 503]
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert answers[-1].headers["retry-after"] == "900"
    assert len(await revoked(database)) == 2


async def test_what_has_expired_is_forgotten(
    http: httpx.AsyncClient, database: Database, basic: tuple[str, str]
) -> None:
    async with database.transaction() as session:
        await queries.run(
            session,
            "INSERT INTO revoked_token VALUES (:client, 'old', now() - interval '1 second')",
            {"client": basic[0]},
        )
    await http.post(REVOKE, data={"token": await token_of(http, basic)}, auth=basic)
    [(client, jti)] = await revoked(database)
    assert (client, jti == "old") == (basic[0], False)
