import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from joserfc import jwt
from starlette.applications import Starlette

from app import clock
from app.auth import client_authentication, endpoints
from app.auth.endpoints import routes
from app.auth.signing import SigningKeys
from app.db import Database
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued

pytestmark = pytest.mark.anyio

Issue = Callable[..., Awaitable[Issued]]
Snapshot = Callable[[], Awaitable[dict[str, list[Any]]]]
Decoded = Callable[[str], tuple[dict[str, Any], dict[str, Any]]]

TOKEN = "/oauth/token"
GRANT = {"grant_type": "client_credentials"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
CHALLENGE = 'Basic realm="pemudik", charset="UTF-8"'
FAILED = {"error": "invalid_client", "error_description": client_authentication.ClientRefused.description}


def basic_header(credentials: str | bytes) -> dict[str, str]:
    raw = credentials.encode() if isinstance(credentials, str) else credentials
    return {"authorization": "Basic " + base64.b64encode(raw).decode()}


def assert_refused(response: httpx.Response, status: int, body: dict[str, str]) -> None:
    assert (response.status_code, response.json()) == (status, body)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert response.headers.get("www-authenticate") == (CHALLENGE if status == 401 else None)


def bad_request(description: str) -> dict[str, str]:
    return {"error": "invalid_request", "error_description": description}


async def test_a_secret_in_the_header_earns_a_token(
    http: httpx.AsyncClient, basic: tuple[str, str], keys: SigningKeys, decoded: Decoded, everything: Snapshot
) -> None:
    before, began = await everything(), int(time.time())
    response = await http.post(TOKEN, data=GRANT, auth=basic)

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    body = response.json()
    token = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 900, "scope": "nik:check registrants:write"}
    header, claims = decoded(token)
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": keys.signing.keys[0].kid}
    issued_at, jti = claims.pop("iat"), claims.pop("jti")
    assert began <= issued_at <= time.time()
    assert len(jti) == 16
    assert claims == {
        "iss": "https://registry.test",
        "aud": "https://registry.test/graphql",
        "exp": issued_at + 900,
        "sub": basic[0],
        "client_id": basic[0],
        "scope": "nik:check registrants:write",
        "org": "djka",
    }
    jwt.decode(token, keys.verifying, algorithms=["ES256"])
    after = await everything()
    # But for the minute of its last use, nothing is written.
    assert {table: [row[:-1] for row in rows] for table, rows in after.items() if table == "client"} == {
        "client": [row[:-1] for row in before["client"]]
    }
    assert {table: rows for table, rows in after.items() if table != "client"} == {
        table: rows for table, rows in before.items() if table != "client"
    }


async def test_a_secret_in_the_body_earns_a_token(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    response = await http.post(TOKEN, data={**GRANT, "client_id": basic[0], "client_secret": basic[1]})
    assert response.status_code == 200
    assert response.json()["expires_in"] == 900


async def test_no_two_tokens_are_the_same(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    tokens = {(await http.post(TOKEN, data=GRANT, auth=basic)).json()["access_token"] for _ in range(3)}
    assert len(tokens) == 3


async def test_both_secrets_are_good_while_rotating_and_none_after_revoking(
    http: httpx.AsyncClient, database: Database, basic: tuple[str, str]
) -> None:
    secrets = [basic[1]]
    for _ in range(2):
        async with database.transaction() as session:
            rotated = await clients.rotate(session, Caller(None, "hubdat"), basic[0], clock.now(), own=None)
        assert isinstance(rotated, Issued)
        secrets.append(str(rotated.secret))
    answers = [(await http.post(TOKEN, data=GRANT, auth=(basic[0], secret))).status_code for secret in secrets]
    assert answers == [401, 200, 200]

    async with database.transaction() as session:
        await clients.revoke(session, Caller(None, "hubdat"), basic[0], clock.now(), own=None)
    for secret in secrets:
        assert_refused(await http.post(TOKEN, data=GRANT, auth=(basic[0], secret)), 401, FAILED)


async def test_basic_credentials_are_form_decoded(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    encoded = ":".join("".join(f"%{ord(character):02X}" for character in part) for part in basic)
    assert (await http.post(TOKEN, data=GRANT, headers=basic_header(encoded))).status_code == 200
    assert (await http.post(TOKEN, data=GRANT, headers=basic_header(":".join(map(quote, basic))))).status_code == 200


async def test_the_scheme_has_any_letter_case(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    header = {"authorization": basic_header(":".join(basic))["authorization"].replace("Basic", "bAsIc")}
    assert (await http.post(TOKEN, data=GRANT, headers=header)).status_code == 200


async def test_good_credentials_under_another_scheme_are_refused(
    http: httpx.AsyncClient, basic: tuple[str, str]
) -> None:
    header = {"authorization": basic_header(":".join(basic))["authorization"].replace("Basic", "Bearer")}
    assert_refused(await http.post(TOKEN, data=GRANT, headers=header), 401, FAILED)


async def test_an_unknown_client_and_a_wrong_secret_get_one_answer(
    http: httpx.AsyncClient, basic: tuple[str, str], everything: Snapshot
) -> None:
    before = await everything()
    answers = [
        await http.post(TOKEN, data=GRANT, auth=("djka-unknown2", basic[1])),
        await http.post(TOKEN, data=GRANT, auth=(basic[0], "wrong")),
        await http.post(TOKEN, data={**GRANT, "client_id": "djka-unknown2", "client_secret": basic[1]}),
        await http.post(TOKEN, data={**GRANT, "client_id": basic[0], "client_secret": "wrong"}),
    ]
    for answer in answers:
        assert_refused(answer, 401, FAILED)
    assert len({tuple(answer.headers.items()) for answer in answers}) == 1
    assert await everything() == before


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"a%FF:b").decode(),
        "Basic " + base64.b64encode(b"a\x00:b").decode(),
        "Basic " + base64.b64encode(b"nocolon").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic " + base64.b64encode(("a" * 9000 + ":b").encode()).decode(),
        "Basic !!!!",
        "Basic a",
        "Basic",
        "Basic ",
        "Bearer abc.def.ghi",
        "Digest username=x",
        "",
        "é",
    ],
)
async def test_unreadable_credentials_are_refused(
    http: httpx.AsyncClient, basic: tuple[str, str], authorization: str
) -> None:
    headers = [(b"authorization", authorization.encode("latin-1"))]
    assert_refused(await http.post(TOKEN, data=GRANT, headers=headers), 401, FAILED)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"client_id": "djka-unknown2"},
        {"client_secret": "x"},
        {"client_id": "\x00", "client_secret": "\x00"},
        {"client_id": "djka-unknown2", "client_secret": ""},
        {"client_assertion": "a.b.c"},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        {"client_assertion_type": "other", "client_assertion": "a.b.c"},
    ],
)
async def test_missing_or_incomplete_credentials_are_refused(
    http: httpx.AsyncClient, basic: tuple[str, str], parameters: dict[str, str]
) -> None:
    assert_refused(await http.post(TOKEN, data={**GRANT, **parameters}), 401, FAILED)


async def test_two_ways_of_authentication_at_once_are_refused(
    http: httpx.AsyncClient, basic: tuple[str, str], everything: Snapshot
) -> None:
    before = await everything()
    secret = {"client_id": basic[0], "client_secret": basic[1]}
    assertion = {"client_assertion_type": "x", "client_assertion": "a.b.c"}
    header = basic_header(":".join(basic))
    expected = bad_request(
        "More than one way of client authentication: use Authorization, client_secret or client_assertion."
    )
    assert_refused(await http.post(TOKEN, data={**GRANT, **secret}, headers=header), 400, expected)
    assert_refused(await http.post(TOKEN, data={**GRANT, **assertion}, headers=header), 400, expected)
    assert_refused(await http.post(TOKEN, data={**GRANT, **secret, **assertion}), 400, expected)
    twice = [("authorization", header["authorization"])] * 2
    assert_refused(await http.post(TOKEN, data=GRANT, headers=twice), 400, expected)
    assert await everything() == before


async def test_the_bodys_client_id_must_be_the_headers(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    same = await http.post(TOKEN, data={**GRANT, "client_id": basic[0]}, auth=basic)
    assert same.status_code == 200
    other = await http.post(TOKEN, data={**GRANT, "client_id": "djka-unknown2"}, auth=basic)
    assert_refused(
        other, 400, bad_request("client_id differs from the one in the Authorization header: send one of them.")
    )


async def test_a_client_with_public_keys_has_no_secret_to_use(http: httpx.AsyncClient, signer: str) -> None:
    for secret in ("", "x", "\x00" * 32):
        assert_refused(await http.post(TOKEN, data=GRANT, auth=(signer, secret)), 401, FAILED)


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("nik:check", "nik:check"),
        ("registrants:write nik:check", "nik:check registrants:write"),
        ("nik:check nik:check", "nik:check"),
        ("", "nik:check registrants:write"),
    ],
)
async def test_a_token_has_the_scopes_that_were_asked_for(
    http: httpx.AsyncClient, basic: tuple[str, str], decoded: Decoded, scope: str, granted: str
) -> None:
    body = (await http.post(TOKEN, data={**GRANT, "scope": scope}, auth=basic)).json()
    assert body["scope"] == granted
    assert decoded(body["access_token"])[1]["scope"] == granted


@pytest.mark.parametrize(
    "scope", ["routes:write", "nik:check routes:write", "nik:check hubdat:admin", "unknown", "NIK:CHECK", " ", "\x00"]
)
async def test_one_scope_too_many_refuses_the_token(
    http: httpx.AsyncClient, basic: tuple[str, str], everything: Snapshot, scope: str
) -> None:
    before = await everything()
    response = await http.post(TOKEN, data={**GRANT, "scope": scope}, auth=basic)
    assert_refused(
        response,
        400,
        {
            "error": "invalid_scope",
            "error_description": (
                "Ask for scopes that this client holds, separated by blanks, or leave scope out to get all."
            ),
        },
    )
    assert await everything() == before


@pytest.mark.parametrize(
    "grant_type", ["password", "authorization_code", "3201010101909001", "\x00", "client_Credentials"]
)
async def test_other_grants_are_refused_and_not_repeated(
    http: httpx.AsyncClient, basic: tuple[str, str], grant_type: str
) -> None:
    response = await http.post(TOKEN, data={"grant_type": grant_type}, auth=basic)
    assert_refused(
        response,
        400,
        {"error": "unsupported_grant_type", "error_description": "The only grant_type is client_credentials."},
    )


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"", "grant_type is missing: send grant_type=client_credentials."),
        (b"grant_type=", "grant_type is missing: send grant_type=client_credentials."),
        (b"scope=nik:check", "grant_type is missing: send grant_type=client_credentials."),
        (
            b"grant_type=client_credentials&grant_type=client_credentials",
            "A parameter is there more than once: send each once.",
        ),
        (
            b"grant_type=client_credentials&scope=&scope=nik:check",
            "A parameter is there more than once: send each once.",
        ),
        (b"grant_type=client_credentials&x=1&x=2", "A parameter is there more than once: send each once."),
        (b"grant_type=client_credentials&scope=\xff", "The body must be a form in UTF-8 with 20 parameters at most."),
        (b"grant_type=client_credentials&scope=%ff", "The body must be a form in UTF-8 with 20 parameters at most."),
        (
            b"&".join(b"p%d=1" % place for place in range(30)),
            "The body must be a form in UTF-8 with 20 parameters at most.",
        ),
        (b"grant_type=client_credentials&x=" + b"a" * 16_400, "The body must have 16384 bytes at most."),
    ],
)
async def test_malformed_forms_are_refused(
    http: httpx.AsyncClient, basic: tuple[str, str], body: bytes, description: str
) -> None:
    response = await http.post(TOKEN, content=body, headers=FORM, auth=basic)
    assert_refused(response, 400, bad_request(description))


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "multipart/form-data; boundary=x", "text/plain", "é"]
)
async def test_only_a_form_is_read(http: httpx.AsyncClient, basic: tuple[str, str], content_type: str | None) -> None:
    headers = [] if content_type is None else [(b"content-type", content_type.encode("latin-1"))]
    response = await http.post(TOKEN, content=b"grant_type=client_credentials", headers=headers, auth=basic)
    assert_refused(
        response, 400, bad_request("The body must be application/x-www-form-urlencoded, as Content-Type says.")
    )


async def test_a_form_may_name_its_charset(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    headers = {"content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}
    response = await http.post(TOKEN, content=b"grant_type=client_credentials&unknown=1", headers=headers, auth=basic)
    assert response.status_code == 200


async def test_a_body_without_end_is_cut_off(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"a" * 1024

    response = await http.post(TOKEN, content=chunks(), headers=FORM, auth=basic)
    assert_refused(response, 400, bad_request("The body must have 16384 bytes at most."))
    assert sent == 17


async def test_a_body_that_does_not_arrive_is_given_up(
    http: httpx.AsyncClient, basic: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "BODY_WITHIN_SECONDS", 0.05)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"grant_type="
        await asyncio.sleep(60)

    response = await http.post(TOKEN, content=chunks(), headers=FORM, auth=basic)
    assert_refused(response, 408, bad_request("The body did not arrive in time: send it again."))


async def test_credentials_in_the_url_are_not_read(http: httpx.AsyncClient, basic: tuple[str, str]) -> None:
    query = {**GRANT, "client_id": basic[0], "client_secret": basic[1]}
    assert_refused(await http.post(TOKEN, params=query, data=GRANT), 401, FAILED)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
async def test_tokens_are_posted_for(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, TOKEN)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


async def test_without_a_database_it_says_when_to_come_again(keys: SigningKeys, issuer: str) -> None:
    nowhere = Database("postgresql://nobody:nothing@127.0.0.1:1/none")
    transport = httpx.ASGITransport(Starlette(routes=[*routes(nowhere, keys, issuer)]))
    async with httpx.AsyncClient(transport=transport, base_url=issuer) as http:
        response = await http.post(TOKEN, data=GRANT, auth=("djka-aaaaaaaa", "x"))
    await nowhere.dispose()
    assert (response.status_code, response.json()) == (
        503,
        {"error": "temporarily_unavailable", "error_description": endpoints.LATER},
    )
    assert response.headers["retry-after"] == "1"
    assert response.headers["cache-control"] == "no-store"
