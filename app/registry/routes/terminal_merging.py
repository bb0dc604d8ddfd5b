"""Merging a provisional terminal, which a row made, into the terminal that it means; for Hubdat or for its owner.

The routes of the provisional terminal become routes of the other one. Later rows that mean it find the other one.
Routes that people hold keep their cities (`holders`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import holders, terminals
from app.registry.routes.terminals import Terminal
from app.sql import statement


class _TerminalToMerge(NamedTuple):
    code: str
    organizer: str | None
    city: str
    provisional: bool


class _RouteThere(NamedTuple):
    """A route that departs from or arrives at one of the two terminals."""

    id: UUID
    organizer: str
    season: int
    direction: str
    service: str
    name: str
    name_key: str
    departs_at: datetime | None
    provisional: bool
    merged_into: UUID | None
    origin_code: str
    destination_code: str


# A row may just now make a route there. By its foreign key the route waits for this lock, and is then made anew
# (`rows.provisional`).
_TERMINALS = statement(
    """
    SELECT code, organizer_code AS organizer, city, provisional FROM terminal
    WHERE code IN (:code, :into) AND merged_into IS NULL ORDER BY code FOR UPDATE
    """,
    _TerminalToMerge,
)
_ROUTES = statement(
    """
    SELECT id, organizer_code AS organizer, season, direction, service, name, name_key, departs_at, provisional,
           merged_into, origin_code, destination_code
    FROM route WHERE origin_code IN (:code, :into) OR destination_code IN (:code, :into)
    ORDER BY id FOR NO KEY UPDATE
    """,
    _RouteThere,
)
_REPLACE = statement(
    """
    UPDATE route SET origin_code = CASE origin_code WHEN :code THEN :into ELSE origin_code END,
                     destination_code = CASE destination_code WHEN :code THEN :into ELSE destination_code END
    WHERE :code IN (origin_code, destination_code)
    """
)
# Terminals that were merged into this one before are spellings of its target, too.
_MERGED = statement("UPDATE terminal SET merged_into = :into WHERE :code IN (code, merged_into)")


@refuses(NotFound, NotYours, InvalidValue)
async def merge(
    session: Session, caller: Caller, code: str, into: str, now: datetime, *, admin: bool
) -> Terminal | Refusal:
    """The target. Run it through `Database.attempt`.

    It is refused when routes would become the same, or end where they begin.
    """
    found = {row.code: row for row in await session.rows(_TERMINALS, code=code, into=into)}
    routes = await session.rows(_ROUTES, code=code, into=into)
    using = [route for route in routes if code in {route.origin_code, route.destination_code}]
    refused = _judge(found, using, caller, code, into, admin=admin) or _refuses_twins(routes, code, into)
    if refused is None and await holders.among(session, [route.id for route in using]):
        refused = holders.judge_city(found[code].city, found[into].city, "into")
    if refused is not None:
        return refused
    await session.run(_REPLACE, code=code, into=into)
    await session.run(_MERGED, code=code, into=into)
    entry = change_log.Entry(
        kind=ChangeKind.TERMINAL_MERGED,
        organizer=found[code].organizer,
        client_id=caller.client_id,
        facts={"code": code, "into": into, "routes": [str(route.id) for route in using]},
    )
    await change_log.append(session, [entry], now)
    [merged] = await terminals.by_codes(session, [into])
    return merged or NotFound("into")


def _judge(
    found: dict[str, _TerminalToMerge],
    using: Sequence[_RouteThere],
    caller: Caller,
    code: str,
    into: str,
    *,
    admin: bool,
) -> Refusal | None:
    for name, one in (("provisional", code), ("into", into)):
        if one not in found:
            return NotFound(name)
    owners = {found[code].organizer, *(route.organizer for route in using)}
    if not (admin or all(owner is not None and caller.owns(owner) for owner in owners)):
        return NotYours("provisional")
    if not found[code].provisional:
        return InvalidValue(
            "provisional",
            "Terminal ini tidak sementara; hanya yang sementara yang digabung.",
            "This terminal is not a provisional one; only these are merged.",
        )
    if code == into:
        return InvalidValue(
            "into",
            "Terminal ini tidak dapat digabung dengan dirinya; pilih terminal lain.",
            "It is the same terminal; choose another one.",
        )
    if any({route.origin_code, route.destination_code} <= {code, into} for route in using):
        return InvalidValue("into", "Ada rute yang tujuannya menjadi asalnya.", "A route would end where it begins.")
    return None


def _refuses_twins(routes: Sequence[_RouteThere], code: str, into: str) -> InvalidValue | None:
    """What the indices `uq_route_natural` and `uq_route_provisional` would refuse."""
    keys: set[tuple[object, ...]] = set()
    for route in routes:
        ends = [into if end == code else end for end in (route.origin_code, route.destination_code)]
        pinned = (route.organizer, route.season, route.direction, route.service, route.departs_at, *ends)
        own = [(*pinned, "name", route.name)] if route.merged_into is None else []
        own += [(*pinned, "key", route.name_key)] if route.provisional else []
        if not keys.isdisjoint(own):
            return InvalidValue(
                "into",
                "Dua rute akan menjadi sama; gabungkan rutenya dahulu.",
                "Two routes would become one; merge the routes first.",
            )
        keys.update(own)
    return None
