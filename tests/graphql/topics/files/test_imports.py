"""Files by multipart requests, imports as they go on, and the day's summary."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.graphql.doors import multipart
from app.graphql.topics.files import imports
from app.intake.files.uploads import Upload
from app.registry.rows import consolidation
from tests.graphql.conftest import ISSUER, Api
from tests.intake.lists import as_csv, as_xlsx, back, imported, in_status, row, worked_off
from tests.intake.sheets import table, xlsx
from tests.world import HUBDAT, NOW, RULED, SOON, World, nik_of, someone

pytestmark = pytest.mark.anyio

IMPORT = """mutation ($file: Upload!, $mode: ImportMode! = UPSERT, $dryRun: Boolean! = false, $season: Int, $day: Date,
    $covers: [ID!]) {
    importRegistrants(file: $file, mode: $mode, dryRun: $dryRun, season: $season, day: $day, covers: $covers) {
        id state mode dryRun season day organizer { code } new refused codes { code rows } missing resultPath
        failure { code message } rowsRead rowsDone finishedAt } }"""
JOB = """query ($id: ID!) { importJob(id: $id) {
    state new updated unchanged stale refused codes { code rows } missing failure { code message } resultPath
    missingRegistrants(first: 1) {
        nodes { id reference status cancelledAt organizer { code } } pageInfo { hasNextPage } }
} }"""
PREFLIGHT = {"GraphQL-Preflight": "1"}
TABLES = ("import_job", "import_file", "registrant")


async def send(
    api: Api,
    operations: Any,
    places: Any,
    files: Any = None,
    *,
    headers: dict[str, str] | None = None,
    organizer: str = "hubdat",
    scopes: tuple[str, ...] | None = None,
) -> httpx.Response:
    token = await api.token(organizer, scopes)
    sent = {"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json", "Accept-Language": "en"}
    fields = {"operations": operations, "map": places}
    data = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields.items()
        if value is not None
    }
    file = ("Peserta.csv", as_csv([row(1)]), "text/csv")
    return await api.http.post(
        "/graphql",
        headers=sent | (PREFLIGHT if headers is None else headers),
        data=data,
        files={"0": file} if files is None else files,
    )


def asked(**variables: Any) -> dict[str, Any]:
    return {"query": IMPORT, "variables": {"file": None, **variables}}


PLACES = {"0": ["variables.file"]}


async def test_a_file_is_imported(api: Api, world: World) -> None:
    await world.route()
    answer = await send(api, asked(), PLACES)
    assert (answer.status_code, answer.json().get("errors")) == (200, None)
    job = answer.json()["data"]["importRegistrants"]
    assert job == {
        "id": job["id"],
        "state": "QUEUED",
        "mode": "UPSERT",
        "dryRun": False,
        "season": 2026,
        "day": None,
        "organizer": {"code": "hubdat"},
        "new": 0,
        "refused": 0,
        "codes": [],
        "missing": None,
        "resultPath": None,
        "failure": None,
        "rowsRead": 0,
        "rowsDone": 0,
        "finishedAt": None,
    }
    await worked_off(world)
    found = (await api.data(JOB, {"id": job["id"]}))["importJob"]
    assert found == {
        "state": "DONE",
        "new": 1,
        "updated": 0,
        "unchanged": 0,
        "stale": 0,
        "refused": 0,
        "codes": [],
        "missing": None,
        "failure": None,
        "resultPath": f"/import/{job['id']}/result.xlsx",
        "missingRegistrants": {"nodes": [], "pageInfo": {"hasNextPage": False}},
    }


async def test_a_snapshot_a_dry_run_and_a_spreadsheet(api: Api, world: World) -> None:
    variables = {"mode": "SNAPSHOT", "dryRun": True, "season": 2026, "day": "2026-03-02", "covers": ["hubdat"]}
    file = ("x.xlsx", as_xlsx([row(1)]), "application/octet-stream")
    answer = await send(api, asked(**variables), PLACES, {"0": file})
    job = answer.json()["data"]["importRegistrants"]
    assert (job["mode"], job["dryRun"], job["day"]) == ("SNAPSHOT", True, "2026-03-02")
    assert [tuple(one) for one in await world.run("SELECT covers, extension FROM import_job")] == [(["hubdat"], "xlsx")]


APPLY = """mutation ($file: Upload!, $asOf: DateTime, $evenThough: Boolean! = false) {
    importRegistrants(file: $file, changes: APPLY, asOf: $asOf, evenThough: $evenThough) {
        id changes asOf failure { code } } }"""


async def test_a_file_may_move_and_correct(api: Api, world: World) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", destination="giwangan")
    for number in (1, 2):
        await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], number, name=f"Warga {number}"))
    away = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
    file = ("x.csv", as_csv([row(1, **away), row(2)]), "text/csv")
    moved = "SELECT taken FROM route WHERE name = 'Jakarta - Yogya'"
    for even_though, code, taken in ((False, "TOO_MANY_MOVES", 0), (True, None, 1)):
        variables = {"file": None, "asOf": "2026-03-02T09:00:00+07:00", "evenThough": even_though}
        answer = await send(api, {"query": APPLY, "variables": variables}, PLACES, {"0": file})
        job = answer.json()["data"]["importRegistrants"]
        assert (job["changes"], job["asOf"]) == ("APPLY", "2026-03-02T02:00:00Z")
        await worked_off(world)
        failure = (await api.data(JOB, {"id": job["id"]}))["importJob"]["failure"]
        assert (failure and failure["code"]) == code
        assert await world.one(moved) == taken


@pytest.mark.parametrize("header", ["GraphQL-Preflight", "Apollo-Require-Preflight", "X-Requested-With"])
async def test_any_of_three_headers_will_do(api: Api, world: World, header: str) -> None:
    assert (await send(api, asked(), PLACES, headers={header: "XMLHttpRequest"})).status_code == 200
    assert await world.count("import_job") == 1


async def test_without_one_nothing_is_read(api: Api, world: World) -> None:
    async with world.unchanged(*TABLES):
        for headers in ({}, {"GraphQL-Preflight": " "}):
            answer = await send(api, asked(), PLACES, headers=headers)
            assert answer.status_code == 400
            [error] = answer.json()["errors"]
            assert error["extensions"] == {"code": "PREFLIGHT_REQUIRED"}
            for name in multipart.PREFLIGHT_HEADERS:
                assert name.decode() in error["message"].lower()


@pytest.mark.parametrize(
    ("operations", "places"),
    [
        (None, PLACES),
        (asked(), None),
        ("{", PLACES),
        ([asked()], PLACES),
        (asked(), "{"),
        (asked(), []),
        (asked(), {"0": "variables.file"}),
        (asked(), {"0": [7]}),
        (asked(), {"0": []}),
        (asked(), {"0": ["variables.file"] * 11}),
        (asked(), {}),
        (asked(), {"1": ["variables.file"]}),
        (asked(), {"0": ["variables.file"], "1": ["variables.file"]}),
        (asked(), {"0": ["file"]}),
        (asked(), {"0": ["variables"]}),
        (asked(), {"0": ["variables.datei"]}),
        (asked(), {"0": ["variables.file.name"]}),
        (asked(), {"0": ["0.variables.file"]}),
        (asked(covers=["hubdat"]), {"0": ["variables.covers.0"]}),
        (asked(covers=["hubdat"]), {"0": ["variables.covers.7.x"]}),
        (asked(mode="UPSERT"), {"0": ["variables.mode"]}),
    ],
)
async def test_forms_that_do_not_fit_together(api: Api, world: World, operations: Any, places: Any) -> None:
    async with world.unchanged(*TABLES):
        answer = await send(api, operations, places)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_file_may_stand_deep_in_the_variables() -> None:
    variables = {"inputs": [{"file": None}, {"file": None}]}
    fields = {
        "operations": json.dumps({"query": "{ __typename }", "variables": variables}),
        "map": json.dumps({"0": ["variables.inputs.1.file"]}),
    }
    form = httpx.Request("POST", ISSUER, data=fields, files={"0": ("a.csv", b"x")}, headers={"GraphQL-Preflight": "1"})
    headers = {name.lower(): value for name, value in form.headers.raw}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": form.read(), "more_body": False}

    request = await multipart.read_request(headers, receive, Settings())
    first, second = request.variables["inputs"]
    assert first == {"file": None}
    assert isinstance(second["file"], Upload)


async def test_one_file_of_a_limited_size(api: Api, world: World) -> None:
    file = ("a.csv", as_csv([row(1)]), "text/csv")
    async with world.unchanged(*TABLES):
        two = await send(api, asked(), {"0": ["variables.file"], "1": ["variables.file"]}, {"0": file, "1": file})
        assert (two.status_code, two.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
        large = await send(api, asked(), PLACES, {"0": ("a.csv", b"x" * 50_000_000, "text/csv")})
        assert (large.status_code, large.json()["errors"][0]["extensions"]["code"]) == (413, "CONTENT_TOO_LARGE")
        larger = await send(api, asked(), PLACES, {"0": ("a.csv", b"x" * 21_500_000, "text/csv")})
        assert (larger.status_code, larger.json()["errors"][0]["extensions"]["code"]) == (413, "FILE_TOO_LARGE")
        packed = await send(api, asked(), PLACES, headers=PREFLIGHT | {"Content-Encoding": "gzip"})
        assert packed.status_code == 415


async def test_a_field_of_the_form_is_there_once(api: Api, world: World) -> None:
    operations = ("operations", (None, json.dumps(asked())))
    token = await api.token()
    async with world.unchanged(*TABLES):
        answer = await api.http.post(
            "/graphql",
            headers={"Authorization": f"Bearer {token}", **PREFLIGHT},
            files=[operations, operations, ("0", ("a.csv", as_csv([row(1)]), "text/csv"))],
        )
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


async def test_who_may_not_import_is_told_so(api: Api, world: World) -> None:
    async with world.unchanged(*TABLES):
        assert (await send(api, asked(), PLACES, scopes=("registrants:read",))).status_code == 403
        none = await api.http.post("/graphql", files={"0": ("a.csv", b"x", "text/csv")}, headers=PREFLIGHT)
        assert none.status_code == 401
        refused = await send(api, asked(mode="SNAPSHOT", covers=["djka"]), PLACES)
        assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_YOURS"
        refused = await send(api, asked(season=2019), PLACES)
        assert refused.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_file_is_a_file_and_nothing_else(api: Api, world: World) -> None:
    [error] = await api.errors(IMPORT, {"file": "data_nik;data_pemesan"})
    assert error["message"].endswith("An Upload is null in `operations` and comes as a file of a multipart request")
    literal = 'mutation { importRegistrants(file: "x") { id } }'
    assert await api.code(literal) == "BAD_USER_INPUT"
    assert await world.count("import_job") == 0


async def test_another_operation_by_a_form_is_answered_as_ever(api: Api, world: World) -> None:
    token = await api.token()
    plain = await api.http.post(
        "/graphql",
        headers={"Authorization": f"Bearer {token}", **PREFLIGHT},
        files={
            "operations": (None, json.dumps({"query": "{ me { organizer { code } } }"})),
            "map": (None, "{}"),
        },
    )
    assert plain.json()["data"] == {"me": {"organizer": {"code": "hubdat"}}}


# --- what came of it --------------------------------------------------------------------------------------------------


async def test_a_failed_import_says_why_in_the_language_that_is_wanted(api: Api, world: World) -> None:
    job = (await send(api, asked(), PLACES, {"0": ("x.pdf", b"%PDF", "text/csv")})).json()["data"]["importRegistrants"]
    await worked_off(world)
    found = await api.data(JOB, {"id": job["id"]}, headers={"Accept-Language": "en"})
    assert found["importJob"]["failure"]["code"] == "FILE_NOT_A_SPREADSHEET"
    assert found["importJob"]["failure"]["message"].startswith("The content is neither")
    assert found["importJob"]["resultPath"] is None


async def test_the_missing_are_listed_and_cancelled_when_asked_for(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.route()
    await imported(world, HUBDAT, [row(1), row(2), row(3)])
    monkeypatch.setattr("app.clock.now", lambda: NOW.replace(hour=4))
    job = (await send(api, asked(mode="SNAPSHOT"), PLACES)).json()["data"]["importRegistrants"]["id"]
    await worked_off(world)
    found = (await api.data(JOB, {"id": job}))["importJob"]
    assert (found["unchanged"], found["missing"]) == (1, 2)
    assert found["missingRegistrants"]["pageInfo"] == {"hasNextPage": True}
    [first] = found["missingRegistrants"]["nodes"]
    assert (first["status"], first["cancelledAt"], first["organizer"]) == ("REGISTERED", None, {"code": "hubdat"})

    cancel = (
        "mutation ($id: ID!) { cancelMissing(jobId: $id) { missing missingRegistrants { nodes { cancelledAt } } } }"
    )
    assert await api.code(cancel, {"id": job}, organizer="djka") == "NOT_FOUND"
    cancelled = (await api.data(cancel, {"id": job}))["cancelMissing"]
    assert [one["cancelledAt"] for one in cancelled["missingRegistrants"]["nodes"]] == ["2026-03-02T04:00:00Z"] * 2
    assert await world.run("SELECT status, count(*) FROM registrant GROUP BY 1 ORDER BY 1") == [
        ("CANCELLED", 2),
        ("REGISTERED", 1),
    ]
    upsert = await imported(world, HUBDAT, [row(1)])
    assert await api.code(cancel, {"id": str(upsert.id)}) == "INVALID_VALUE"


CANCEL_MISSING = """mutation ($id: ID!, $evenThough: Boolean! = false) {
    cancelMissing(jobId: $id, evenThough: $evenThough) {
        missing unreadRows unreadSheets { name rows } missingRegistrants { nodes { cancelledAt } } } }"""


UNREAD = (
    "1 rows of this file could not be read (1 other sheets, 0 rows without a legible NIK): whoever stands there may"
    " look missing. See the result of the import. To cancel all the same, send evenThough: true."
)


async def test_the_missing_of_a_file_that_was_not_read_as_a_whole_are_cancelled_when_it_is_insisted(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.route()
    await imported(world, HUBDAT, [row(1), row(2), row(3)])
    monkeypatch.setattr("app.clock.now", lambda: NOW.replace(hour=4))
    content = xlsx(table(row(1)), [[nik_of(2), "Warga 2"]])
    file = {"0": ("x.xlsx", content, "application/octet-stream")}
    job = (await send(api, asked(mode="SNAPSHOT"), PLACES, file)).json()["data"]["importRegistrants"]["id"]
    await worked_off(world)
    async with world.unchanged("import_missing", *RULED):
        [error] = await api.errors(CANCEL_MISSING, {"id": job})
    assert error["extensions"]["code"] == "INVALID_VALUE"
    assert error["message"] == UNREAD
    assert (await api.data(CANCEL_MISSING, {"id": job, "evenThough": True}))["cancelMissing"] == {
        "missing": 2,
        "unreadRows": 0,
        "unreadSheets": [{"name": "Lembar 2", "rows": 1}],
        "missingRegistrants": {"nodes": [{"cancelledAt": "2026-03-02T04:00:00Z"}] * 2},
    }
    assert await world.run("SELECT status, count(*) FROM registrant GROUP BY 1 ORDER BY 1") == [
        ("CANCELLED", 2),
        ("REGISTERED", 1),
    ]


async def test_another_organizers_import_is_not_there(api: Api, world: World) -> None:
    await world.route()
    job = await imported(world, HUBDAT, [row(1)])
    for stranger in ("djka", "jasa-raharja", "bumn-satu"):
        assert await api.data(JOB, {"id": str(job.id)}, organizer=stranger) == {"importJob": None}
    assert await api.data(JOB, {"id": "no id"}) == {"importJob": None}


# --- the day's summary ------------------------------------------------------------------------------------------------


async def test_the_checksum_is_what_an_organizer_can_work_out(api: Api, world: World) -> None:
    await world.route(departs_at=SOON)
    await world.way_back()
    rows = [row(2), row(1, **in_status(2)), row(3, **in_status(3)), back(2), row(4)]
    await imported(world, HUBDAT, [*rows, row(5, tanggal_pendaftaran="2026-03-01 23:59")])
    await imported(world, HUBDAT, [row(4, **in_status(5))])
    query = """query ($date: Date!, $organizer: ID, $season: Int) {
        consolidation(date: $date, organizer: $organizer, season: $season) {
            date season organizer { code } counts { status registrants } standing checksum } }"""
    found = (await api.data(query, {"date": "2026-03-02"}))["consolidation"]
    lines = sorted(
        [
            f"{nik_of(1)}|MUDIK|PASSENGER|2",
            f"{nik_of(2)}|BALIK|PASSENGER|1",
            f"{nik_of(2)}|MUDIK|PASSENGER|1",
            f"{nik_of(3)}|MUDIK|PASSENGER|3",
        ]
    )
    assert found == {
        "date": "2026-03-02",
        "season": 2026,
        "organizer": {"code": "hubdat"},
        "counts": [
            {"status": "REGISTERED", "registrants": 2},
            {"status": "VERIFIED", "registrants": 1},
            {"status": "DEPARTED", "registrants": 1},
            {"status": "FORFEITED", "registrants": 0},
            {"status": "CANCELLED", "registrants": 1},
            {"status": "NO_SHOW", "registrants": 0},
        ],
        "standing": 4,
        "checksum": sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest(),
    }
    the_day_before = (await api.data(query, {"date": "2026-03-01", "season": 2026}))["consolidation"]
    assert (the_day_before["standing"], the_day_before["checksum"] == found["checksum"]) == (1, False)
    nothing = (await api.data(query, {"date": "2025-03-02"}, organizer="djka"))["consolidation"]
    assert nothing["checksum"] == sha256(b"").hexdigest()

    looked_at = await api.data(query, {"date": "2026-03-02", "organizer": "hubdat"}, scopes=("dashboard:read",))
    assert looked_at["consolidation"] == found | {"checksum": None}
    assert await api.code(query, {"date": "2026-03-02", "organizer": "hubdat"}, organizer="djka") == "NOT_YOURS"


async def test_many_are_summed_up_in_parts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.route()
    await imported(world, HUBDAT, [row(number) for number in range(1, 6)])

    async def summary() -> consolidation.Summary:
        async with world.database.transaction() as session:
            found = await consolidation.summary(session, world.vault, HUBDAT, "hubdat", NOW.date())
        assert isinstance(found, consolidation.Summary)
        return found

    at_once = await summary()
    monkeypatch.setattr(consolidation, "REGISTRANTS_OF_A_PART", 2)
    assert await summary() == at_once
    assert at_once.standing == 5


# --- as it goes on ----------------------------------------------------------------------------------------------------


async def test_progress_is_told_until_the_end(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "PROGRESS_EVERY_SECONDS", 0.01)
    await world.route()
    job = (await send(api, asked(), PLACES)).json()["data"]["importRegistrants"]["id"]
    subscription = "subscription ($id: ID!) { importProgress(id: $id) { state rowsDone new organizer { code } } }"
    token = await api.token()
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}

    async def read() -> list[Any]:
        content = {"query": subscription, "variables": {"id": job}}
        async with api.http.stream("POST", "/graphql", json=content, headers=headers) as answer:
            assert answer.status_code == 200
            text = "".join([part async for part in answer.aiter_text()])
        blocks = [block for block in text.split("\n\n") if block.startswith("event: next")]
        return [json.loads(block.partition("data: ")[2])["data"]["importProgress"] for block in blocks]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    await worked_off(world)
    told = await reading
    assert told[-1] == {"state": "DONE", "rowsDone": 1, "new": 1, "organizer": {"code": "hubdat"}}
    assert await read() == told[-1:]


async def test_progress_of_what_is_not_ones_own_is_not_there(api: Api, world: World) -> None:
    job = await imported(world, HUBDAT, [row(1)])
    subscription = f'subscription {{ importProgress(id: "{job.id}") {{ state }} }}'
    for organizer in ("djka", "jasa-raharja"):
        token = await api.token(organizer)
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        answer = await api.http.post("/graphql", json={"query": subscription}, headers=headers)
        assert '"code":"NOT_FOUND"' in answer.text
        assert "DONE" not in answer.text
