"""Erasure takes the whole person, and the purge everybody: nothing stands anywhere in the database any more."""

from __future__ import annotations

import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.db import Database
from app.models.enums import ImportMode, RegistrantStatus
from app.models.personal_columns import PERSONAL_COLUMNS
from app.registry import erasure, subject_access
from app.registry.clients import idempotency
from app.registry.erasure import Erased
from app.registry.niks import blocks
from app.registry.niks.check import Check
from app.registry.registrants.drafts import Applicant
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.subject_access import Holding, StoredFile
from app.vault.vault import Vault
from tests import world as worlds
from tests.intake.lists import as_csv, imported, row, sent, worked_off
from tests.privacy.remains import remains
from tests.registry.rows.records import pushed, state
from tests.world import BUMN, DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
NIK = nik_of(1)
NAME, PLATE, STNK, CODE, POSKO = "Slamet Wirasaba", "AD 7001 ZX", "STNK-700123", "PNR7-700123", "Posko Kenari"
WORDS = (NAME, PLATE, STNK, CODE, POSKO)
INDEX_MAY_STAY = {"nik_access.nik_index", "nik_access.area", "nik_block.nik_index"}
"""Who looked, until the season's purge; and that nobody may register, until the block ends."""
PURGE_AT = NOW + timedelta(days=400)


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.clock.now", lambda: NOW)


async def somebody(world: World) -> None:
    """One person, in every place that the registry has for people: with five organizers."""
    home, back = await world.route(), await world.way_back()
    trip = await world.accepted(someone(HUBDAT, home, name=NAME, return_route_id=back, reference=CODE))
    await world.moved(trip.view.id, S.VERIFIED, posko=POSKO)
    truck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(DJKA, truck, name=NAME, motorcycle=Motorcycle(PLATE, STNK)))
    theirs = await world.route("DKI", organizer="dishub-dki")
    # Another organizer brought the same NIK, and is the one with whom the person books for somebody else.
    await world.submit(someone(DKI, theirs, name=NAME))
    await world.registered(someone(DKI, theirs, 2, booked_by=Applicant(NIK, NAME)))
    truck = await world.route("Motis DKI", organizer="dishub-dki", service="MOTORCYCLE")
    ended = await world.submit(someone(DKI, truck, name=NAME, motorcycle=Motorcycle(PLATE, STNK)))
    assert [one.code for one in ended] == ["NIK_ALREADY_REGISTERED"]
    await pushed(world, state(5, 1, data_pemesan=NAME, kode_booking=CODE), caller=BUMN)
    await world.check(Check(DKI, NIK))
    await answered(world)
    await listed(world)


async def answered(world: World) -> None:
    request = idempotency.keyed(world.vault, "djka-test", "a key", b"a body")
    async with world.database.transaction() as session:
        await idempotency.keep(session, world.vault, request, f'{{"name": "{NAME}", "nik": "{NIK}"}}', NOW)


async def listed(world: World) -> None:
    """Files that name the person: taken in, refused, with a route that differs, and tried out by somebody else."""
    mine = row(1, data_pemesan=NAME)
    await imported(world, HUBDAT, [mine, row(3)])
    await imported(world, DKI, [mine | {"source": "DISHUB-DKI", "rute_perjalanan": "DKI"}])
    await imported(world, HUBDAT, [mine | {"tujuan_terminal": "Giri Adipura"}], mode=ImportMode.SNAPSHOT)
    await imported(world, BUMN, [mine | {"source": "BUMN-SATU"}], dry_run=True)


async def erase(world: World, ref: Ref) -> Any:
    return await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, HUBDAT, ref, "Permintaan yang bersangkutan", NOW)
    )


async def test_nothing_of_whoever_is_erased_stands_anywhere(world: World) -> None:
    await somebody(world)
    before = await remains(world, NIK, WORDS)
    assert before >= {
        "registrant.nik_index",
        "registrant.nik_sealed",
        "registrant.name_sealed",
        "registrant.booked_by_index",
        "registrant.booked_by_nik_sealed",
        "registrant.booked_by_name_sealed",
        "registrant.reference",
        "registrant.plate",
        "registrant.registration_number",
        "registrant.posko",
        "case_claim.nik_index",
        "case_claim.name_sealed",
        "early_end.nik_index",
        "early_end.reference",
        "import_file.sealed",
        "import_chunk.named",
        "keyed_request.answer_sealed",
        "nik_access.nik_index",
        "nik_access.area",
    }
    erased = await erase(world, Ref(nik=NIK, direction="BALIK", service="MOTORCYCLE"))
    assert isinstance(erased, Erased)
    assert [(one.organizer, one.direction, one.service, one.status) for one in erased.registrants] == [
        ("hubdat", "MUDIK", "PASSENGER", "CANCELLED"),
        ("hubdat", "BALIK", "PASSENGER", "CANCELLED"),
        ("djka", "MUDIK", "MOTORCYCLE", "CANCELLED"),
    ]
    assert (erased.applicant_of, erased.files) == (1, 4)
    assert await remains(world, NIK, WORDS) == INDEX_MAY_STAY & before
    assert "registrant.nik_index" in await remains(world, nik_of(2))
    assert await world.one("SELECT count(*) FROM import_file") == 0
    assert (await erase(world, Ref(nik=NIK))).code == "NOT_FOUND"


async def test_a_block_outlives_the_person_and_nothing_else_of_it(world: World) -> None:
    await somebody(world)
    await world.database.attempt(lambda session: blocks.block(session, world.vault, HUBDAT, NIK, "Data palsu", 2, NOW))
    await erase(world, Ref(nik=NIK))
    assert await remains(world, NIK, WORDS) == INDEX_MAY_STAY
    [blocked] = await world.submit(someone(DKI, world.routes["DKI"]))
    assert blocked.code == "NIK_BLOCKED"


async def test_nothing_of_anybody_stands_after_the_purge(world: World) -> None:
    await somebody(world)
    await world.database.attempt(lambda session: blocks.block(session, world.vault, HUBDAT, NIK, "Data palsu", 2, NOW))
    await world.sweep(PURGE_AT)
    async with world.database.transaction() as session:
        await idempotency.forget(session, PURGE_AT)
    assert await remains(world, NIK, WORDS) == {"nik_block.nik_index"}
    for number in (2, 3):
        assert await remains(world, nik_of(number)) == set()


async def test_a_file_that_is_being_worked_on_goes_at_its_end(world: World) -> None:
    await world.route()
    one = await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], name=NAME))
    await sent(world, HUBDAT, as_csv([row(2), row(1, data_pemesan=NAME)]), dry_run=True)
    await sent(world, DKI, as_csv([row(2)]), dry_run=True)
    erased = await erase(world, Ref(id=one.id))
    assert (erased.files, await world.count("import_erased")) == (0, 2)
    jobs = [await worked_off(world) for _ in range(2)]
    assert [(job.state, job.wiped_at) for job in jobs] == [("DONE", NOW), ("DONE", None)]
    assert (await world.count("import_erased"), await world.count("import_file")) == (0, 1)
    assert await remains(world, NIK, WORDS) <= INDEX_MAY_STAY


async def test_a_file_that_is_refused_as_a_file_is_dropped_at_once(world: World) -> None:
    await world.route()
    await sent(world, HUBDAT, f"{NIK};{NAME}\n".encode() * 3)
    job = await worked_off(world)
    assert (job.state, job.rows_done, job.wiped_at) == ("FAILED", 0, NOW)
    assert await remains(world, NIK, WORDS) == set()
    job = await imported(world, HUBDAT, [row(1, data_pemesan=NAME)])
    assert (job.state, job.wiped_at) == ("DONE", None)
    assert await remains(world, NIK, WORDS) >= {"import_file.sealed"}


async def test_whoever_only_booked_for_others_is_erased_by_the_nik(world: World) -> None:
    theirs = await world.route("DKI", organizer="dishub-dki")
    one = await world.registered(someone(DKI, theirs, 2, booked_by=Applicant(NIK, NAME)))
    erased = await erase(world, Ref(nik=NIK))
    assert (erased.registrants, erased.applicant_of) == ((), 1)
    assert await remains(world, NIK, WORDS) == {"nik_access.nik_index", "nik_access.area"}
    told = await world.changes("kind, registrant_id, organizer_code, facts")
    assert told[-1] == ("REGISTRANT_CORRECTED", one.id, "dishub-dki", {"fields": ["bookedBy"]})


async def test_a_personal_column_that_is_added_later_is_erased_by_its_mark(
    servers_url: str, vault: Vault, tmp_path: Path
) -> None:
    database = Database(servers_url)
    world = await worlds.build(database, vault)
    await world.run("ALTER TABLE registrant ADD COLUMN nickname text")
    gone, _ = [await world.registered(someone(HUBDAT, await world.route(str(one)), one)) for one in (1, 2)]
    await world.run("UPDATE registrant SET nickname = 'Kancil'")
    await database.dispose()
    command = (sys.executable, "-m", "tests.privacy.a_new_column", servers_url, str(tmp_path), str(gone.id))
    process = await create_subprocess_exec(*command, stdout=PIPE)
    output, _ = await process.communicate()
    assert output.decode().splitlines() == ["erased None Kancil", "purged None None"]


HELD_AS = {
    "registrant": "registrants",
    "change": "registrants",
    "case_claim": "claims",
    "duplicate_case": "claims",
    "early_end": "ends",
    "nik_block": "blocks",
    "import_file": "files",
    "import_chunk": "files",
    "nik_access": "accesses",
    "people_read": "accesses",
}
"""What `heldOnNik` tells of each table with personal columns. The reasons in the change log are the histories of the
registrations."""
HELD_ELSEWHERE = {
    "import_erased": "it is there until a file that is being worked on goes",
    "keyed_request": "an answer that was told, for a repeat of the same request within a day",
    "staff": "no traveller's",
}


async def test_what_is_held_covers_every_table_with_personal_columns(world: World) -> None:
    """Whatever the erasure finds of a person, the person is told of."""
    assert HELD_AS.keys() | HELD_ELSEWHERE.keys() == PERSONAL_COLUMNS.keys()
    await somebody(world)
    await world.database.attempt(lambda session: blocks.block(session, world.vault, HUBDAT, NIK, "Data palsu", 2, NOW))
    found = {one.split(".")[0] for one in await remains(world, NIK, WORDS)} - HELD_ELSEWHERE.keys()
    assert found >= {"registrant", "case_claim", "early_end", "nik_block", "import_file", "import_chunk", "nik_access"}
    async with world.database.transaction() as session:
        held = await subject_access.export(session, world.vault, HUBDAT, NIK, NOW)
    assert isinstance(held, Holding)
    assert {table for table in found if not getattr(held, HELD_AS[table])} == set()
    assert NAME in str([one.name for one in held.claims])


async def test_what_is_held_on_a_person_names_the_files(world: World) -> None:
    await world.route()
    job = await imported(world, HUBDAT, [row(2), row(1)])
    await imported(world, DKI, [row(2)])
    async with world.database.transaction() as session:
        held = await subject_access.export(session, world.vault, HUBDAT, NIK, NOW)
    assert isinstance(held, Holding)
    assert held.files == (StoredFile(id=job.id, organizer="hubdat", came_at=NOW, finished_at=NOW),)
