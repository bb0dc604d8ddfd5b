"""Laps: an infant without a seat travels on the lap of somebody of its booking who has a seat on the same route.

Whoever holds the infant is registered already, or is accepted in the same batch, wherever in the batch. Infants are
judged last for that. Of a code that hundreds share nobody can tell who travels with whom: there, no infant is refused.
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
    """A place where somebody of a booking sits. The route has the season."""

    organizer: str
    reference: str | None
    """Who has no booking code, travels with nobody that the registry knows."""
    route_id: UUID | None


@dataclass(slots=True)
class Laps:
    """Of the bookings of a batch's infants."""

    there: set[Lap] = field(default_factory=set)
    shared: set[tuple[str, str | None]] = field(default_factory=set)
    """Codes of organizers that too many share."""
    hoped: set[Lap] = field(default_factory=set)
    """Of those of the batch who are not judged yet."""

    def settle(self, accepted: Iterable[Lap]) -> None:
        """Everybody but the infants is judged."""
        self.there.update(accepted)
        self.hoped.clear()

    @refuses(InvalidValue)
    def judge(self, wanted: Lap) -> InvalidValue | None:
        if wanted.reference is not None and self._may_be(wanted):
            return None
        return InvalidValue(
            "lapInfant",
            "Belum ada pemegang kursi pada rute ini dengan kode booking yang sama; daftarkan pendamping bayi lebih "
            "dahulu, atau bersama bayinya.",
            "Nobody has a seat on this route under the same booking code; register whoever holds the infant first, "
            "or together with the infant.",
        )

    def _may_be(self, wanted: Lap) -> bool:
        return wanted in self.there or wanted in self.hoped or wanted[:2] in self.shared


async def read(session: Session, bookings: Collection[BookingKey], hoped: Iterable[Lap]) -> Laps:
    """Those that are there, of each of `bookings`. The routes are locked: nobody loses a seat there meanwhile."""
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
