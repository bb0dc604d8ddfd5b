"""What the database is given, and what it keeps."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from app import clock
from app.config import Settings
from app.registry import retention
from app.vault.vault import open_vault
from tests.privacy.remains import remains
from tests.privacy.silence.asking import SUBMIT, operations, person
from tests.privacy.silence.house import Caller
from tests.privacy.silence.known import Known
from tests.world import World

pytestmark = pytest.mark.anyio

INDEX_MAY_STAY = {"nik_block.nik_index"}
"""Until a block ends."""


async def test_not_even_a_database_that_logs_every_statement_learns_of_anybody(caller: Caller) -> None:
    """NIKs go there as blind indexes, and NIKs and names sealed: nothing else does, so nothing else can be logged."""
    one, other = caller.another("statements"), caller.another("statements of corrections")
    await caller.house.loud(log_statement="all", log_min_duration_statement="0")
    try:
        await caller.settle()
        registered = await caller.ask(SUBMIT, {"input": person(one, caller.house.routes)})
        key = registered.json()["data"]["submitRegistrant"]["registrant"]["id"]
        asked = operations(caller, one, other, key)
        for name in ("replay", "check", "checks", "find", "page", "entities", "verify", "correct", "cancel", "submit"):
            assert (await caller.read(*asked[name])).keys() == {"data", "extensions"}, name
    finally:
        await caller.house.loud()
        await caller.settle()
    written = caller.house.written()["postgres"]
    assert written.count("INSERT INTO registrant") >= 2
    assert re.search(r"(?i)parameters: .*\\x[0-9a-f]{64}", written)


async def test_nothing_at_rest_tells_of_anybody(caller: Caller) -> None:
    house, one = caller.house, caller.another("rest")
    accepted = await caller.ask(SUBMIT, {"input": person(one, house.routes, reference=f"REST-{caller.name}")})
    assert "id" in accepted.json()["data"]["submitRegistrant"]["registrant"]
    async with house.operator() as operator:
        for table in SQLModel.metadata.sorted_tables:
            rows = await operator.fetch(f'SELECT t::text AS row FROM "{table.name}" t')
            assert house.everybody.told_by("\n".join(row["row"] for row in rows)) == [], table.name
        kept = "SELECT count(*) FROM registrant WHERE reference = $1"
        assert await operator.fetchval(kept, f"REST-{caller.name}") == 1


async def test_whoever_is_erased_stands_in_no_log_and_not_at_rest(caller: Caller) -> None:
    """By the NIK, as Hubdat erases; what the servers and the database write meanwhile is looked through behind it."""
    house, one = caller.house, caller.another("erasure")
    erase = """mutation ($nik: NIK!) { eraseRegistrant(ref: {nik: {nik: $nik}}, reason: "Permintaan") {
        ... on Erasure { registrants { status } } } }"""
    await caller.ask(SUBMIT, {"input": person(one, house.routes)})
    hubdat = await Caller.of(house, caller.name, caller.http, "hubdat", ("hubdat:admin",))
    erased = await hubdat.ask(erase, {"nik": one.nik})
    assert erased.json()["data"]["eraseRegistrant"] == {"registrants": [{"status": "CANCELLED"}]}
    assert house.told() == []
    async with house.operator() as operator:
        assert await operator.fetchval("SELECT count(*) FROM registrant WHERE erased_at IS NOT NULL") >= 1


async def test_whoever_is_purged_stands_in_no_log_no_file_and_not_at_rest(caller: Caller) -> None:
    """With the keys at hand. Every statement of the purge is logged by the database, and looked through as well."""
    house, one = caller.house, caller.another("purge")
    await house.loud(log_statement="all", log_min_duration_statement="0")
    await caller.settle()
    await caller.ask(SUBMIT, {"input": person(one, house.routes)})
    await caller.read("query ($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {"nik": one.nik})
    vault = open_vault(Settings().model_copy(update={"home": house.place.home}))
    async with house.database() as database, house.operator() as operator:
        world = World(database, vault)
        assert await remains(world, one.nik, [one.family]) >= {"registrant.nik_index", "nik_access.area"}
        ends_on = await operator.fetchval("SELECT ends_on FROM season")
        later = clock.start_of_wib_day(ends_on + retention.RETENTION + timedelta(days=2))
        try:
            while (await world.sweep(later)).seasons_purged == 0:
                pass
            assert await remains(world, one.nik, [one.family]) <= INDEX_MAY_STAY
        finally:
            # The tests behind this one go on in the season.
            await operator.execute("UPDATE season SET closed_at = NULL, purged_at = NULL")
    await house.loud()
    await caller.settle()
    assert house.told() == []
    assert in_files(house.place.home, one) == []


def in_files(home: Path, one: Known) -> list[str]:
    """The files of servers and database in which the NIK or the name stands."""
    words = (one.nik.encode(), one.family.encode())
    files = [file for file in home.rglob("*") if file.is_file()]
    return [str(file) for file in files if any(word in file.read_bytes() for word in words)]
