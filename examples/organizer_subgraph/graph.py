"""The graph: two types of the registry, with the fields that this organizer adds."""

from __future__ import annotations

from dataclasses import dataclass

import strawberry

from examples.organizer_subgraph.seats import Place, Seats


@dataclass(frozen=True)
class Context:
    seats: Seats
    ours: bool
    """Whether one of our own clients asks. Nobody else is told where our people sit."""


Info = strawberry.Info[Context, None]


@strawberry.federation.type(keys=["id"])
class Registrant:
    """Somebody whom the registry knows; it has the name, the status and the rest."""

    id: strawberry.ID

    @strawberry.field(description="The bus in which this person travels.")  # type: ignore[untyped-decorator]
    def bus(self, info: Info) -> str | None:
        place = _place(info, self.id)
        return None if place is None else place.bus

    @strawberry.field(description="The seat in that bus.")  # type: ignore[untyped-decorator]
    def seat_number(self, info: Info) -> str | None:
        place = _place(info, self.id)
        return None if place is None else place.seat


@strawberry.federation.type(keys=["id"])
class Route:
    id: strawberry.ID

    @strawberry.field(description="The buses of this route, in the order in which they were filled.")  # type: ignore[untyped-decorator]
    def buses(self, info: Info) -> list[str]:
        return info.context.seats.buses.get(self.id, []) if info.context.ours else []


def _place(info: Info, registrant: str) -> Place | None:
    return info.context.seats.by_registrant.get(registrant) if info.context.ours else None


SCHEMA = strawberry.federation.Schema(types=[Registrant, Route], federation_version="2.9")
