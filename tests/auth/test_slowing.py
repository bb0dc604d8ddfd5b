"""Failures beyond 20 in a minute wait, by client and by address; a right secret never waits."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.applications import Starlette

from app.auth import slowing
from app.auth.endpoints import routes
from app.auth.signing import SigningKeys
from app.auth.slowing import FAILURES_COUNT_FOR_SECONDS, MOST_FAILURES, SLOWED_BY_SECONDS, Failures
from app.config import Settings
from app.db import Database
from app.registry.clients.clients import Issued
from tests.auth.test_assertions import claims_of, form
from tests.auth.test_bearer import Watch

pytestmark = pytest.mark.anyio

Issue = Callable[..., Awaitable[Issued]]
GRANT = {"grant_type": "client_credentials"}
PROXY = "10.0.0.7"
WRONG = "wrong"


class Slowed:
    """The registry with its waits noted instead of waited."""

    def __init__(self, database: Database, keys: SigningKeys, *proxies: str) -> None:
        self.waits: list[float] = []
        self.watch = Watch()
        failures = Failures([ip_network(one) for one in proxies], monotonic=self.watch, sleep=self._sleep)
        self.application = Starlette(routes=[*routes(database, keys, "https://registry.test", failures)])

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def ask(self, client_id: str, secret: str = WRONG, *, peer: str = PROXY, **headers: str) -> int:
        transport = httpx.ASGITransport(self.application, client=(peer, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://registry.test") as http:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = await http.post("/oauth/token", data=GRANT, auth=(client_id, secret), headers=sent)
        return answer.status_code

    async def fail(self, client_id: str, times: int = 1, **how: Any) -> int:
        """How many of these failures waited."""
        before = len(self.waits)
        for _ in range(times):
            assert await self.ask(client_id, **how) == 401
        return len(self.waits) - before


@pytest.fixture
def slowed(database: Database, keys: SigningKeys) -> Slowed:
    return Slowed(database, keys)


async def test_the_21st_failure_of_a_client_waits(slowed: Slowed, basic: tuple[str, str]) -> None:
    client_id, secret = basic
    assert await slowed.fail(client_id, MOST_FAILURES) == 0
    assert await slowed.fail(client_id, 3) == 3
    assert slowed.waits == [SLOWED_BY_SECONDS] * 3
    # The right secret is answered at once, and another client as ever.
    assert await slowed.ask(client_id, secret) == 200
    assert await slowed.fail("djka-another2") == 0
    assert len(slowed.waits) == 3
    # The failures of a minute ago are forgotten.
    slowed.watch.seconds += FAILURES_COUNT_FOR_SECONDS
    assert await slowed.fail(client_id, MOST_FAILURES) == 0


async def test_right_secrets_do_not_count(slowed: Slowed, basic: tuple[str, str]) -> None:
    for _ in range(MOST_FAILURES + 5):
        assert await slowed.ask(*basic) == 200
    assert await slowed.fail(basic[0]) == 0


@pytest.mark.parametrize("how", ["form", "assertion", "revocation"])
async def test_however_the_client_is_named(slowed: Slowed, basic: tuple[str, str], how: str) -> None:
    client_id, path = basic[0], "/oauth/revoke" if how == "revocation" else "/oauth/token"
    data = {**GRANT, "client_id": client_id, "client_secret": "wrong", "token": "x"}
    if how == "assertion":
        key = ECKey.generate_key("P-256")
        data = form(jwt.encode({"alg": "ES256"}, claims_of(client_id), key))
    await slowed.fail(client_id, MOST_FAILURES)
    transport = httpx.ASGITransport(slowed.application)
    async with httpx.AsyncClient(transport=transport, base_url="https://registry.test") as http:
        assert (await http.post(path, data=data)).status_code == 401
    assert len(slowed.waits) == 1


@pytest.mark.parametrize("sub", [b"[" * 1000 + b"]" * 1000, b"5", b"null", b"{}", b'[""]'])
async def test_an_assertion_whose_subject_is_no_text_is_refused_like_any(
    slowed: Slowed, issue: Issue, sub: bytes
) -> None:
    claims = b'{"iss":"djka-first","sub":' + sub + b"}"
    assertion = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"ES256"}', claims, b"x"))
    transport = httpx.ASGITransport(slowed.application)
    async with httpx.AsyncClient(transport=transport, base_url="https://registry.test") as http:
        answer = await http.post("/oauth/token", data=form(assertion.decode()))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_behind_a_trusted_proxy_an_address_is_slowed(
    database: Database, keys: SigningKeys, basic: tuple[str, str]
) -> None:
    slowed = Slowed(database, keys, "10.0.0.0/8", "fd00::/8")
    guesser = "203.0.113.9"
    # What the guesser wrote itself stands before what the proxies wrote.
    for place in range(MOST_FAILURES):
        assert await slowed.fail(f"djka-{place}", X_Forwarded_For=f"1.2.3.{place}, {guesser}, 10.1.1.1") == 0
    assert await slowed.fail("djka-x", X_Forwarded_For=f"5.5.5.5, {guesser}") == 1
    assert await slowed.fail("djka-x", X_Forwarded_For="198.51.100.1") == 0
    assert await slowed.ask(*basic, X_Forwarded_For=guesser) == 200
    assert len(slowed.waits) == 1


async def test_a_network_of_ipv6_is_one_guesser(database: Database, keys: SigningKeys, issue: Issue) -> None:
    """Who has one line of IPv6 has 2^64 addresses."""
    slowed = Slowed(database, keys, "10.0.0.0/8")
    for place in range(MOST_FAILURES):
        assert await slowed.fail(f"djka-{place}", X_Forwarded_For=f"2001:db8:0:7::{place + 1:x}") == 0
    assert await slowed.fail("djka-x", X_Forwarded_For="2001:db8:0:7:ffff::1") == 1
    assert await slowed.fail("djka-y", X_Forwarded_For="2001:db8:0:8::1") == 0


@pytest.mark.parametrize(
    ("proxies", "peer", "header"),
    [
        ((), PROXY, "203.0.113.9"),
        (("10.0.0.0/8",), "192.0.2.1", "203.0.113.9"),
        (("10.0.0.0/8",), PROXY, "nobody"),
        (("10.0.0.0/8",), PROXY, "10.0.0.8"),
        (("10.0.0.0/8",), "unix", "203.0.113.9"),
    ],
)
async def test_an_address_that_nobody_vouches_for_is_not_counted(
    database: Database, keys: SigningKeys, issue: Issue, proxies: tuple[str, ...], peer: str, header: str
) -> None:
    slowed = Slowed(database, keys, *proxies)
    for place in range(MOST_FAILURES + 5):
        assert await slowed.fail(f"djka-{place}", peer=peer, X_Forwarded_For=header) == 0


async def test_what_is_remembered_is_bounded(slowed: Slowed, issue: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slowing, "MOST_KEYS", 2)
    await slowed.fail("djka-first", MOST_FAILURES)
    await slowed.fail("djka-second")
    await slowed.fail("djka-third")
    assert await slowed.fail("djka-first") == 0


def test_the_setting_names_networks() -> None:
    assert [str(one) for one in Settings(trusted_proxies=" 10.0.0.0/8, ::1 ").networks_of_proxies] == [
        "10.0.0.0/8",
        "::1/128",
    ]
    with pytest.raises(ValueError, match="addresses or networks, separated by commas"):
        Settings(trusted_proxies="proxy.example")
