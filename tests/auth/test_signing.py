"""Access tokens: which are believed, and what is published about them."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, OctKey, RSAKey

from app.auth.endpoints import metadata
from app.auth.signing import AccessTokenValidator, SigningKeys, TokenInvalid
from app.vault.keys import new_signing_key
from tests.examples import given

pytestmark = pytest.mark.anyio

ISSUER = "https://registry.test"
Claims = dict[str, Any]


def claims(**changes: Any) -> Claims:
    now = int(time.time())
    wanted = {
        "iss": ISSUER,
        "aud": f"{ISSUER}/graphql",
        "exp": now + 60,
        "iat": now,
        "jti": "abcdefgh",
        "sub": "djka-aaaaaaaa",
        "client_id": "djka-aaaaaaaa",
        "scope": "nik:check",
        **changes,
    }
    return {name: value for name, value in wanted.items() if value is not None}


@pytest.fixture
def believed(keys: SigningKeys) -> Callable[[str], bool]:
    validator = AccessTokenValidator(keys, ISSUER)

    def believed(token: str) -> bool:
        try:
            validator.claims(token)
        except TokenInvalid:
            return False
        return True

    return believed


@pytest.fixture
def key(keys: SigningKeys) -> ECKey:
    key = keys.signing.keys[0]
    assert isinstance(key, ECKey)
    return key


def signed(key: Any, claims: Claims, alg: str = "ES256", **header: Any) -> str:
    full = {"alg": alg, "typ": "at+jwt", "kid": key.kid, **header}
    given = {name: value for name, value in full.items() if value is not None}
    return jwt.encode(given, claims, key, algorithms=[alg], default_type=None)


def test_a_token_of_ours_is_believed(believed: Callable[[str], bool], key: ECKey) -> None:
    assert believed(signed(key, claims()))
    assert believed(signed(key, claims(), typ="application/AT+JWT"))
    assert believed(signed(key, claims(aud=["https://x", f"{ISSUER}/graphql"])))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ISSUER},
        {"aud": "djka-aaaaaaaa"},
        {"aud": f"{ISSUER}/graphql/"},
        {"aud": []},
        {"aud": None},
        {"iss": "https://registry.tes"},
        {"iss": None},
        {"iss": [ISSUER]},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"sub": None},
        {"client_id": None},
        {"iat": None},
        {"iat": 9999999999},
        {"nbf": 9999999999},
        {"jti": None},
    ],
)
def test_a_claim_that_is_wrong_or_missing(believed: Callable[[str], bool], key: ECKey, changes: Claims) -> None:
    assert not believed(signed(key, claims(**changes)))


def test_the_leeway_is_ten_seconds(believed: Callable[[str], bool], key: ECKey) -> None:
    now = int(time.time())
    assert believed(signed(key, claims(exp=now - 8)))
    assert not believed(signed(key, claims(exp=now - 10)))
    assert believed(signed(key, claims(iat=now + 8)))
    assert not believed(signed(key, claims(iat=now + 13)))


@pytest.mark.parametrize("header", [{"typ": None}, {"typ": "JWT"}, {"typ": ""}, {"kid": None}, {"kid": "another"}])
def test_a_header_that_is_wrong_or_missing(believed: Callable[[str], bool], key: ECKey, header: Claims) -> None:
    assert not believed(signed(key, claims(), **header))


def test_another_key_or_algorithm(believed: Callable[[str], bool], key: ECKey) -> None:
    kid: KeyParameters = {"kid": str(key.kid)}
    assert not believed(signed(ECKey.generate_key("P-256", parameters=kid), claims()))
    assert not believed(signed(ECKey.generate_key("P-384", parameters=kid), claims(), "ES384"))
    assert not believed(signed(RSAKey.generate_key(2048, parameters=kid), claims(), "RS256"))
    secret = OctKey.import_key(orjson.dumps(key.as_dict(private=False)), parameters=kid)
    assert not believed(signed(secret, claims(), "HS256"))


@given(token=st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_no_text_breaks_it(token: str) -> None:
    jwks = [new_signing_key()]
    with pytest.raises(TokenInvalid):
        AccessTokenValidator(SigningKeys(lambda: jwks), ISSUER).claims(token)


def test_the_keys_say_nothing_of_themselves(keys: SigningKeys, jwks: list[dict[str, Any]]) -> None:
    assert jwks[0]["d"] not in repr(keys)
    assert jwks[0]["d"] not in repr(vars(keys))


async def test_tokens_of_the_key_before_stay_good_and_those_of_older_ones_do_not(
    http: httpx.AsyncClient, basic: tuple[str, str]
) -> None:
    old, new, newest = new_signing_key(), new_signing_key(), new_signing_key()
    held = [[old]]
    keys = SigningKeys(lambda: held[-1])
    validator = AccessTokenValidator(keys, ISSUER)
    token = jwt.encode({"alg": "ES256", "typ": "at+jwt"}, claims(), keys.signing)

    held.append([new, old])
    assert validator.claims(token)["client_id"] == "djka-aaaaaaaa"
    assert keys.signing.keys[0].kid == new["kid"]
    assert [key["kid"] for key in keys.published()["keys"]] == [new["kid"], old["kid"]]

    held.append([newest, new])
    with pytest.raises(TokenInvalid):
        validator.claims(token)


async def test_the_public_keys_are_published_without_their_private_part(
    http: httpx.AsyncClient, jwks: list[dict[str, Any]]
) -> None:
    response = await http.get("/oauth/jwks.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    public = {name: jwks[0][name] for name in ("kty", "crv", "x", "y", "kid")}
    assert response.json() == {"keys": [{**public, "use": "sig", "alg": "ES256"}]}


async def test_published_keys_follow_a_rotation(http: httpx.AsyncClient, held: list[list[dict[str, Any]]]) -> None:
    fresh = [new_signing_key(), new_signing_key()]
    held.append(fresh)
    published = (await http.get("/oauth/jwks.json")).json()["keys"]
    assert [key["kid"] for key in published] == [key["kid"] for key in fresh]


async def test_the_metadata_says_what_is_spoken(http: httpx.AsyncClient) -> None:
    response = await http.get("/.well-known/oauth-authorization-server")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert response.json() == {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/oauth/token",
        "jwks_uri": f"{ISSUER}/oauth/jwks.json",
        "scopes_supported": [
            "nik:check",
            "registrants:write",
            "registrants:read",
            "routes:write",
            "posko:act",
            "dashboard:read",
            "hubdat:admin",
            "federation:read",
            "clients:write",
        ],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "Ed25519", "EdDSA", "RS256", "PS256"],
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": ["ES256", "Ed25519", "EdDSA", "RS256", "PS256"],
    }


@pytest.mark.parametrize("issuer", ["https://registry.test", "http://127.0.0.1:8000", "https://registry.test/pemudik"])
def test_the_metadata_is_valid_but_for_authlibs_wish_of_a_response_type(issuer: str) -> None:
    AuthorizationServerMetadata({**metadata(issuer), "response_types_supported": ["none"]}).validate()
