"""Signing in with an account of an OpenID provider: the authorization code with PKCE, by authlib's Starlette client.

A person is known by the e-mail that the provider has verified. What is kept of a sign-in that has begun stands in a
cookie of its own for ten minutes: random values, which only the browser that began can bring back. The provider leads
the browser to a page of ours, which posts the code: so no GET signs anybody in.
"""

from __future__ import annotations

import hmac
import warnings
from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.callers import Callers, cookies_of
from app.auth.edge import RequestRefused
from app.config import Settings
from app.db import Database
from app.intake import http
from app.registry.clients import sign_in
from app.web.signing import begun, posted

with warnings.catch_warnings():
    # It would rather have httpx2; httpx is what we have.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import OAuth

PATH, FINISH_PATH = "/masuk/oidc", "/masuk/oidc/selesai"
"""Where the provider leads back, which is also where a sign-in begins; and where the page posts the code."""
STARTED_LASTS_SECONDS = 600
PROVIDER_ANSWERS_WITHIN_SECONDS = 10
MOST_BODY_BYTES = 8192
_COOKIE = "masuk"


class Started(NamedTuple):
    """A sign-in that has begun: random values, without a point in them."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """The provider that the settings name."""

    def __init__(self, settings: Settings, issuer: str) -> None:
        secret = settings.oidc_client_secret
        options = {"scope": "openid email", "code_challenge_method": "S256", "timeout": PROVIDER_ANSWERS_WITHIN_SECONDS}
        self._issuer = issuer
        self._redirect_uri = settings.issuer + PATH
        self._app: Any = OAuth().register(
            "provider",
            client_id=settings.oidc_client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            server_metadata_url=f"{issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs=options if secret is not None else options | {"token_endpoint_auth_method": "none"},
        )

    async def start(self) -> tuple[str, Started]:
        """The address at the provider, and what is to be kept until the browser comes back. Raises `RequestRefused`."""
        begun: Mapping[str, str] = await _asked(self._app.create_authorization_url(self._redirect_uri))
        return begun["url"], Started(begun["state"], begun["nonce"], begun["code_verifier"])

    async def email(self, code: str, started: Started) -> str:
        """The verified e-mail of whoever has signed in there. Raises `RequestRefused`."""
        claims = await _asked(self._claims(code, started))
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") is not True:
            raise _refused(
                "EMAIL_UNVERIFIED",
                "Surel akun ini belum diverifikasi oleh penyedianya; verifikasi dahulu di sana.",
                "The provider has not verified this account's e-mail; verify it there first.",
            )
        return email

    async def _claims(self, code: str, started: Started) -> Mapping[str, Any]:
        token = await self._app.fetch_access_token(
            redirect_uri=self._redirect_uri, code=code, code_verifier=started.verifier
        )
        expected = {"iss": {"essential": True, "value": self._issuer}}
        claims: dict[str, Any] | None = await self._app.parse_id_token(token, started.nonce, claims_options=expected)
        if claims is None:
            raise ValueError("no id_token")
        if "email" in claims:
            return claims
        # Many providers tell the e-mail there alone.
        more: dict[str, Any] = await self._app.userinfo(token=token)
        return more if more.get("sub") == claims["sub"] else {}


def routes(database: Database, callers: Callers, settings: Settings) -> list[Route]:
    """Empty: no provider is named in the settings. The page under `PATH` is one of `app.web.pages`."""
    if settings.oidc_issuer is None:
        return []
    provider = Provider(settings, settings.oidc_issuer)

    async def begin(request: Request, _: datetime) -> Response:
        http.media_type(request, http.JSON)
        address, started = await provider.start()
        response = http.answered({"location": address})
        _keep(response, callers, ".".join(started), STARTED_LASTS_SECONDS)
        return response

    async def finish(request: Request, now: datetime) -> Response:
        code, state = await _given(request, settings)
        started = _started(request, callers)
        if started is None or not hmac.compare_digest(started.state.encode(), state.encode()):
            raise _sign_in_ended()
        email = await provider.email(code, started)
        response = await begun(database, callers, request, lambda session: sign_in.begin_for(session, email, now))
        if response is None:
            raise _not_staff()
        _keep(response, callers, "", 0)
        return response

    return [Route(path, posted(callers, act), methods=["POST"]) for path, act in ((PATH, begin), (FINISH_PATH, finish))]


async def _asked(answer: Awaitable[Any]) -> Any:
    """What the provider says. Raises `RequestRefused`."""
    try:
        return await answer
    except httpx.HTTPError:
        raise RequestRefused(
            502,
            "PROVIDER_AWAY",
            "Penyedia akun tidak dapat dihubungi; coba lagi sebentar lagi.",
            "The account's provider cannot be reached; try again in a moment.",
        ) from None
    except (AuthlibBaseError, JoseError, LookupError, TypeError, ValueError):
        raise _refused(
            "SIGN_IN_REFUSED",
            "Penyedia akun tidak mengakui proses masuk ini; mulai lagi.",
            "The account's provider does not acknowledge this sign-in; begin again.",
        ) from None


def _sign_in_ended() -> RequestRefused:
    return _refused(
        "SIGN_IN_ENDED",
        "Proses masuk ini lewat 10 menit atau dimulai di peramban lain; mulai lagi.",
        "This sign-in is older than 10 minutes or was begun in another browser; begin again.",
    )


def _not_staff() -> RequestRefused:
    return _refused(
        "NOT_STAFF",
        "Surel akun ini tidak ada dalam daftar petugas; minta kepada pengelola Pemudik atau Hubdat.",
        "This account's e-mail is not in the list of staff; ask whoever runs Pemudik, or Hubdat.",
    )


def _refused(code: str, indonesian: str, english: str) -> RequestRefused:
    return RequestRefused(403, code, indonesian, english)


async def _given(request: Request, settings: Settings) -> tuple[str, str]:
    """The code and the state. Raises `RequestRefused`."""
    http.media_type(request, http.JSON)
    given = http.parsed_json(await http.body(request, settings, limit=MOST_BODY_BYTES))
    code, state = (given.get(name) if isinstance(given, dict) else None for name in ("code", "state"))
    if not isinstance(code, str) or not isinstance(state, str):
        raise http.bad("Kirim code dan state sebagai teks.", "Send code and state, as text.", "code")
    return code, state


def _name(callers: Callers) -> str:
    return f"{callers.pages.cookie}-{_COOKIE}"


def _started(request: Request, callers: Callers) -> Started | None:
    kept = cookies_of(request.headers.get, _name(callers))
    parts = kept[0].split(".") if len(kept) == 1 else []
    return Started(*parts) if len(parts) == len(Started._fields) and all(parts) else None


def _keep(response: Response, callers: Callers, started: str, seconds: int) -> None:
    """The browser brings it back when it comes from the provider: SameSite=Lax."""
    response.set_cookie(
        _name(callers),
        started,
        max_age=seconds,
        path="/",
        secure=callers.pages.by_tls,
        httponly=True,
        samesite="lax",
    )
