"""What a call with a bearer token is answered, and how soon a revocation is known."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from joserfc import jwt

from app import clock
from app.auth import bearer as bearer_module
from app.auth.bearer import RECHECK_AFTER_SECONDS, Bearer, Principal, Unauthorized, insufficient_scope
from app.auth.signing import LEEWAY_SECONDS, AccessTokenValidator, SigningKeys
from app.db import Database
from app.errors import Unavailable
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from tests import queries
from tests.queries import Runs

pytestmark = pytest.mark.anyio

Issue = Callable[..., Awaitable[Issued]]
INVALID = (
    'Bearer realm="pemudik", error="invalid_token", '
    'error_description="The access token is expired, revoked or not valid here."'
)


class Watch:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def bearer(database: Database, keys: SigningKeys, issuer: str, watch: Watch) -> Bearer:
    return Bearer(database, keys, issuer, monotonic=watch)


@pytest.fixture
async def header(http: httpx.AsyncClient, basic: tuple[str, str]) -> str:
    """The Authorization header with a token of the client `basic`."""
    answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)
    return f"Bearer {answer.json()['access_token']}"


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The SQL statements from here on."""
    seen: list[str] = []

    async def note(sql: str, runs: Runs) -> Any:
        seen.append(sql.split(maxsplit=1)[0])
        return await runs()

    with queries.around(note):
        yield seen


def signed(keys: SigningKeys, client_id: str, /, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://registry.test",
        "aud": "https://registry.test/graphql",
        "exp": now + 60,
        "iat": now,
        "jti": "x",
        "sub": client_id,
        "client_id": client_id,
        "scope": "nik:check",
        **changes,
    }
    return "Bearer " + jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims, keys.signing)


async def refusal(bearer: Bearer, authorization: str | None) -> tuple[int, str, str]:
    with pytest.raises(Unauthorized) as refused:
        await bearer.authenticate(authorization)
    return refused.value.status, refused.value.code, refused.value.challenge


async def revoke(database: Database, client_id: str) -> None:
    async with database.transaction() as session:
        assert isinstance(
            await clients.revoke(session, Caller(None, "hubdat"), client_id, clock.now(), own=None), clients.Client
        )


async def test_a_token_says_who_calls_and_what_it_may_do(
    bearer: Bearer, header: str, basic: tuple[str, str], decoded: Callable[[str], Any]
) -> None:
    expires_at = datetime.fromtimestamp(decoded(header.split()[1])[1]["exp"], UTC)
    expected = Principal(Caller(basic[0], "djka"), frozenset({"nik:check", "registrants:write"}), expires_at)
    assert await bearer.authenticate(header) == expected
    assert await bearer.authenticate(header.replace("Bearer ", "bEARER  ")) == expected


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", "Negotiate x", "é", "Bearerx y"])
async def test_without_a_token_no_error_is_named(bearer: Bearer, authorization: str | None) -> None:
    assert await refusal(bearer, authorization) == (401, "unauthorized", 'Bearer realm="pemudik"')


@pytest.mark.parametrize(
    "authorization", ["Bearer", "Bearer ", "bearer a b", "Bearer é", "Bearer a,b", "Bearer " + "a" * 4097, "Bearer a\n"]
)
async def test_a_malformed_header(bearer: Bearer, authorization: str) -> None:
    assert await refusal(bearer, authorization) == (
        400,
        "invalid_request",
        'Bearer realm="pemudik", error="invalid_request", error_description="The Authorization header is malformed."',
    )


async def test_a_bad_token_asks_the_database_nothing(
    bearer: Bearer, header: str, keys: SigningKeys, basic: tuple[str, str], statements: list[str]
) -> None:
    bad = [
        "Bearer x",
        "Bearer x.y.z",
        header[:-4] + "AAAA",
        header + "=",
        signed(keys, basic[0], exp=int(time.time()) - 60),
        signed(keys, basic[0], aud="https://registry.test"),
        signed(keys, basic[0], iss="https://elsewhere.test"),
    ]
    for authorization in bad:
        assert await refusal(bearer, authorization) == (401, "invalid_token", INVALID)
    assert statements == []


async def test_a_client_that_is_not_there(bearer: Bearer, keys: SigningKeys, statements: list[str]) -> None:
    for _ in range(3):
        assert await refusal(bearer, signed(keys, "djka-unknown2")) == (401, "invalid_token", INVALID)
    assert statements == ["SELECT"]


def test_a_missing_scope_is_named() -> None:
    refused = insufficient_scope(["registrants:read", "nik:check"])
    assert (refused.status, refused.code) == (403, "insufficient_scope")
    assert refused.challenge == (
        'Bearer realm="pemudik", error="insufficient_scope", '
        'error_description="The access token lacks a scope.", scope="nik:check registrants:read"'
    )


async def test_a_remembered_token_is_neither_verified_nor_looked_up_again(
    bearer: Bearer, header: str, statements: list[str], watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await bearer.authenticate(header)
    monkeypatch.delattr(AccessTokenValidator, "claims")
    watch.seconds += 0.9
    assert await bearer.authenticate(header) is first
    assert statements == ["SELECT"]
    watch.seconds += 0.2
    assert await bearer.authenticate(header) == first
    assert statements == ["SELECT", "SELECT"]


async def test_a_revocation_is_known_after_a_second_everywhere(
    bearer: Bearer,
    database: Database,
    keys: SigningKeys,
    issuer: str,
    header: str,
    basic: tuple[str, str],
    watch: Watch,
) -> None:
    elsewhere = Bearer(database, keys, issuer, monotonic=watch)
    await bearer.authenticate(header)
    watch.seconds += 0.4
    await elsewhere.authenticate(header)
    await revoke(database, basic[0])
    watch.seconds += 0.6
    assert await refusal(bearer, header) == (401, "invalid_token", INVALID)
    await elsewhere.authenticate(header)
    watch.seconds += 0.4
    assert await refusal(elsewhere, header) == (401, "invalid_token", INVALID)


async def test_who_looks_twice_a_second_may_ask_for_a_newer_look(
    bearer: Bearer, header: str, statements: list[str], watch: Watch
) -> None:
    """What stays open is told within a second as well."""
    await bearer.authenticate(header)
    watch.seconds += 0.4
    await bearer.authenticate(header, within=0.5)
    assert statements == ["SELECT"]
    watch.seconds += 0.1
    await bearer.authenticate(header, within=0.5)
    assert statements == ["SELECT", "SELECT"]


async def test_the_second_begins_before_the_look(
    bearer: Bearer, database: Database, header: str, basic: tuple[str, str], watch: Watch
) -> None:
    """A look that takes long is no younger for it."""

    async def slow(_: str, runs: Runs) -> Any:
        answer = await runs()
        watch.seconds += 6
        return answer

    with queries.around(slow):
        await bearer.authenticate(header)
        await revoke(database, basic[0])
    assert await refusal(bearer, header) == (401, "invalid_token", INVALID)


async def test_an_expired_token_is_forgotten(bearer: Bearer, header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    principal = await bearer.authenticate(header)
    expired = principal.expires_at.timestamp() + LEEWAY_SECONDS
    monkeypatch.setattr(time, "time", lambda: expired - 1)
    assert await bearer.authenticate(header) is principal
    monkeypatch.setattr(time, "time", lambda: expired)
    assert await refusal(bearer, header) == (401, "invalid_token", INVALID)
    # It would have to be verified again.
    monkeypatch.setattr(time, "time", lambda: expired - 1)
    monkeypatch.delattr(AccessTokenValidator, "claims")
    with pytest.raises(AttributeError):
        await bearer.authenticate(header)


async def test_scopes_and_organizer_are_the_clients_of_today(
    bearer: Bearer, database: Database, header: str, watch: Watch
) -> None:
    await bearer.authenticate(header)
    async with database.transaction() as session:
        await queries.run(session, "UPDATE client SET scopes = '{nik:check,routes:write}', organizer_code = 'hubdat'")
    watch.seconds += 5
    principal = await bearer.authenticate(header)
    assert principal.scopes == frozenset({"nik:check"})
    assert principal.caller.organizer == "hubdat"


CLAIMS = ("iss", "aud", "exp", "iat", "jti", "sub", "client_id", "scope", "nbf", "auth_time")
UNREAD = {"jti", "sub", "iat", "nbf", "auth_time"}
ODD: tuple[Any, ...] = (None, True, [], [[]], {}, {"a": 1}, "", "\x00", "x" * 1_000, -1, 1.5, 10**30, 2**63, "1e400")


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("odd", range(len(ODD)))
async def test_odd_claims_under_the_real_key_are_an_invalid_token_unless_nobody_reads_them(
    bearer: Bearer, keys: SigningKeys, basic: tuple[str, str], claim: str, odd: int
) -> None:
    """A library that fails at a type must not become an internal error."""
    authorization = signed(keys, basic[0], **{claim: ODD[odd]})
    try:
        principal = await bearer.authenticate(authorization)
    except Unauthorized:
        assert await refusal(bearer, authorization) == (401, "invalid_token", INVALID)
    else:
        assert principal.caller.client_id == basic[0]
        assert claim in UNREAD or (claim == "scope" and principal.scopes == frozenset())


async def test_a_token_of_fewer_scopes_stays_at_them(bearer: Bearer, keys: SigningKeys, basic: tuple[str, str]) -> None:
    principal = await bearer.authenticate(signed(keys, basic[0], scope="registrants:write hubdat:admin"))
    assert principal.scopes == frozenset({"registrants:write"})


async def test_a_coordinator_acts_for_its_members(
    bearer: Bearer, database: Database, header: str, basic: tuple[str, str], watch: Watch
) -> None:
    assert (await bearer.authenticate(header)).caller.members == frozenset()
    async with database.transaction() as session:
        await queries.run(
            session,
            (
                "INSERT INTO organizer (code, name, schemes, coordinator_code)"
                " VALUES ('pln', 'PLN', '{}', 'djka'), ('bri', 'BRI', '{}', 'djka'), ('kai', 'KAI', '{}', 'hubdat')"
            ),
        )
    watch.seconds += 5
    assert (await bearer.authenticate(header)).caller == Caller(basic[0], "djka", frozenset({"pln", "bri"}))


async def test_looks_at_one_client_are_merged(
    bearer: Bearer, header: str, keys: SigningKeys, basic: tuple[str, str], statements: list[str], watch: Watch
) -> None:
    tokens = [header, *(signed(keys, basic[0], jti=str(place)) for place in range(20))]
    principals = await asyncio.gather(*map(bearer.authenticate, tokens * 2))
    assert {principal.caller.client_id for principal in principals} == {basic[0]}
    assert statements == ["SELECT"]
    watch.seconds += RECHECK_AFTER_SECONDS
    await asyncio.gather(*map(bearer.authenticate, tokens))
    assert statements == ["SELECT"] * 2


async def test_a_caller_that_leaves_takes_no_other_with_it(
    bearer: Bearer, header: str, basic: tuple[str, str], statements: list[str]
) -> None:
    leaving, staying = (asyncio.create_task(bearer.authenticate(header)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).caller.client_id == basic[0]
    assert leaving.cancelled()
    assert statements == ["SELECT"]


async def test_without_a_database_nobody_is_let_in_longer_than_five_seconds(
    keys: SigningKeys, issuer: str, watch: Watch
) -> None:
    nowhere = Database("postgresql://nobody:nothing@127.0.0.1:1/none")
    bearer = Bearer(nowhere, keys, issuer, monotonic=watch)
    answers = await asyncio.gather(
        *(bearer.authenticate(signed(keys, "djka-aaaaaaaa")) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Unavailable] * 3
    await nowhere.dispose()


async def test_the_token_used_longest_ago_is_forgotten_first(
    bearer: Bearer, keys: SigningKeys, basic: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer_module, "MOST_TOKENS", 2)
    first, second, third = (signed(keys, basic[0], jti=name) for name in ("a", "b", "c"))
    for authorization in (first, second, first, third):
        await bearer.authenticate(authorization)
    monkeypatch.delattr(AccessTokenValidator, "claims")
    await bearer.authenticate(first)
    await bearer.authenticate(third)
    with pytest.raises(AttributeError):
        await bearer.authenticate(second)


async def test_a_refresh_looks_at_all_who_called_by_one_statement(
    bearer: Bearer, issue: Issue, keys: SigningKeys, header: str, statements: list[str], watch: Watch
) -> None:
    others = [(await issue()).client.id for _ in range(5)]
    tokens = [header, *(signed(keys, one) for one in others)]
    for token in tokens:
        await bearer.authenticate(token)
    statements.clear()
    for _ in range(10):
        watch.seconds += 0.4
        await bearer.refresh()
        for token in tokens:
            await bearer.authenticate(token)
    # No call had to look by itself, and whoever does not call is not looked at.
    assert statements == ["SELECT"] * 10
    await bearer.refresh()
    await bearer.refresh()
    assert statements == ["SELECT"] * 11


async def test_a_refresh_finds_who_was_revoked(
    bearer: Bearer, database: Database, header: str, basic: tuple[str, str], statements: list[str]
) -> None:
    await bearer.authenticate(header)
    await revoke(database, basic[0])
    await bearer.refresh()
    assert await refusal(bearer, header) == (401, "invalid_token", INVALID)
