"""What people have written about a person as a reason, in free text: erased with the person, and with the season.

A reason may name somebody. Reasons stand in the change log, at decided cases, at blocks that were lifted, and as the
purpose of looking somebody up or of reading both sides of a case. A block that stands keeps its reason until it ends:
whoever is told of the block is told why. The reason of the erasure itself is written afterwards, and goes with the
season.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from app.db import Session
from app.models.administrative import ADMINISTRATIVE
from app.models.personal import wiped
from app.registry.niks.reads import MAY_BE_IN
from app.sql import statement

FORGOTTEN = "-"
"""In the place of a reason that must be there."""

_CASES = """
    SELECT c.id FROM duplicate_case c WHERE c.holder_id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT k.case_id FROM case_claim k WHERE k.nik_index = :nik_index
"""
_PERSONS_BLOCKS = statement("SELECT id FROM nik_block WHERE nik_index = :nik_index", UUID)
_OF_CHANGES = statement(
    f"""
    WITH subject (id) AS MATERIALIZED (
        SELECT CAST(id AS text) FROM ({_CASES} UNION SELECT unnest(CAST(:blocks AS uuid[]))) about
    )
    UPDATE change SET {wiped("change")} FROM (
        SELECT id AS told, at AS told_at FROM change
        WHERE registrant_id = ANY(CAST(:ids AS uuid[])) AND reason IS NOT NULL
        UNION SELECT c.id, c.at FROM change c
        WHERE {ADMINISTRATIVE} AND c.reason IS NOT NULL
            AND (c.facts ->> 'case' IN (TABLE subject) OR c.facts ->> 'block' IN (TABLE subject))
    ) about WHERE id = told AND at = told_at
    """
)
_OF_CASES = statement(f"UPDATE duplicate_case SET {wiped('duplicate_case')} WHERE id IN ({_CASES})")
_OF_BLOCKS = (
    f"UPDATE nik_block SET reason = '{FORGOTTEN}', lift_reason = NULL WHERE lifted_at IS NOT NULL AND {{which}}"
)
_OF_PERSONS_BLOCKS = statement(_OF_BLOCKS.format(which="nik_index = :nik_index"))
_OF_SEASONS_BLOCKS = statement(_OF_BLOCKS.format(which="from_season <= :season AND lift_reason IS NOT NULL"))
# Each way by an index of its own. A read that names nobody is one of so many people that a purpose is rare.
_OF_READS = statement(
    f"""
    UPDATE people_read SET {wiped("people_read")} FROM (
        SELECT id AS read, at AS read_at FROM people_read
        WHERE people && CAST(:ids AS uuid[]) AND people IS NOT NULL AND purpose IS NOT NULL
        UNION SELECT id, at FROM people_read WHERE unfound && ARRAY[CAST(:nik_index AS bytea)] AND unfound IS NOT NULL
        UNION SELECT p.id, p.at FROM people_read p JOIN registrant r ON {MAY_BE_IN}
        WHERE p.purpose IS NOT NULL AND p.people IS NULL AND r.id = ANY(CAST(:ids AS uuid[]))
    ) about WHERE id = read AND at = read_at
    """
)
_OF_SEASONS_CASES = statement(f"UPDATE duplicate_case SET {wiped('duplicate_case')} WHERE season = :season")
_OF_SEASONS_CHANGES = statement(
    f"""
    UPDATE change SET {wiped("change")} FROM (
        SELECT id AS told, at AS told_at FROM change WHERE season = :season AND reason IS NOT NULL LIMIT :most
    ) about WHERE id = told AND at = told_at
    """
)


async def erase_person(session: Session, nik_index: bytes, registrants: Sequence[UUID]) -> int:
    """Call this while the cases still know the NIK. Answers of how many reads it took what they were for."""
    ids = list(registrants)
    blocks = await session.rows(_PERSONS_BLOCKS, nik_index=nik_index)
    await session.run(_OF_CHANGES, ids=ids, nik_index=nik_index, blocks=blocks)
    await session.run(_OF_CASES, ids=ids, nik_index=nik_index)
    await session.run(_OF_PERSONS_BLOCKS, nik_index=nik_index)
    return await session.run(_OF_READS, ids=ids, nik_index=nik_index)


async def erase_some_of_season(session: Session, season: int, most: int) -> int:
    """Of up to `most` changes. Answers of how many. Behind the last of them, those that stand elsewhere."""
    erased = await session.run(_OF_SEASONS_CHANGES, season=season, most=most)
    if erased == 0:
        await session.run(_OF_SEASONS_CASES, season=season)
        await session.run(_OF_SEASONS_BLOCKS, season=season)
    return erased
