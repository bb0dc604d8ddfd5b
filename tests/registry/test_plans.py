"""Batches are looked up NIK by NIK, also in a table that has just begun to grow and has no statistics."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.registry.registrants import uniqueness
from app.registry.rows import known
from tests.world import World

pytestmark = pytest.mark.anyio

NIKS = "ARRAY(SELECT sha256('x') FROM generate_series(1, 1000))"


@pytest.mark.parametrize("statement", [uniqueness._STANDING, known.KNOWN], ids=["standing", "known"])
async def test_registrants_are_found_by_nik(world: World, statement: Any) -> None:
    """A table that is read as a whole for each of a thousand NIKs makes a batch slower with every batch."""
    sql = re.sub(r"CAST\(:\w*nik_index AS bytea\[\]\)", NIKS, statement.text)
    sql = re.sub(r":\w*organizer\b", "ARRAY['hubdat']", sql).replace(":season", "2026")
    await world.run("ALTER TABLE registrant SET (autovacuum_enabled = false)")
    try:
        plan = [row[0].strip() for row in await world.run(f"EXPLAIN {sql}")]
    finally:
        await world.run("ALTER TABLE registrant RESET (autovacuum_enabled)")
    [scan] = [place for place, line in enumerate(plan) if " on registrant " in line]
    # By the index, straight or through a bitmap: never the whole table.
    assert "Index Scan" in plan[scan] or "Bitmap Heap Scan" in plan[scan]
    assert "nik_index = asked.nik_index" in plan[scan + 1]
