"""Merging a terminal that a feed made into the one that it means, for Hubdat or for its owner.

The routes that used it use the other one; later records that mean it find that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import terminals
from app.registry.routes.terminals import Terminal

# A route that a feed makes there waits for this lock, by its foreign key, and is then made anew (`provisional`).
_TERMINALS = text(
    """
    SELECT code, organizer_code AS organizer, provisional FROM terminal
    WHERE code IN (:code, :into) AND merged_into IS NULL ORDER BY code FOR UPDATE
    """
)
_ROUTES = text(
    """
    SELECT id, organizer_code AS organizer, season, direction, service, name, name_key, departs_at, provisional,
           merged_into, origin_code, destination_code
    FROM route WHERE origin_code IN (:code, :into) OR destination_code IN (:code, :into)
    ORDER BY id FOR NO KEY UPDATE
    """
)
_REPLACE = text(
    """
    UPDATE route SET origin_code = CASE origin_code WHEN :code THEN :into ELSE origin_code END,
                     destination_code = CASE destination_code WHEN :code THEN :into ELSE destination_code END
    WHERE :code IN (origin_code, destination_code)
    """
)
# Those that were merged into this one before are spellings of its target, too.
_MERGED = text("UPDATE terminal SET merged_into = :into WHERE :code IN (code, merged_into)")


@refuses(NotFound, NotYours, InvalidValue)
async def merge(
    session: Session, caller: Caller, code: str, into: str, now: datetime, *, admin: bool
) -> Terminal | Refusal:
    """The target. Run it through `Database.attempt`.

    It is refused when routes would become the same, or end where they begin.
    """
    ends = {"code": code, "into": into}
    found = {row.code: row for row in await session.execute(_TERMINALS, ends)}
    routes = (await session.execute(_ROUTES, ends)).all()
    using = [row for row in routes if code in {row.origin_code, row.destination_code}]
    refused = _judge(found, using, caller, code, into, admin=admin) or _refuses_twins(routes, code, into)
    if refused is not None:
        return refused
    await session.execute(_REPLACE, ends)
    await session.execute(_MERGED, ends)
    entry = change_log.Entry(
        ChangeKind.TERMINAL_MERGED,
        organizer=found[code].organizer,
        client_id=caller.client_id,
        facts={"code": code, "into": into, "routes": [str(row.id) for row in using]},
    )
    await change_log.append(session, [entry], now)
    [merged] = await terminals.by_codes(session, [into])
    return merged or NotFound("into")


def _judge(
    found: dict[str, Row[Any]], using: Sequence[Row[Any]], caller: Caller, code: str, into: str, *, admin: bool
) -> Refusal | None:
    for name, one in (("provisional", code), ("into", into)):
        if one not in found:
            return NotFound(name)
    owners = {found[code].organizer, *(row.organizer for row in using)}
    if not (admin or all(caller.owns(owner) for owner in owners)):
        return NotYours("provisional")
    if not found[code].provisional:
        return InvalidValue("provisional", "Terminal ini tidak sementara.", "This terminal is not a provisional one.")
    if code == into:
        return InvalidValue("into", "Terminal ini tidak dapat digabung dengan dirinya.", "It is the same terminal.")
    if any({row.origin_code, row.destination_code} <= {code, into} for row in using):
        return InvalidValue("into", "Ada rute yang tujuannya menjadi asalnya.", "A route would end where it begins.")
    return None


def _refuses_twins(routes: Sequence[Row[Any]], code: str, into: str) -> InvalidValue | None:
    """What the indices `uq_route_natural` and `uq_route_provisional` would refuse."""
    keys: set[tuple[object, ...]] = set()
    for row in routes:
        ends = [into if end == code else end for end in (row.origin_code, row.destination_code)]
        pinned = (row.organizer, row.season, row.direction, row.service, row.departs_at, *ends)
        own = [(*pinned, "name", row.name)] if row.merged_into is None else []
        own += [(*pinned, "key", row.name_key)] if row.provisional else []
        if not keys.isdisjoint(own):
            return InvalidValue(
                "into",
                "Dua rute akan menjadi sama; gabungkan rutenya dahulu.",
                "Two routes would become one; merge the routes first.",
            )
        keys.update(own)
    return None
