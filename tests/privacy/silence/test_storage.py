"""What the database is given, and what it keeps."""

from __future__ import annotations

import re

import pytest
from sqlmodel import SQLModel

from tests.privacy.silence.asking import SUBMIT, operations, person
from tests.privacy.silence.house import Caller

pytestmark = pytest.mark.anyio


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
