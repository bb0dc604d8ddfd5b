"""Imports as a list, their rows by result and code, and a dry run that is taken in for real."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.errors import ImportStorageFull, Raced
from app.models.enums import ImportChanges, ImportMode
from app.registry.imports import jobs, row_list, trying
from app.registry.imports.jobs import FILE_KEPT_FOR
from tests.graphql.conftest import Api
from tests.intake.lists import as_csv, imported, row, sent, worked_off
from tests.world import BUMN, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

JOBS = """query ($first: Int! = 2, $after: String) { importJobs(first: $first, after: $after) {
    nodes { id dryRun organizer { code } } pageInfo { hasNextPage endCursor } } }"""
ROWS = """query ($id: ID!, $result: RowResult, $code: String, $differing: Boolean! = false, $first: Int! = 50,
    $after: String) {
    importRows(jobId: $id, result: $result, code: $code, differing: $differing, first: $first, after: $after) {
        nodes { sheet row result code explanation } pageInfo { hasNextPage endCursor } } }"""
SEND = """mutation ($id: ID!, $evenThough: Boolean! = false) { importAsTried(jobId: $id, evenThough: $evenThough) {
    id dryRun mode changes asOf day state } }"""
TABLES = ("import_job", "import_file", "registrant", "change")


async def rows_of(api: Api, job: Any, **variables: Any) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await api.data(ROWS, {"id": str(job.id), "after": after, **variables}))["importRows"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def test_imports_are_listed_newest_first_for_those_whose_they_are(api: Api, world: World) -> None:
    await world.route()
    own = [await imported(world, HUBDAT, [row(number)], dry_run=number == 1) for number in (1, 2, 3)]
    member = await imported(world, BUMN, [row(4, source="BUMN-SATU")])
    first = (await api.data(JOBS))["importJobs"]
    assert [(one["id"], one["dryRun"]) for one in first["nodes"]] == [(str(own[2].id), False), (str(own[1].id), False)]
    rest = (await api.data(JOBS, {"after": first["pageInfo"]["endCursor"]}))["importJobs"]
    assert [(one["id"], one["dryRun"]) for one in rest["nodes"]] == [(str(own[0].id), True)]
    assert rest["pageInfo"]["hasNextPage"] is False
    for organizer, seen in (("jasa-raharja", [str(member.id)]), ("bumn-satu", [str(member.id)]), ("djka", [])):
        nodes = (await api.data(JOBS, organizer=organizer))["importJobs"]["nodes"]
        assert [one["id"] for one in nodes] == seen, organizer
    assert await api.code(JOBS, {"first": 201}) == "INVALID_PAGE_SIZE"


async def test_rows_are_paged_and_found_by_result_and_code(api: Api, world: World) -> None:
    await world.route()
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 2, name="Warga 2"))
    bad = [row(3, data_nik="123"), row(4, data_pemesan="")]
    job = await imported(world, HUBDAT, [row(1), row(2), *bad, row(5)], dry_run=True)
    whole = await rows_of(api, job)
    assert [(one["sheet"], one["row"], one["result"], one["code"]) for one in whole] == [
        (1, 2, "NEW", None),
        (1, 3, "UNCHANGED", None),
        (1, 4, "REFUSED", "NIK_INVALID"),
        (1, 5, "REFUSED", "INVALID_VALUE"),
        (1, 6, "NEW", None),
    ]
    assert whole[2]["explanation"] == "data_nik: NIK tidak sah: harus 16 angka, seperti pada KTP atau KK."
    assert await rows_of(api, job, first=1) == whole
    assert await rows_of(api, job, first=2, result="NEW") == [whole[0], whole[4]]
    assert await rows_of(api, job, code="INVALID_VALUE") == [whole[3]]
    assert await rows_of(api, job, result="NEW", code="INVALID_VALUE") == []
    variables = {"id": str(job.id)}
    assert await api.code(ROWS, variables, organizer="djka") == "NOT_FOUND"
    for no_cursor in ("x", "AQ==", "AQAAAAD____-", "é"):
        assert await api.code(ROWS, {**variables, "after": no_cursor}) == "INVALID_CURSOR", no_cursor


async def test_one_call_looks_through_so_many_chunks_and_the_list_goes_on(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_list, "MOST_CHUNKS", 2)
    monkeypatch.setattr("app.intake.imports.importing.ROWS_OF_A_CHUNK", 1)
    await world.route()
    rows = [row(number) for number in range(1, 6)]
    job = await imported(world, HUBDAT, [*rows, row(9, data_nik="123")], dry_run=True)
    page = (await api.data(ROWS, {"id": str(job.id), "result": "REFUSED"}))["importRows"]
    assert (page["nodes"], page["pageInfo"]["hasNextPage"]) == ([], True)
    assert [one["row"] for one in await rows_of(api, job, result="REFUSED")] == [7]
    assert [one["row"] for one in await rows_of(api, job, first=3)] == [2, 3, 4, 5, 6, 7]


async def test_whose_stored_values_are_told_was_read(api: Api, world: World) -> None:
    """A row that tells of no stored value is a verdict that the organizer had anyway."""
    await world.route()
    one = await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 1, name="Warga Satu"))
    other = await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 3, name="Warga 3"))
    job = await imported(world, HUBDAT, [row(1, data_pemesan="Siapa Lain"), row(2, data_nik="123"), row(3)])
    assert [found["row"] for found in await rows_of(api, job, result="REFUSED")] == [3]
    assert await world.count("people_read") == 0
    [differs] = await rows_of(api, job, differing=True)
    assert (differs["row"], differs["result"]) == (2, "UNCHANGED")
    assert "tersimpan “Warga Satu”, dikirim “Siapa Lain”" in differs["explanation"]
    assert [tuple(read) for read in await world.run("SELECT what, people FROM people_read")] == [
        ("importRows", sorted([one.id, other.id]))
    ]


# --- a dry run is taken in --------------------------------------------------------------------------------------------


async def test_what_was_tried_is_taken_in_from_the_same_bytes(api: Api, world: World) -> None:
    await world.route()
    content = as_csv([row(1), row(2, data_nik="123")])
    tried = await sent(world, HUBDAT, content, dry_run=True, extension="csv", size=len(content))
    await worked_off(world)
    assert await world.count("registrant") == 0
    job = (await api.data(SEND, {"id": str(tried.id)}))["importAsTried"]
    assert (job["dryRun"], job["mode"], job["changes"], job["state"]) == (False, "UPSERT", "REPORT", "QUEUED")
    ended = await worked_off(world)
    assert (str(ended.id), dict(ended.results)) == (job["id"], {"NEW": 1, "REFUSED": 1})
    assert await world.count("registrant") == 1
    assert await world.run("SELECT DISTINCT bytes, extension FROM import_job") == [(len(content), "csv")]
    again = (await api.data(SEND, {"id": str(tried.id)}))["importAsTried"]
    assert again["id"] != job["id"]
    assert (await worked_off(world)).results == {"UNCHANGED": 1, "REFUSED": 1}


async def test_a_snapshot_of_a_day_is_sent_as_it_was_tried(api: Api, world: World) -> None:
    await world.route()
    how: dict[str, Any] = {"mode": ImportMode.SNAPSHOT, "day": NOW.date(), "covers": ("hubdat",), "dry_run": True}
    tried = await imported(world, HUBDAT, [row(1)], **how)
    job = (await api.data(SEND, {"id": str(tried.id)}))["importAsTried"]
    assert (job["mode"], job["day"]) == ("SNAPSHOT", "2026-03-02")
    assert (await worked_off(world)).covers == ["hubdat"]


async def test_too_many_moves_are_sent_only_with_even_though(api: Api, world: World) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", destination="giwangan")
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 1, name="Warga 1"))
    away = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
    tried = await imported(world, HUBDAT, [row(1, **away)], changes=ImportChanges.APPLY, dry_run=True)
    assert tried.error_code == trying.TOO_MANY_MOVES
    await api.token()
    variables = {"id": str(tried.id)}
    async with world.unchanged(*TABLES):
        [error] = await api.errors(SEND, variables)
    assert (error["extensions"]["code"], "evenThough: true" in error["message"]) == ("INVALID_VALUE", True)
    job = (await api.data(SEND, {**variables, "evenThough": True}))["importAsTried"]
    assert (job["changes"], job["asOf"]) == ("APPLY", "2026-03-02T02:00:00Z")
    assert (await worked_off(world)).results == {"UPDATED": 1}
    assert await world.one("SELECT taken FROM route WHERE name = 'Jakarta - Yogya'") == 1


async def test_what_cannot_be_sent_is_refused_and_nothing_changes(api: Api, world: World) -> None:
    await world.route()
    real = await imported(world, HUBDAT, [row(1)])
    for organizer in ("hubdat", "djka", "jasa-raharja"):
        await api.token(organizer)
    waiting = await sent(world, HUBDAT, as_csv([row(2)]), dry_run=True)
    for job, code in ((real.id, "INVALID_VALUE"), (waiting.id, "INVALID_VALUE"), (UUID(int=7), "NOT_FOUND")):
        async with world.unchanged(*TABLES):
            assert await api.code(SEND, {"id": str(job)}) == code
    tried = await worked_off(world)
    async with world.unchanged(*TABLES):
        assert await api.code(SEND, {"id": str(tried.id), "evenThough": True}) == "INVALID_VALUE"
        assert await api.code(SEND, {"id": str(tried.id)}, organizer="djka") == "NOT_FOUND"
    members = await imported(world, BUMN, [row(3, source="BUMN-SATU")], dry_run=True)
    async with world.unchanged(*TABLES):
        assert await api.code(SEND, {"id": str(members.id)}, organizer="jasa-raharja") == "NOT_YOURS"
    later = NOW + FILE_KEPT_FOR + timedelta(seconds=1)
    async with world.database.transaction() as session:
        await jobs.wipe_old(session, later)
    async with world.unchanged(*TABLES):
        assert await api.code(SEND, {"id": str(tried.id)}) == "INVALID_VALUE"


async def test_where_there_is_no_room_or_no_season_nothing_is_taken_in(api: Api, world: World) -> None:
    await world.route()
    tried = await imported(world, HUBDAT, [row(1)], dry_run=True)
    await api.token()
    async with world.unchanged(*TABLES):
        async with world.database.transaction() as session:
            refused = await trying.take_in(session, HUBDAT, tried.id, NOW, most_kept=-1)
        assert isinstance(refused, ImportStorageFull)
    await world.close()
    async with world.unchanged(*TABLES):
        assert await api.code(SEND, {"id": str(tried.id)}) == "NOT_FOUND"


async def test_a_file_that_is_wiped_meanwhile_is_not_taken_in_empty(world: World) -> None:
    await world.route()
    tried = await imported(world, HUBDAT, [row(1)], dry_run=True)
    await world.run("DELETE FROM import_file")
    async with world.unchanged("import_job"):
        with pytest.raises(Raced):
            async with world.database.transaction() as session:
                await trying.take_in(session, HUBDAT, tried.id, NOW)
