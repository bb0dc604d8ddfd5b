"""Sessions of people on the pages: a cookie, what it stands for, and how soon its end is known.

A session is read again from the database as often as a client is (`auth.bearer`). So the end of a session, and the
removal of a person from the staff, count everywhere within `RECHECK_AFTER_SECONDS`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from app import clock
from app.auth.bearer import REALM, RECHECK_AFTER_SECONDS, Principal, Unauthorized
from app.db import Database
from app.registry.caller import Caller
from app.registry.clients import sign_in
from app.registry.clients.sign_in import SignedIn

MOST_SESSIONS = 10_000
"""One process remembers this many."""


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """Made by `auth.callers` alone, which has looked where the request comes from."""

    token: str = field(repr=False)


Credential = str | SessionCookie | None
"""The value of Authorization, or the cookie of a session."""


@dataclass(frozen=True, slots=True)
class _SeenPerson:
    read_at: float
    person: SignedIn | None


class Sessions:
    """A process has one. `monotonic` counts the seconds between two looks at a session."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._seen: OrderedDict[str, _SeenPerson] = OrderedDict()

    async def who(self, cookie: SessionCookie, *, within: float = RECHECK_AFTER_SECONDS) -> SignedIn | None:
        """Whose session it is, by a look that is at most `within` seconds old. Raises `Unavailable`."""
        seen = self._seen.get(cookie.token)
        if seen is None or self._monotonic() - seen.read_at >= within:
            seen = await self._read(cookie.token)
        if seen.person is None or clock.now() >= seen.person.ends_at:
            self._seen.pop(cookie.token, None)
            return None
        return seen.person

    async def authenticate(self, cookie: SessionCookie, *, within: float = RECHECK_AFTER_SECONDS) -> Principal:
        """The person as a caller. Raises `Unauthorized`, `Unavailable`."""
        person = await self.who(cookie, within=within)
        if person is None:
            raise Unauthorized(401, "session_ended", REALM)
        caller = Caller(person.id, person.organizer, frozenset(person.members))
        return Principal(caller, frozenset(person.scopes), person.ends_at)

    def forget(self, cookie: SessionCookie) -> None:
        """The session has ended here and now: this process need not wait for its next look."""
        self._seen.pop(cookie.token, None)

    async def _read(self, token: str) -> _SeenPerson:
        read_at = self._monotonic()
        async with self._database.statements() as session:
            person = await sign_in.who(session, token, clock.now())
        seen = self._seen[token] = _SeenPerson(read_at, person)
        if len(self._seen) > MOST_SESSIONS:
            self._seen.popitem(last=False)
        return seen
