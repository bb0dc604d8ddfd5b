"""Whom an answer of GraphQL shows: noted while it is made, and written down before it leaves.

Whoever makes a `Registrant` of the schema gives its context, so nobody can be shown without being noted. Every request
is one row of `app.registry.niks.reads`, and so is every minute of a subscription.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from app import clock
from app.errors import Unavailable
from app.process import Process
from app.registry.caller import Caller
from app.registry.niks import reads
from app.registry.niks.reads import MOST_NAMED, STRETCH, Read


class Shown:
    """Who was shown to one client, by one request or in one stretch of a subscription."""

    def __init__(self) -> None:
        self.people: dict[UUID, str] = {}
        """Each with the organizer."""
        self.asked: dict[str, object] = {}
        """The filters of root fields, by the names of these fields."""
        self.purposes: set[str] = set()
        """What for, in the words of the caller, each once."""
        self.unfound: set[bytes] = set()
        """The blind indexes of the NIKs that were looked up for a purpose and found nobody."""

    @property
    def leaves_a_trace(self) -> bool:
        return bool(self.people or self.unfound)

    def note(self, registrant: UUID, organizer: str) -> None:
        self.people[registrant] = organizer

    def give(self, purpose: str | None, *, unfound: bytes | None = None) -> None:
        """Keep what somebody was looked up for, also where nobody was found."""
        if purpose is None:
            return
        self.purposes.add(purpose)
        if unfound is not None:
            self.unfound.add(unfound)

    def read(self, caller: Caller, what: str) -> Read:
        return Read(
            caller=caller,
            what=what,
            people=dict(self.people),
            asked=self.asked,
            purpose="\n".join(sorted(self.purposes)) or None,
            unfound=sorted(self.unfound),
        )


class Stretches:
    """What one subscription is shown, minute by minute. A minute begins with the first person who is shown."""

    def __init__(self, process: Process, caller: Caller, what: str) -> None:
        self.shown = Shown()
        self._process = process
        self._caller = caller
        self._what = what
        self._number: int | None = None
        self._ends_at: datetime | None = None

    async def write_down(self) -> None:
        """Write down who is shown, before the event leaves. Raises `Unavailable`."""
        if not self.shown.people:
            return
        now = clock.now()
        if self._number is None or self._ends_at is None:
            async with self._process.database.statements() as session:
                read = self.shown.read(self._caller, self._what)
                self._number = await reads.record(session, read, now, goes_on=True)
            self._ends_at = now + STRETCH
        elif now >= self._ends_at or len(self.shown.people) >= MOST_NAMED:
            await self._end(now)

    async def end(self) -> None:
        """What was not ended since the database is away stays open: then everybody of these organizers may be in it."""
        with suppress(Unavailable):
            await self._end(clock.now())

    async def _end(self, now: datetime) -> None:
        number, self._number = self._number, None
        if number is None:
            return
        read = self.shown.read(self._caller, self._what)
        self.shown.people.clear()
        async with self._process.database.statements() as session:
            await reads.end(session, number, read, now)
