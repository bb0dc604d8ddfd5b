"""A bulk of 1,000 holds up nobody: it works in slices, by whichever door it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
import pytest

from app.intake.imports import results
from app.registry.imports import jobs
from app.registry.imports.jobs import Job, Order
from tests.intake.knocking import Doors, opened
from tests.registry.rows.records import record
from tests.steps import allowed, stepping
from tests.world import HUBDAT, NOW, World, nik_of

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]
"""While coverage traces each line, CPU time says little."""

MANY = 1_000
MOST_MILLISECONDS = 50
"""Of CPU between two turns of the loop."""
MOST_OF_A_CALL = 1 / 3
"""A longer step counts only if it is so much of its call, too: processors differ, and neighbours make them slower. In
one step, each of these bulks took 75 to 140 milliseconds, about half of the call; in slices, 8 to 48.
"""
SCOPES = ("nik:check", "registrants:write", "registrants:read", "routes:write")
PERSON = (
    "... on Registrant { id nik name status route { id name } history { from to } } ... on Problem { code message }"
)
SUBMIT = """mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) {
    ... on Submission { replayed registrant { id status verifyBy route { id name } } }
    ... on Problem { code message } } }"""
CHECK = """query ($niks: [NIK!]!) { checkNiks(niks: $niks) {
    nik outcome available message standing { organizer { code } status registeredOn } } }"""
FIND = """query ($keys: [_Any!]!) { _entities(representations: $keys) {
    ... on Registrant { id nik name status route { id name } } } }"""
VERIFY = f'mutation ($refs: [RegistrantRef!]!) {{ verifyRegistrants(refs: $refs, posko: "Monas") {{ {PERSON} }} }}'
MOVE = f"mutation ($inputs: [MoveRegistrant!]!) {{ moveRegistrants(inputs: $inputs) {{ {PERSON} }} }}"
ROUTES = """mutation ($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) {
    ... on Route { id name quota origin { name } } ... on Problem { code message } } }"""
TERMINALS = """mutation ($inputs: [TerminalInput!]!) { saveTerminals(inputs: $inputs) {
    ... on Terminal { code name city } ... on Problem { why: code message } } }"""
PAGE = "registrants(first: 200) { nodes { id nik name status route { id name departsAt } organizer { code } } }"
PAGES = f"{{ {' '.join(f'a{number}: {PAGE}' for number in range(5))} }}"


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    async with opened(world, body_limit=4_000_000) as api:
        yield api


class Watched:
    """Calls the doors, and notes which calls had a step that was too long, in milliseconds, and in how many."""

    def __init__(self, api: Doors) -> None:
        self.api = api
        self.too_long: dict[str, tuple[float, float]] = {}

    async def ask(self, name: str, query: str, **variables: Any) -> Sequence[Any]:
        content = orjson.dumps({"query": query, "variables": variables})
        answer = orjson.loads(await self.send(name, "/graphql", content))
        assert "errors" not in answer, answer["errors"][0]
        found: Sequence[Any] = next(iter(answer["data"].values()))
        return found

    async def send(self, name: str, path: str, content: bytes, method: str = "POST") -> bytes:
        await self.api.token(scopes=SCOPES)
        async with stepping() as turns:
            answer = await self.api.send(path, content, scopes=SCOPES, method=method)
        assert answer.status_code == 200, answer.text
        if max(turns) > max(allowed(MOST_MILLISECONDS), MOST_OF_A_CALL * sum(turns)):
            self.too_long[name] = max(turns), sum(turns)
        return answer.content


async def test_no_bulk_is_one_step(api: Doors, world: World) -> None:
    home, later, watched = await world.route(), await world.route("Jakarta - Solo malam"), Watched(api)
    niks = [nik_of(number) for number in range(MANY)]
    person = {"name": "Warga Contoh", "routeId": str(home), "identityDocument": "KTP"}
    people = [{**person, "nik": nik, "reference": f"B-{nik[-4:]}-{place}"} for place, nik in enumerate(niks)]
    # The first call prepares statements.
    await watched.ask("first", SUBMIT, inputs=people[:1])
    watched.too_long.clear()
    submitted = await watched.ask("submitted", SUBMIT, inputs=people)
    ids = [one["registrant"]["id"] for one in submitted]
    assert len(set(ids)) == MANY
    assert all(one["replayed"] for one in await watched.ask("submitted again", SUBMIT, inputs=people))
    assert len(await watched.ask("checked", CHECK, niks=niks)) == MANY
    assert (
        len(await watched.ask("entities", FIND, keys=[{"__typename": "Registrant", "id": one} for one in ids])) == MANY
    )
    moves = [{"ref": {"id": one}, "routeId": str(later)} for one in ids]
    assert {one["route"]["name"] for one in await watched.ask("moved", MOVE, inputs=moves)} == {"Jakarta - Solo malam"}
    refs = [{"reference": one["reference"]} for one in people]
    assert {one["status"] for one in await watched.ask("verified", VERIFY, refs=refs)} == {"VERIFIED"}
    await watched.ask("pages", PAGES)
    await other_doors(watched)
    assert watched.too_long == {}


async def other_doors(watched: Watched) -> None:
    route = {"name": "Jakarta - Solo siang", "direction": "MUDIK", "origin": "pulo-gebang", "destination": "tirtonadi"}
    hours = [f"2026-03-{10 + place // 100:02}T{place % 100 // 5:02}:{place % 5 * 10:02}:00Z" for place in range(MANY)]
    made = await watched.ask("routes", ROUTES, inputs=[{**route, "departsAt": at, "quota": 5} for at in hours])
    assert len(made) == MANY
    terminal = {"city": "Kota Surakarta", "kind": "TERMINAL"}
    terminals = [{**terminal, "code": f"t-{place}", "name": f"Terminal {place}"} for place in range(MANY)]
    assert len(await watched.ask("terminals", TERMINALS, inputs=terminals)) == MANY
    rows = orjson.dumps([record(number) for number in range(MANY, 2 * MANY)])
    for name, told in (("rows", '"ditolak":0'), ("rows again", '"diterima":0')):
        assert told in (await watched.send(name, "/webhook/pemudik", rows)).decode()
    for name in ("csv", "xlsx", "jsonl"):
        assert await watched.send(name, f"/export.{name}", b"", "GET")
    assert await watched.send("day", "/consolidation/2026-03-02", b"", "GET")


async def test_the_outcomes_of_a_long_file_are_not_one_step(world: World) -> None:
    chunks, rows = 50, 1_000
    async with world.database.transaction() as session:
        job = await jobs.create(session, world.vault, Order(caller=HUBDAT), [b"x"], NOW)
    assert isinstance(job, Job)
    for number in range(chunks):
        verdicts = orjson.dumps([[number * rows + row, "NEW", None, "Diterima.", 0] for row in range(rows)])
        await world.run(
            "INSERT INTO import_chunk (job_id, number, verdicts, registrants, refused, organizers, done_at)"
            " VALUES (:id, :number, :verdicts, '{}', '{}', '{}', :now)",
            id=job.id,
            number=number,
            verdicts=verdicts,
            now=NOW,
        )
    async with stepping() as turns:
        [outcomes] = [told async for told in results.outcomes(world.database, world.vault, job, 0)]
    assert [one.number for one in outcomes] == list(range(chunks * rows))
    assert max(turns) <= max(allowed(MOST_MILLISECONDS), MOST_OF_A_CALL * sum(turns))
