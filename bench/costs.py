"""Whether cost is true: the CPU of each family of fields, beside what it is booked for. `make bench ARGS=costs`.

An operation is executed in this process, without HTTP. What is measured is the CPU of this process alone: that is what
one request takes from its neighbours. It fails when a family takes more than twice what it is booked for.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app import clock, migration
from app.auth.bearer import Principal
from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.graphql.context import Context
from app.graphql.doors import repeats as answers
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.schema import EXECUTABLE
from app.process import Process, build_process
from app.registry.caller import Caller
from app.registry.clients.scopes import SCOPES
from app.server import turns
from app.server.turns import Turns
from app.vault.vault import open_vault
from bench import doors, seed, singles
from tests import queries

REGISTRANTS = 12_000
ROUTES = 300
ROUNDS = 7
MOST_TIMES_THE_BOOKING = 2.0
NOTHING: Mapping[str, Any] = MappingProxyType({})

RECORD = (
    "id season nik name direction service status statusCode statusTitle reference identityDocument registeredAt"
    " verifyBy verifiedAt departedAt late healthy"
)
ROUTE = "id season name direction service mode departsAt reportBy handoverOn quota taken remaining provisional"
TERMINAL = "code name city kind regionCode provisional"


def page(connection: str, selected: str) -> str:
    return f"{connection}(first: 200) {{ nodes {{ {selected} }} }}"


def document(query: str) -> str:
    declared = next((text for variable, text in VARIABLES.items() if variable in query), "")
    return f"{declared}{{ {query} }}"


def aliased(times: int, field: str) -> str:
    return " ".join(f"a{number}: {field}" for number in range(times))


FAMILIES = {
    "registrants, ids": page("registrants", "id"),
    "registrants, attributes": page("registrants", RECORD),
    "registrants, 8 aliases": aliased(8, page("registrants", "id")),
    "registrants, routes": page("registrants", f"id route {{ {ROUTE} }}"),
    "registrants, organizers": page("registrants", "id organizer { code name }"),
    "registrants, returns": page("registrants", "id outbound { id } return { id }"),
    "registrants, history": page("registrants", "id history { cursor at kind from to reason }"),
    "changes, cursors": page("changes", "cursor"),
    "changes, attributes": page("changes", "cursor at kind from to reason"),
    "changes, registrants": page("changes", f"cursor registrant {{ {RECORD} }}"),
    "routes, ids": page("routes", "id"),
    "routes, attributes": page("routes", ROUTE),
    "routes, terminals": page("routes", f"origin {{ {TERMINAL} }} destination {{ {TERMINAL} }}"),
    "routes, returns": page("routes", "returnRoutes { id }"),
    "organizers": "organizers { code name policy { verifyWithinDays } schemes windows { opensAt } }",
    "terminals": f"terminals {{ {TERMINAL} }}",
    "statistics": "statistics { total { registered } byDay { day } byOrganizer { organizer { code } } }",
    "checkNiks": "checkNiks(niks: $niks) { nik outcome available standing { status } }",
    "_entities": "_entities(representations: $keys) { ... on Registrant { id } }",
    "_service": aliased(20, "_service { sdl }"),
    "me": aliased(50, "me { id scopes }"),
    "cases": page("cases", "id state suspect openedAt claims { attempts organizer { code } } holder { code name }"),
    "blocks": page("blocks", "id reason fromSeason untilSeason since organizer { code }"),
    "releases, ids": page("releases", "id"),
    "releases, routes": page("releases", f"id seats dueAt route {{ {ROUTE} }}"),
    "importJobs": page("importJobs", "id state mode new refused createdAt codes { code } organizer { code }"),
    "adminChanges": page("adminChanges", "at kind client reason values { name } organizer { code }"),
    "windows": "windows { id kind opensAt closesAt organizer { code name } }",
    "organizer": aliased(10, f'organizer(code: "{seed.CHECKER}") {{ code name }}'),
    "terminal": aliased(10, f'terminal(code: "tirtonadi") {{ {TERMINAL} }}'),
    "endOfChanges": aliased(50, "endOfChanges"),
    "seasons": aliased(20, "seasons { year endsOn publishesFigures }"),
    "clients": aliased(20, "clients { id scopes issuedAt organizer { code } }"),
    "pulse": aliased(5, "pulse { now { answers } refusals { now } }"),
    "attention": aliased(5, "attention { openCases cases { id } failingWebhooks runningImports shortAllowances }"),
    "sweepHalts": aliased(20, "sweepHalts { people }"),
    "consolidation": 'consolidation(date: "2026-03-01") { date standing checksum counts { status registrants } }',
    "checkNik": aliased(20, "checkNik(nik: $nik) { outcome available }"),
    "nikAccesses": aliased(20, "nikAccesses(nik: $nik) { at client purpose what }"),
    "heldOnNik": aliased(5, 'heldOnNik(nik: $nik, purpose: "bench") { registrants { id } accesses { at } }'),
}
VARIABLES = {
    "$niks": "query($niks: [NIK!]!) ",
    "$nik)": "query($nik: NIK!) ",
    "$nik,": "query($nik: NIK!) ",
    "$keys": "query($keys: [_Any!]!) ",
}
NOT_MEASURED: Mapping[str, str] = {
    "verifyRegistrants": "as `verifyRegistrant`, and its items as those of `submitRegistrants`",
    "departRegistrants": "as `verifyRegistrants`",
    "moveRegistrants": "as `moveRegistrant`, and its items as those of `submitRegistrants`",
    "departBooking": "as `verifyBooking`",
    "giveBackSeats": "as `holdSeats`",
    "importRegistrants": "`POST /import` is measured, which stores the file as it does",
    "importAsTried": "one row is written",
    "cancelMissing": "one row is written",
    "releaseQuotaDaily": "as `releaseQuota`, 120 times at most",
    "cancelRelease": "as `releaseQuota`",
    "rotateWebhookSecret": "as `saveWebhook`",
    "testWebhook": "as `saveWebhook`",
    "redeliverWebhook": "booked for many deliveries; how many fit is known when it runs",
    "deleteWebhook": "as `saveWebhook`",
    "mergeRoute": "booked for 1,000 registrants of a route; how many there are is known when it runs",
    "mergeTerminal": "as `mergeRoute`",
    "withdrawWindow": "as `saveWindow`",
    "publishFigures": "one row is written",
    "rotateClientSecret": "as `issueClient`",
    "issueWebhookSecret": "as `issueClient`",
    "revokeClient": "as `issueClient`",
    "liftBlock": "as `liftNikBlock`",
    "decideCase": "as `cancelRegistrant`",
    "allowSweep": "one row is written",
}
"""Root fields of which no family tells, and why. Each of them is a mutation."""
WAITING = (
    """INSERT INTO duplicate_case (id, season, direction, service, holder_id, state, suspect, opened_at)
           SELECT id, season, direction, service, id, 'OPEN', false, registered_at FROM registrant LIMIT 300""",
    """INSERT INTO case_claim (case_id, organizer_code, attempts, first_at, last_at)
           SELECT id, 'djka', 1, opened_at, opened_at FROM duplicate_case""",
    """INSERT INTO quota_release (id, route_id, seats, due_at)
           SELECT gen_random_uuid(), id, 5, now() + interval '1 day' FROM route LIMIT 300""",
    """INSERT INTO import_job (id, organizer_code, season, mode, dry_run, covers, extension, state, created_at,
                               finished_at)
           SELECT gen_random_uuid(), 'hubdat', 2026, 'UPSERT', false, '{}', 'csv', 'DONE', now(), now()
           FROM generate_series(1, 300)""",
    """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code, registrant_id)
           SELECT gen_random_uuid(), nik_index, 'Gugur', 2026, 2026, now(), organizer_code, id
           FROM registrant LIMIT 300""",
    """INSERT INTO change (organizer_code, season, kind, at, route_id)
           SELECT organizer_code, season, 'ROUTE_SAVED', now(), id FROM route LIMIT 300""",
)
"""More than a page of each."""


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="pemudik-costs-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database") as url:
            over = asyncio.run(measure(url, folder))
    if over:
        raise SystemExit(f"costs more than {MOST_TIMES_THE_BOOKING:g} times what it is booked for: {', '.join(over)}")


async def measure(url: str, folder: Path) -> list[str]:
    settings = Settings(home=folder)
    database = Database(url)
    await migration.upgrade(database)
    vault = open_vault(settings)
    seed.REGISTRANTS = REGISTRANTS
    credentials, route = await seed.seed(database, vault)
    process = build_process(database, vault)
    niks = [seed.nik_of(n) for n in range(1_000)]
    variables = {"niks": niks, "nik": niks[0], "keys": await prepare(process)}
    gc.collect()
    gc.freeze()
    print(f"{'':28}{'units':>10}{'CPU ms':>10}{'µs a unit':>12}{'booked':>9}")
    asked = Asked(process, settings)
    over = [
        name
        for name, query in FAMILIES.items()
        if not await asked.is_true(name, itertools.repeat(document(query), ROUNDS), variables)
    ]
    on = await singles.ground(process)
    for name in (*singles.WRITES, *singles.READS):
        documents = [singles.document(name, on) for _ in range(ROUNDS)]
        over += [] if await asked.is_true(name, documents) else [name]
    over += await doors.over(process, settings, credentials, route)
    await database.dispose()
    return over


async def prepare(process: Process) -> Sequence[dict[str, str]]:
    """More routes and terminals, and registrants with a change each. Returns the keys of a thousand registrants."""
    async with process.database.transaction() as session:
        await queries.run(
            session,
            """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code,
                       destination_code, departs_at, quota)
                   SELECT gen_random_uuid(), 2026, organizer_code, name || ' ' || n, direction, service, mode,
                       origin_code, destination_code, departs_at + n * interval '1 hour', 50
                   FROM route, generate_series(1, :routes / 2) n""",
            {"routes": ROUTES},
        )
        await queries.run(
            session,
            """INSERT INTO change (registrant_id, at, organizer_code, season, kind, to_status, client_id)
                   SELECT id, registered_at, organizer_code, season, 'REGISTRANT_MOVED', 'REGISTERED', NULL
                   FROM registrant""",
        )
        for statement in WAITING:
            await queries.run(session, statement)
        rows = await queries.run(session, "SELECT id FROM registrant LIMIT 1000")
        keys: list[UUID] = [row.id for row in rows]
    return [{"__typename": "Registrant", "id": str(key)} for key in keys]


@dataclass(frozen=True, slots=True)
class Asked:
    """A process that is asked by a client that may do everything."""

    process: Process
    settings: Settings

    async def is_true(self, name: str, documents: Iterable[str], variables: Mapping[str, Any] = NOTHING) -> bool:
        """Whether no document of a family, one after the other, takes more than twice what it is booked for."""
        took = [await self.once(name, text, variables) for text in documents]
        # The first round plans the statements and the document.
        seconds, units = min(took[1:])
        booked = units * turns.MICROSECONDS_OF_A_UNIT / 1e6
        times = seconds / booked
        print(f"{name:28}{units:10,}{seconds * 1e3:10.1f}{seconds * 1e6 / units:12.1f}{times:8.1f}×", flush=True)
        return times <= MOST_TIMES_THE_BOOKING

    async def once(self, name: str, text: str, variables: Mapping[str, Any]) -> tuple[float, int]:
        """The CPU seconds, and the units that were booked."""
        operations = Operations(EXECUTABLE, self.settings, Turns())
        found = operations.find(OperationRequest(text, dict(variables), None))
        operations.judge(found, frozenset(SCOPES))
        principal = Principal(Caller(None, seed.CHECKER), frozenset(SCOPES), clock.now() + timedelta(days=1))
        asked = answers.Asked(found, principal, "en")
        context = Context(self.process, principal, "en", clock.now())
        started = time.process_time()
        result = await operations.execute(found, context)
        seconds = time.process_time() - started
        if result.errors:
            raise SystemExit(f"{name}: {result.errors[0]}")
        return seconds, found.measured.cost + asked.more


if __name__ == "__main__":
    run()
