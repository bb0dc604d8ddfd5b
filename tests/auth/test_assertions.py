"""private_key_jwt: a client proves who it is by an assertion that it signs, each of them good once."""

import asyncio
import base64
import json
import time
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from app import clock
from app.db import Database
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from tests import queries

pytestmark = pytest.mark.anyio

Issue = Callable[..., Awaitable[Issued]]
Snapshot = Callable[[], Awaitable[dict[str, list[Any]]]]

TOKEN = "/oauth/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FAILED = "Client authentication failed: check client_id and its secret or assertion. A revoked client needs a new one."
UNFIT = "The assertion is not acceptable: "


def claims_of(client_id: str, **changes: Any) -> dict[str, Any]:
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": "https://registry.test",
        "exp": int(time.time()) + 60,
        "jti": "first",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(key: Key, claims: dict[str, Any], alg: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": key.kid, **header}, claims, key, algorithms=[alg])


def form(assertion: str, **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": TYPE,
        "client_assertion": assertion,
        **more,
    }


def assert_refused(response: httpx.Response, description: str = FAILED) -> None:
    assert response.status_code == 401
    assert response.json() == {"error": "invalid_client", "error_description": description}
    assert response.headers["www-authenticate"] == 'Basic realm="pemudik", charset="UTF-8"'
    assert response.headers["cache-control"] == "no-store"


async def used(database: Database) -> list[tuple[Any, ...]]:
    async with database.transaction() as session:
        rows = await queries.run(session, "SELECT client_id, jti, expires_at FROM used_assertion ORDER BY jti")
        return [tuple(row) for row in rows]


async def test_an_assertion_earns_a_token_and_is_remembered(
    http: httpx.AsyncClient, database: Database, signer: str, private_key: ECKey
) -> None:
    claims = claims_of(signer)
    response = await http.post(TOKEN, data=form(signed(private_key, claims), client_id=signer, scope="nik:check"))
    assert response.status_code == 200
    assert response.json()["scope"] == "nik:check"
    assert await used(database) == [(signer, "first", datetime.fromtimestamp(claims["exp"] + 30, UTC))]


@pytest.mark.parametrize(
    "audience", ["https://registry.test", "https://registry.test/oauth/token", ["https://x", "https://registry.test"]]
)
async def test_it_is_meant_for_the_issuer_or_its_token_endpoint(
    http: httpx.AsyncClient, signer: str, private_key: ECKey, audience: Any
) -> None:
    response = await http.post(TOKEN, data=form(signed(private_key, claims_of(signer, aud=audience))))
    assert response.status_code == 200


async def test_an_assertion_is_good_once(
    http: httpx.AsyncClient, database: Database, signer: str, private_key: ECKey
) -> None:
    assertion = signed(private_key, claims_of(signer))
    answers = await asyncio.gather(*[http.post(TOKEN, data=form(assertion)) for _ in range(8)])
    assert sorted(answer.status_code for answer in answers) == [200] + 7 * [401]
    for answer in answers:
        if answer.status_code == 401:
            assert_refused(answer, UNFIT + "JWT ID is used before.")
    assert len(await used(database)) == 1


async def test_two_clients_may_use_one_jti(
    http: httpx.AsyncClient, database: Database, issue: Issue, signer: str, private_key: ECKey
) -> None:
    other = await issue(public_keys=json.dumps({"keys": [private_key.as_dict(private=False)]}))
    for client_id in (signer, other.client.id):
        response = await http.post(TOKEN, data=form(signed(private_key, claims_of(client_id))))
        assert response.status_code == 200
    assert len(await used(database)) == 2


async def test_an_assertion_that_asked_for_too_much_is_used_up(
    http: httpx.AsyncClient, database: Database, signer: str, private_key: ECKey
) -> None:
    assertion = signed(private_key, claims_of(signer))
    response = await http.post(TOKEN, data=form(assertion, scope="hubdat:admin"))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")
    assert_refused(await http.post(TOKEN, data=form(assertion)), UNFIT + "JWT ID is used before.")
    assert len(await used(database)) == 1


async def test_expired_ones_are_forgotten(
    http: httpx.AsyncClient, database: Database, signer: str, private_key: ECKey
) -> None:
    now = clock.now()
    async with database.transaction() as session:
        for jti, expires_at in (("old", now - timedelta(seconds=1)), ("young", now + timedelta(minutes=1))):
            await queries.run(
                session,
                "INSERT INTO used_assertion (client_id, jti, expires_at) VALUES (:client, :jti, :at)",
                {"client": signer, "jti": jti, "at": expires_at},
            )
    await http.post(TOKEN, data=form(signed(private_key, claims_of(signer))))
    assert [jti for _, jti, _ in await used(database)] == ["first", "young"]


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"exp": 3601 + 30}, "it lives longer than 3600 seconds"),
        ({"exp": 7200}, "it lives longer than 3600 seconds"),
        ({"exp": 1e300}, "it lives longer than 3600 seconds"),
        ({"exp": 10**400}, "it lives longer than 3600 seconds"),
        ({"exp": -31}, "The token is expired"),
        ({"exp": "soon"}, "Claim 'exp' must be a NumericDate value"),
        ({"exp": True}, "Claim 'exp' must be a NumericDate value"),
        ({"exp": float("nan")}, "Claim 'exp' must be a NumericDate value"),
        ({"exp": None}, "Missing claim: 'exp'"),
        ({"nbf": 3600}, "The token is not yet valid"),
        ({"iat": 3600}, "The token was issued in the future"),
        ({"aud": "https://elsewhere.test"}, "Invalid claim: 'aud'"),
        ({"aud": "https://registry.test/graphql"}, "Invalid claim: 'aud'"),
        ({"aud": {"a": 1}}, "Claim 'aud' must be an array of StringOrURI value or a single StringOrURI value"),
        ({"aud": None}, "Missing claim: 'aud'"),
        ({"iss": "djka-another"}, "Issuer and Subject MUST match."),
        ({"iss": None}, "Missing claim: 'iss'"),
        ({"jti": None}, "Missing JWT ID."),
        ({"jti": ""}, "its jti is not 1 to 200 printable characters"),
        ({"jti": "a" * 201}, "its jti is not 1 to 200 printable characters"),
        ({"jti": "a\x00b"}, "its jti is not 1 to 200 printable characters"),
        ({"jti": "\ud800"}, "its jti is not 1 to 200 printable characters"),
        ({"jti": 7}, "Claim 'jti' must be a string"),
    ],
)
async def test_the_holder_of_the_key_is_told_what_is_wrong(
    http: httpx.AsyncClient,
    signer: str,
    private_key: ECKey,
    everything: Snapshot,
    changes: dict[str, Any],
    description: str,
) -> None:
    before = await everything()
    now = int(time.time())
    times = {
        name: value + now
        for name, value in changes.items()
        if name in {"exp", "nbf", "iat"} and isinstance(value, int) and not isinstance(value, bool)
    }
    # As ASCII, since an assertion may hold what is no Unicode text.
    payload = json.dumps(claims_of(signer, **{**changes, **times})).encode()
    response = await http.post(TOKEN, data=form(jws(private_key, payload)))
    assert_refused(response, UNFIT + description)
    assert await everything() == before


def jws(key: Key, payload: bytes) -> str:
    from joserfc.jws import serialize_compact

    return serialize_compact({"alg": "ES256", "kid": key.kid}, payload, key, algorithms=["ES256"])


async def test_clocks_may_differ_by_half_a_minute(http: httpx.AsyncClient, signer: str, private_key: ECKey) -> None:
    now = int(time.time())
    for place, expires_at in enumerate((now - 20, now + 3620)):
        claims = claims_of(signer, exp=expires_at, jti=str(place))
        assert (await http.post(TOKEN, data=form(signed(private_key, claims)))).status_code == 200


async def test_a_foreign_key_and_an_unknown_client_get_one_answer(
    http: httpx.AsyncClient, basic: tuple[str, str], signer: str, private_key: ECKey, everything: Snapshot
) -> None:
    before = await everything()
    foreign = ECKey.generate_key("P-256", parameters={"kid": str(private_key.kid)})
    unnamed = ECKey.generate_key("P-256", auto_kid=True)
    answers = [
        await http.post(TOKEN, data=form(assertion))
        for assertion in (
            signed(foreign, claims_of(signer)),
            signed(unnamed, claims_of(signer)),
            signed(private_key, claims_of("djka-unknown2")),
            signed(private_key, claims_of("")),
            signed(private_key, claims_of("djka\x00")),
            signed(private_key, claims_of(basic[0])),
            signed(private_key, claims_of(signer, sub=None)),
            signed(private_key, claims_of(signer, sub=7)),
            signed(private_key, claims_of(signer, sub={"a": 1})),
        )
    ]
    for answer in answers:
        assert_refused(answer)
    assert len({tuple(answer.headers.items()) for answer in answers}) == 1
    assert await everything() == before


async def test_a_revoked_client_signs_in_vain(
    http: httpx.AsyncClient, database: Database, signer: str, private_key: ECKey
) -> None:
    async with database.transaction() as session:
        await clients.revoke(session, Caller(None, "hubdat"), signer, clock.now(), own=None)
    assert_refused(await http.post(TOKEN, data=form(signed(private_key, claims_of(signer)))))
    assert await used(database) == []


async def test_the_bodys_client_id_must_be_the_subject(
    http: httpx.AsyncClient, database: Database, signer: str, private_key: ECKey
) -> None:
    assertion = signed(private_key, claims_of(signer))
    response = await http.post(TOKEN, data=form(assertion, client_id="djka-unknown2"))
    assert response.status_code == 400
    assert response.json() == {
        "error": "invalid_request",
        "error_description": "client_id differs from the subject of the assertion: leave client_id out, or correct it.",
    }
    assert await used(database) == []


def b64(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.filterwarnings("ignore:JWS algorithm")
async def test_unsigned_and_otherwise_signed_assertions_are_refused(
    http: httpx.AsyncClient, signer: str, private_key: ECKey, everything: Snapshot
) -> None:
    before = await everything()
    public = json.dumps(private_key.as_dict(private=False))
    claims = b64(claims_of(signer))
    deep = b'{"a":' * 2000 + b"1" + b"}" * 2000
    assertions = [
        "",
        "a.b.c",
        "a.b",
        "..",
        "é.é.é",
        "\x00",
        f"{b64({'alg': 'none', 'kid': private_key.kid})}.{claims}.",
        f"{b64({'alg': 'ES256', 'kid': private_key.kid})}.{claims}.",
        f"{b64({'alg': 'ES256', 'kid': ['x']})}.{claims}.AAAA",
        f"{b64({'alg': ['ES256']})}.{claims}.AAAA",
        f"{b64({'alg': 'ES256', 'crit': ['x'], 'x': 1})}.{claims}.AAAA",
        f"{b64({})}.{claims}.AAAA",
        f"{b64([])}.{claims}.AAAA",
        f"{b64(7)}.{claims}.AAAA",
        f"{b64({'alg': 'ES256'})}.{b64([])}.AAAA",
        f"{b64({'alg': 'ES256'})}.{b64(deep)}.AAAA",
        f"{b64({'alg': 'ES256'})}.{b64(b'1' * 6000)}.AAAA",
        f"{b64({'alg': 'ES256'})}.{b64(chr(0xD800).encode('utf-8', 'surrogatepass'))}.AAAA",
        signed(OctKey.import_key(public), claims_of(signer), "HS256", kid=private_key.kid),
        signed(private_key, claims_of(signer), kid="another"),
    ]
    for assertion in assertions:
        assert_refused(await http.post(TOKEN, data=form(assertion)))
    assert await everything() == before


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (OKPKey.generate_key("Ed25519", auto_kid=True), ["Ed25519", "EdDSA"]),
        (RSAKey.generate_key(2048, auto_kid=True), ["RS256", "PS256"]),
    ],
)
async def test_other_kinds_of_keys(http: httpx.AsyncClient, issue: Issue, key: Key, algorithms: list[str]) -> None:
    issued = await issue(public_keys=json.dumps({"keys": [key.as_dict(private=False)]}))
    for alg in algorithms:
        with warnings.catch_warnings():
            # To sign as most clients do is to be warned of `EdDSA`; the server's log is to be spared that.
            warnings.simplefilter("ignore", SecurityWarning)
            assertion = signed(key, claims_of(issued.client.id, jti=alg), alg)
        assert (await http.post(TOKEN, data=form(assertion))).status_code == 200


async def test_a_key_is_held_to_its_own_algorithm(http: httpx.AsyncClient, issue: Issue) -> None:
    key = RSAKey.generate_key(2048, parameters={"alg": "PS256", "kid": "one"})
    free = RSAKey.import_key({**key.as_dict(private=True), "alg": "RS256"})
    issued = await issue(public_keys=json.dumps({"keys": [key.as_dict(private=False)]}))
    assert_refused(await http.post(TOKEN, data=form(signed(free, claims_of(issued.client.id), "RS256"))))
    assert (await http.post(TOKEN, data=form(signed(key, claims_of(issued.client.id), "PS256")))).status_code == 200


async def test_of_several_keys_each_signs_under_its_kid(http: httpx.AsyncClient, issue: Issue) -> None:
    pair = [ECKey.generate_key("P-256", auto_kid=True) for _ in range(2)]
    issued = await issue(public_keys=json.dumps({"keys": [key.as_dict(private=False) for key in pair]}))
    for place, key in enumerate(pair):
        assertion = signed(key, claims_of(issued.client.id, jti=str(place)))
        assert (await http.post(TOKEN, data=form(assertion))).status_code == 200


@pytest.mark.parametrize("others", [1, 4])
async def test_of_several_keys_each_is_tried_if_the_assertion_names_none(
    http: httpx.AsyncClient, issue: Issue, everything: Snapshot, others: int
) -> None:
    signing = ECKey.generate_key("P-256", auto_kid=True)
    more: list[Key] = [OKPKey.generate_key("Ed25519", auto_kid=True), RSAKey.generate_key(2048, auto_kid=True)]
    more += [ECKey.generate_key("P-256", auto_kid=True) for _ in range(2)]
    known = [*more[:others], signing]
    issued = await issue(public_keys=json.dumps({"keys": [key.as_dict(private=False) for key in known]}))
    unnamed = jwt.encode({"alg": "ES256"}, claims_of(issued.client.id), signing)
    assert (await http.post(TOKEN, data=form(unnamed))).status_code == 200
    assert_refused(await http.post(TOKEN, data=form(unnamed)), UNFIT + "JWT ID is used before.")
    # A key that is none of the client's stays one, and so does a `kid` that is none.
    before = await everything()
    foreign = ECKey.generate_key("P-256")
    assert_refused(
        await http.post(TOKEN, data=form(jwt.encode({"alg": "ES256"}, claims_of(issued.client.id), foreign)))
    )
    misnamed = signed(signing, claims_of(issued.client.id, jti="y"), kid="another")
    assert_refused(await http.post(TOKEN, data=form(misnamed)))
    assert await everything() == before


async def test_a_lone_key_needs_no_kid(http: httpx.AsyncClient, signer: str, private_key: ECKey) -> None:
    unnamed = jwt.encode({"alg": "ES256"}, claims_of(signer), private_key)
    assert (await http.post(TOKEN, data=form(unnamed))).status_code == 200
