"""What must be true of the database whatever happened before: one query for each truth, which finds its exceptions."""

from __future__ import annotations

from app.db import Session
from app.models.statuses import HOLDS_NIK
from tests import queries
from tests.world import World

_EXCEPTIONS = {
    "a route's taken seats are its holders and those it left behind, and never more than its quota": f"""
        SELECT route.id FROM route LEFT JOIN registrant r ON r.route_id = route.id AND r.{HOLDS_NIK}
        GROUP BY route.id HAVING route.taken <> count(r.id) OR route.taken > route.quota
    """,
    "one holder of a claim": f"""
        SELECT min(id::text) FROM registrant WHERE {HOLDS_NIK} AND nik_index IS NOT NULL
        GROUP BY season, nik_index, direction, service HAVING count(*) > 1
    """,
    "a return ends with its outbound": f"""
        SELECT back.id FROM registrant back JOIN registrant home ON home.id = back.outbound_id
        WHERE back.{HOLDS_NIK} AND back.status NOT IN ('DEPARTED', 'NO_SHOW') AND NOT (home.{HOLDS_NIK})
    """,
    "a return is its outbound's: same person, organizer and service": """
        SELECT back.id FROM registrant back JOIN registrant home ON home.id = back.outbound_id
        WHERE (back.nik_index, back.organizer_code, back.service)
           <> (home.nik_index, home.organizer_code, home.service)
    """,
    "a trip is verified as a whole, and its legs have one deadline": """
        SELECT back.id FROM registrant back JOIN registrant home ON home.id = back.outbound_id
        WHERE (back.status = 'REGISTERED' AND home.status IN ('VERIFIED', 'DEPARTED', 'NO_SHOW'))
           OR (home.status = 'REGISTERED' AND back.status IN ('VERIFIED', 'DEPARTED', 'NO_SHOW'))
           OR (home.status = back.status AND back.status = 'REGISTERED'
               AND home.verify_by IS DISTINCT FROM back.verify_by)
    """,
    "nobody who is verified is blocked for a forfeiture with the same organizer": """
        SELECT b.id FROM nik_block b JOIN registrant r
            ON r.nik_index = b.nik_index AND r.organizer_code = b.organizer_code AND r.season = b.from_season
        WHERE b.registrant_id IS NOT NULL AND b.lifted_at IS NULL
          AND r.status IN ('VERIFIED', 'DEPARTED', 'NO_SHOW') AND r.verified_at <= b.since
    """,
    "each change of status is told once, from the first to the one that stands": """
        SELECT r.id FROM registrant r LEFT JOIN (
            SELECT registrant_id, bool_and(from_status IS NOT DISTINCT FROM before) AS chained,
                   max(to_status) FILTER (WHERE last) AS stands
            FROM (SELECT registrant_id, from_status, to_status, lag(to_status) OVER told AS before,
                         lead(id) OVER told IS NULL AS last
                  FROM change WHERE kind = 'REGISTRANT_MOVED'
                  WINDOW told AS (PARTITION BY registrant_id ORDER BY id)) move
            GROUP BY registrant_id
        ) history ON history.registrant_id = r.id
        WHERE history.chained IS NOT TRUE OR history.stands <> r.status
    """,
    "every move that is told is somebody's": """
        SELECT c.id FROM change c LEFT JOIN registrant r ON r.id = c.registrant_id
        WHERE c.kind = 'REGISTRANT_MOVED' AND r.id IS NULL
    """,
    "a NIK is blocked once for one forfeiture": """
        SELECT registrant_id FROM nik_block WHERE registrant_id IS NOT NULL AND lifted_at IS NULL
        GROUP BY registrant_id HAVING count(*) > 1
    """,
    "only the forfeited are blocked for it": """
        SELECT b.id FROM nik_block b JOIN registrant r ON r.id = b.registrant_id WHERE r.status <> 'FORFEITED'
    """,
    "seats that have come due are added once": """
        SELECT route.id FROM route JOIN quota_release q ON q.route_id = route.id
        GROUP BY route.id HAVING route.quota < sum(q.seats) FILTER (WHERE q.released_at IS NOT NULL)
    """,
}


async def exceptions(session: Session) -> dict[str, list[object]]:
    """Every truth that does not hold, with the ids of its exceptions."""
    found = {truth: list(await queries.column(session, query)) for truth, query in _EXCEPTIONS.items()}
    return {truth: ids for truth, ids in found.items() if ids}


async def assert_agrees(world: World) -> None:
    async with world.database.transaction() as session:
        found = await exceptions(session)
    assert not found, found
