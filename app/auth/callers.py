"""Who calls: a client by its bearer token, or a person by the cookie of the pages.

A browser sends the cookie by itself, also when a foreign page makes the request. So the cookie counts only where the
request has no Authorization, is a POST or the handshake of a WebSocket, and its `Origin` is our own. A GET never acts
for a person.
"""

from __future__ import annotations

from collections.abc import Callable

from app.auth.bearer import RECHECK_AFTER_SECONDS, Bearer, Principal
from app.auth.edge import RequestRefused
from app.auth.sessions import Credential, SessionCookie, Sessions
from app.auth.signing import SigningKeys
from app.db import Database

Header = Callable[[str], str | None]
"""The value of a header, by its name in small letters."""

PLAIN_COOKIE = "pemudik"
TLS_COOKIE = "__Host-pemudik"
"""A browser takes this name only by TLS, for the whole host, and from this host itself."""


def cookies_of(header: Header, name: str) -> list[str]:
    """The values of the cookies of that name, as they stand there.

    Starlette's `request.cookies` also takes the escapes out of a value in quotes. In Python before 3.11.10, that takes
    the square of its length: a cookie of 60 kB held a process for seven seconds.
    """
    pairs = (pair.strip().partition("=") for pair in (header("cookie") or "").split(";"))
    return [value for found, _, value in pairs if found == name]


class Pages:
    """Where the pages are: their origin, and the name of their cookie."""

    def __init__(self, public_url: str | None) -> None:
        self.origin = public_url.rstrip("/").lower() if public_url else None
        """None: by plain HTTP, under whatever name the server is reached."""
        self.by_tls = self.origin is not None and self.origin.startswith("https://")
        self.cookie = TLS_COOKIE if self.by_tls else PLAIN_COOKIE

    def is_ours(self, header: Header) -> bool:
        """Whether the request comes from a page of ours."""
        origin = (header("origin") or "").lower()
        return origin == (self.origin or f"http://{(header('host') or '').lower()}")

    def cookie_in(self, header: Header) -> SessionCookie | None:
        """A cookie that is there twice was put there by somebody else: then there is none."""
        tokens = cookies_of(header, self.cookie)
        return SessionCookie(tokens[0]) if len(tokens) == 1 and tokens[0] else None


class Callers:
    """A process has one."""

    def __init__(self, bearer: Bearer, sessions: Sessions, pages: Pages) -> None:
        self.bearer = bearer
        self.sessions = sessions
        self.pages = pages

    def credential(self, method: str, header: Header) -> Credential:
        """What a request says of who calls. Raises `RequestRefused`."""
        authorization = header("authorization")
        if authorization is not None:
            return authorization
        cookie = self.pages.cookie_in(header)
        if cookie is None or method != "POST":
            return None
        if not self.pages.is_ours(header):
            raise foreign_origin()
        return cookie

    def credential_of_socket(self, header: Header) -> Credential:
        """The credential of a handshake. A page of another origin has none."""
        authorization = header("authorization")
        if authorization is None and self.pages.is_ours(header):
            return self.pages.cookie_in(header)
        return authorization

    async def authenticate(self, credential: Credential, *, within: float = RECHECK_AFTER_SECONDS) -> Principal:
        """Who calls, read from the database at most `within` seconds ago. Raises `Unauthorized`, `Unavailable`."""
        if isinstance(credential, SessionCookie):
            return await self.sessions.authenticate(credential, within=within)
        return await self.bearer.authenticate(credential, within=within)


def build_callers(database: Database, keys: SigningKeys, issuer: str, public_url: str | None = None) -> Callers:
    return Callers(Bearer(database, keys, issuer), Sessions(database), Pages(public_url))


def foreign_origin() -> RequestRefused:
    return RequestRefused(
        403,
        "FOREIGN_ORIGIN",
        "Permintaan ini bukan dari halaman Pemudik; buka alamat Pemudik sendiri.",
        "This request does not come from a page of Pemudik; open the address of Pemudik itself.",
    )
