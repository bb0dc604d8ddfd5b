"""Laps: an infant without a seat travels on the lap of somebody of its booking who has a seat on the same route.

Whoever holds the infant is registered already, or is accepted in the same batch. Their order in the batch does not
matter: infants are judged last. It holds alike for a submission, for a move, and for an end that is taken back. When
hundreds of people share a booking code, nobody can tell who travels with whom. So no infant with such a code is
refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, refuses
from app.registry.routes import lap_infants
from app.registry.routes.lap_infants import BookingKey


class Lap(NamedTuple):
    """A booking that has a seat on a route, so that an infant can travel there. The route tells the season."""

    organizer: str
    reference: str | None
    """None: without a booking code, the registry does not know who travels together."""
    route_id: UUID | None


ALONE_WHEN_SUBMITTED = InvalidValue(
    "lapInfant",
    "Belum ada pemegang kursi pada rute ini dengan kode booking yang sama; daftarkan pendamping bayi lebih dahulu, atau"
    " bersama bayinya.",
    "Nobody has a seat on this route under the same booking code; register whoever holds the infant first, or together"
    " with the infant.",
)
ALONE_WHEN_MOVED = InvalidValue(
    "routeId",
    "Pada rute itu belum ada pemegang kursi dengan kode booking yang sama; pindahkan pendamping bayi lebih dahulu, atau"
    " bersama bayinya.",
    "Nobody has a seat on that route under the same booking code; move whoever holds the infant first, or together"
    " with the infant.",
)
ALONE_WHEN_REOPENED = InvalidValue(
    "ref",
    "Belum ada pemegang kursi pada rute bayi ini dengan kode booking yang sama; pendaftaran pendampingnya harus berlaku"
    " kembali lebih dahulu, atau bersama bayinya.",
    "Nobody has a seat on the route of this infant under the same booking code; whoever holds the infant must stand"
    " again first, or together with the infant.",
)


@dataclass(slots=True)
class Laps:
    """Where the infants of a batch can travel."""

    there: set[Lap] = field(default_factory=set)
    shared: set[tuple[str, str | None]] = field(default_factory=set)
    """Organizer and booking code, where too many people share the code."""
    hoped: set[Lap] = field(default_factory=set)
    """What people of the batch ask for who are not judged yet."""

    def settle(self, accepted: Iterable[Lap]) -> None:
        """Call this when everybody but the infants is judged."""
        self.there.update(accepted)
        self.hoped.clear()

    @refuses(InvalidValue)
    def judge(self, wanted: Lap, alone: InvalidValue) -> InvalidValue | None:
        """`alone`, unless somebody of the booking has a seat there."""
        return None if self._may_be(wanted) else alone

    def _may_be(self, wanted: Lap) -> bool:
        if wanted.reference is None:
            return False
        return wanted in self.there or wanted in self.hoped or wanted[:2] in self.shared


async def read(session: Session, bookings: Collection[BookingKey], hoped: Iterable[Lap]) -> Laps:
    """Which of `bookings` have seats now. The routes are locked: nobody loses a seat there meanwhile."""
    found = await lap_infants.members_of(session, bookings)
    return Laps(
        there={
            Lap(one.organizer, one.reference, route)
            for one, members in found.items()
            if members is not None
            for route in lap_infants.seated(members)
        },
        shared={(one.organizer, one.reference) for one, members in found.items() if members is None},
        hoped=set(hoped),
    )
