"""Source and coordinator: what a client submits is its organizer's; a coordinator may name one of its members (S1).

A coordinator (Jasa Raharja, of some 80 state firms) acts for its members: what is theirs is its own to submit, move
and read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.errors import NotYours, refuses


@dataclass(frozen=True, slots=True)
class Caller:
    """The client that calls, and the organizers whose records are its own."""

    client_id: str | None
    """None: the command line, or the registry itself."""
    organizer: str
    members: frozenset[str] = field(default_factory=frozenset)
    owns_nothing: bool = False
    """It may only look on: the dashboard."""

    @property
    def organizers(self) -> frozenset[str]:
        return frozenset() if self.owns_nothing else self.members | {self.organizer}

    def owns(self, organizer: str) -> bool:
        return not self.owns_nothing and (organizer == self.organizer or organizer in self.members)


@refuses(NotYours)
def organizer_of(caller: Caller, member: str | None) -> str | NotYours:
    """The organizer that a submission belongs to."""
    organizer = member or caller.organizer
    return organizer if caller.owns(organizer) else NotYours("member")
