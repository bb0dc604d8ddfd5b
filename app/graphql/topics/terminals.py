"""Terminals: where routes depart and arrive."""

from __future__ import annotations

import strawberry
from strawberry import ID

from app.graphql.vocabulary import PlaceKind
from app.registry.routes import terminals as registry_terminals


@strawberry.federation.type(
    name="Terminal",
    keys=["code"],
    description="A departure or arrival place: terminal, station, port or meeting point.",
)
class Terminal:
    code: ID = strawberry.field(description="Small letters, digits and dashes, such as `pulo-gebang`.")
    name: str = strawberry.field(description="`keberangkatan_terminal` or `tujuan_terminal` of the standard.")
    city: str = strawberry.field(
        description=(
            "`kota_keberangkatan` or `kota_tujuan` of the standard. Aliases are one city: Solo is Kota Surakarta."
        )
    )
    kind: PlaceKind = strawberry.field(description="What kind of place it is.")
    region_code: str | None = strawberry.field(description="Kemendagri's code of its regency, four digits.")
    provisional: bool = strawberry.field(
        description="Made from a row that named no known place, for review; see `mergeTerminal`."
    )

    @classmethod
    def from_record(cls, record: registry_terminals.Terminal) -> Terminal:
        return cls(
            code=ID(record.code),
            name=record.name,
            city=record.city,
            kind=PlaceKind(record.kind),
            region_code=record.region_code,
            provisional=record.provisional,
        )
