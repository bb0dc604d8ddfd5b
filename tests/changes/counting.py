"""What the tallies must be: plain `GROUP BY` over the registrants and the cases' refusals, and nothing but that."""

from __future__ import annotations

import asyncio
from typing import Any

from app.changes.log import tallies
from app.changes.log.projection import advance
from app.db import Database, Session
from tests import queries
from tests.world import NOW

STATUSES = ("REGISTERED", "VERIFIED", "DEPARTED", "FORFEITED", "CANCELLED", "NO_SHOW")
COUNTED = ", ".join(f"count(*) FILTER (WHERE status = '{status}' AND NOT lap_infant)" for status in STATUSES)
COUNTED = f"{COUNTED}, count(*) FILTER (WHERE verified_at IS NOT NULL AND NOT lap_infant)"
COUNTED = f"{COUNTED}, count(*) FILTER (WHERE lap_infant AND status NOT IN ('CANCELLED', 'FORFEITED'))"
COUNTED = f"{COUNTED}, count(*) FILTER (WHERE 'ARRIVED_LATE' = ANY(flags) AND NOT lap_infant)"
COLUMNS = "registered, verified, departed, forfeited, cancelled, no_show, ever_verified, lap_infants, arrived_late"
DAY = "(registered_at AT TIME ZONE 'Asia/Jakarta')::date"
KIND = "season, organizer_code, direction, service"
REFUSED_ON = "(c.at AT TIME ZONE 'Asia/Jakarta')::date"
ATTEMPTS = ", ".join(
    f"count(*) FILTER (WHERE kind = '{kind}')" for kind in ("DUPLICATE_REFUSED", "DUPLICATE_SUSPECTED")
)

WHOSE = {KIND: KIND, "season, '*', direction, service": "season, direction, service"}
"""For each organizer and for everybody together: what is selected, and what it is grouped by."""

PLAIN = {
    f"SELECT {KIND}, {COLUMNS} FROM tally": f"SELECT {KIND}, {COUNTED} FROM registrant GROUP BY {KIND}",
    f"SELECT {KIND}, day, {COLUMNS} FROM tally_day": " UNION ALL ".join(
        f"SELECT {whose}, {DAY}, {COUNTED} FROM registrant GROUP BY {grouped}, {DAY}"
        for whose, grouped in WHOSE.items()
    ),
    # A route that its people were moved away from keeps a row that counts nobody.
    f"""SELECT route_id, organizer_code, day, {COLUMNS} FROM tally_route
        WHERE registered + verified + departed + forfeited + cancelled + no_show + lap_infants > 0""": (
        f"""SELECT route_id, organizer_code, {DAY}, {COUNTED} FROM registrant GROUP BY route_id, organizer_code, {DAY}
            HAVING bool_or(NOT lap_infant OR status NOT IN ('CANCELLED', 'FORFEITED'))"""
    ),
    f"SELECT {KIND}, day, verify_by, waiting FROM tally_deadline": " UNION ALL ".join(
        f"""SELECT {whose}, {DAY}, coalesce(date_trunc('hour', verify_by), 'infinity'), count(*) FROM registrant
            WHERE status = 'REGISTERED' AND NOT lap_infant GROUP BY {grouped}, {DAY}, date_trunc('hour', verify_by)"""
        for whose, grouped in WHOSE.items()
    ),
    "SELECT season, holder, claimant, direction, service, day, refused, suspected FROM tally_duplicate": (
        f"""SELECT c.season, c.organizer_code, c.facts ->> 'claimant', direction, service, {REFUSED_ON}, {ATTEMPTS}
            FROM change c JOIN registrant r ON r.id = c.registrant_id WHERE kind LIKE 'DUPLICATE_%'
            GROUP BY c.season, c.organizer_code, c.facts ->> 'claimant', direction, service, {REFUSED_ON}"""
    ),
    "SELECT season, holder, claimant, refused, suspected FROM tally_pair": (
        f"""SELECT season, organizer_code, facts ->> 'claimant', {ATTEMPTS} FROM change
            WHERE kind LIKE 'DUPLICATE_%' GROUP BY season, organizer_code, facts ->> 'claimant'"""
    ),
    # And the log agrees with what the cases themselves remember.
    "SELECT holder, claimant, sum(refused + suspected) FROM tally_duplicate GROUP BY holder, claimant": (
        """SELECT r.organizer_code, claim.organizer_code, sum(attempts) FROM case_claim claim
           JOIN duplicate_case d ON d.id = claim.case_id JOIN registrant r ON r.id = d.holder_id GROUP BY 1, 2"""
    ),
}


async def differences(session: Session) -> dict[str, Any]:
    """By tally: rows that are not what they must be."""
    found = {}
    for tally, plain in PLAIN.items():
        kept, expected = [{tuple(row) for row in await queries.run(session, query)} for query in (tally, plain)]
        if kept != expected:
            found[tally] = {"too many": kept - expected, "missing": expected - kept}
    return found


UNCOUNTED = """SELECT EXISTS (SELECT FROM change c LEFT JOIN projection p ON p.name = 'statistics'
                      WHERE p.name IS NULL OR (c.xact_id, c.id) > (p.xact_id, p.change_id))"""


async def count_all(database: Database) -> int:
    """Let the projector catch up, also with what waits for others' transactions; answers how many steps it took."""
    steps = 0
    async with database.transaction() as session:
        await queries.run(session, "INSERT INTO projection (name) VALUES ('statistics') ON CONFLICT DO NOTHING")
    while await behind(database):
        if await advance(database, tallies.STATISTICS, NOW):
            steps += 1
        else:
            await asyncio.sleep(0.005)
    return steps


async def behind(database: Database) -> bool:
    async with database.transaction() as session:
        found: bool = await queries.value(session, UNCOUNTED)
        return found
