"""Whether the cost is true of mutations, and of queries that name one thing: each is sent under many aliases.

What a mutation writes has not been written before. It is a part of `make bench ARGS=costs`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from app.process import Process
from app.registry.caller import Caller
from bench import seed
from tests import queries
from tests.intake import lists
from tests.world import World

ALIASES = 20
BOOKINGS, PEOPLE_OF_A_BOOKING = 400, 20
ROWS_OF_AN_IMPORT = 20_000
FIRST_NIK = 50_000_000
"""Nobody of the seed, and nobody whom another part of the bench names, has a NIK from here on."""
PROBLEM = "... on Problem { code message }"
PERSON = "... on Registrant { id status }"
ROUTE = "... on Route { id remaining }"
FUTURE = "2026-12-30T08:00:00+07:00"
REASON = 'reason: "bench"'
CANCELLED = '{status: CANCELLED, since: "2020-01-01T00:00:00Z", until: "2099-01-01T00:00:00Z"}'
FEWER_ALIASES: Mapping[str, int] = {"reopenRegistrants, 500": 2, "importRows, a page": 2, "importRows, nothing": 2}


@dataclass
class Ground:
    """What mutations name: people who are registered, a route with room, other routes, and numbers for what is new."""

    route: str
    routes: Iterator[str]
    people: Iterator[str]
    bookings: Iterator[str]
    case: str
    job: str
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def nik(self) -> str:
        return seed.nik_of(FIRST_NIK + next(self.numbers))

    def person(self) -> str:
        return f'nik: "{self.nik()}", name: "Warga Contoh", routeId: "{self.route}", identityDocument: KTP'

    def ref(self) -> str:
        return f'ref: {{id: "{next(self.people)}"}}'


def _booking(people: int) -> Callable[[Ground], str]:
    def of(ground: Ground) -> str:
        registrants = ", ".join(f"{{{ground.person()}}}" for _ in range(people))
        input_ = f'{{reference: "B{next(ground.numbers)}", registrants: [{registrants}]}}'
        return f"submitBooking(input: {input_}) {{ __typename {PROBLEM} }}"

    return of


def _terminal(ground: Ground) -> str:
    input_ = f'{{code: "uji-{next(ground.numbers)}", name: "Terminal Uji", city: "Kota Surakarta"}}'
    return f"saveTerminals(inputs: [{input_}]) {{ __typename {PROBLEM} }}"


def _route(ground: Ground) -> str:
    input_ = (
        f'{{name: "Uji {next(ground.numbers)}", direction: MUDIK, origin: "pulo-gebang", destination: "tirtonadi",'
        f' departsAt: "{FUTURE}", quota: 50}}'
    )
    return f"saveRoutes(inputs: [{input_}]) {{ __typename {PROBLEM} }}"


def _organizer(ground: Ground) -> str:
    input_ = f'{{code: "{seed.CHECKER}", name: "Hubdat {next(ground.numbers)}"}}'
    return f"saveOrganizer(input: {input_}) {{ __typename {PROBLEM} }}"


def _window(ground: Ground) -> str:
    opens_at = f"2026-12-{next(ground.numbers) % 20 + 1:02}T08:00:00+07:00"
    input_ = f'{{organizer: "{seed.CHECKER}", kind: VERIFICATION, opensAt: "{opens_at}"}}'
    return f"saveWindow(input: {input_}) {{ __typename {PROBLEM} }}"


def _verified(ground: Ground) -> str:
    return f'verifyBooking(reference: "{next(ground.bookings)}") {{ __typename {PROBLEM} }}'


def _cancelled(ground: Ground) -> str:
    return f'cancelBooking(reference: "{next(ground.bookings)}", {REASON}) {{ __typename {PROBLEM} }}'


READS: Mapping[str, Callable[[Ground], str]] = {
    "registrant": lambda on: f"registrant({on.ref()}) {{ id status }}",
    "route": lambda on: f'route(id: "{next(on.routes)}") {{ id remaining }}',
    "booking, 20": lambda _: 'booking(reference: "K1") { reference registrants { id } }',
    "importJob": lambda on: f'importJob(id: "{on.job}") {{ id state }}',
    "importRows, a page": lambda on: f'importRows(jobId: "{on.job}", first: 1) {{ nodes {{ row }} }}',
    "importRows, nothing": lambda on: f'importRows(jobId: "{on.job}", first: 1, code: "NONE") {{ nodes {{ row }} }}',
    "webhooks": lambda _: "webhooks { id url deliveries(first: 1) { nodes { id } } }",
    "casePeople": lambda on: f'casePeople(id: "{on.case}") {{ initials }}',
    "me, organizer": lambda _: "me { organizer { code } }",
}
WRITES: Mapping[str, Callable[[Ground], str]] = {
    "submitRegistrant": lambda on: f"submitRegistrant(input: {{{on.person()}}}) {{ __typename {PROBLEM} }}",
    "submitRegistrants": lambda on: (
        f"submitRegistrants(inputs: [{{{on.person()}}}, {{{on.person()}}}]) {{ __typename {PROBLEM} }}"
    ),
    "submitBooking": _booking(1),
    "submitBooking, 5": _booking(5),
    "verifyBooking, 20": _verified,
    "cancelBooking, 20": _cancelled,
    "verifyRegistrant": lambda on: f"verifyRegistrant({on.ref()}) {{ __typename {PERSON} {PROBLEM} }}",
    "departRegistrant": lambda on: f"departRegistrant({on.ref()}, healthy: true) {{ __typename {PERSON} {PROBLEM} }}",
    "moveRegistrant": lambda on: (
        f'moveRegistrant({on.ref()}, routeId: "{next(on.routes)}") {{ __typename {PERSON} {PROBLEM} }}'
    ),
    "correctRegistrant": lambda on: (
        f'correctRegistrant({on.ref()}, input: {{name: "Warga Lain", {REASON}}}) {{ __typename {PERSON} {PROBLEM} }}'
    ),
    "handOverMotorcycle": lambda on: f"handOverMotorcycle({on.ref()}) {{ __typename {PERSON} {PROBLEM} }}",
    "cancelRegistrant": lambda on: f"cancelRegistrant({on.ref()}, {REASON}) {{ __typename {PERSON} {PROBLEM} }}",
    "reopenRegistrant": lambda on: f"reopenRegistrant({on.ref()}, {REASON}) {{ __typename {PERSON} {PROBLEM} }}",
    "reopenRegistrants, 500": lambda on: (
        f'reopenRegistrants(where: {{routeId: "{on.route}", cause: {CANCELLED}}}, {REASON}, dryRun: true)'
        f" {{ __typename {PROBLEM} }}"
    ),
    "eraseRegistrant": lambda on: f"eraseRegistrant({on.ref()}, {REASON}) {{ __typename {PROBLEM} }}",
    "holdSeats": lambda on: f'holdSeats(routeId: "{next(on.routes)}") {{ __typename {PROBLEM} }}',
    "saveTerminals": _terminal,
    "saveRoutes": _route,
    "releaseQuota": lambda on: (
        f'releaseQuota(routeId: "{next(on.routes)}", seats: 1) {{ __typename {ROUTE} {PROBLEM} }}'
    ),
    "saveWebhook": lambda on: (
        f'saveWebhook(input: {{url: "https://example.org/{next(on.numbers)}", events: [QUOTA_RETURNED]}})'
        f" {{ __typename {PROBLEM} }}"
    ),
    "saveOrganizer": _organizer,
    "saveWindow": _window,
    "issueClient": lambda _: f'issueClient(organizer: "{seed.CHECKER}", scopes: ["nik:check"]) {{ __typename }}',
    "blockNik": lambda on: f'blockNik(nik: "{on.nik()}", {REASON}) {{ __typename {PROBLEM} }}',
    "liftNikBlock": lambda on: f'liftNikBlock(nik: "{on.nik()}", {REASON}) {{ __typename {PROBLEM} }}',
    "setNikAllowance": lambda on: (
        f'setNikAllowance(organizer: "{seed.SUBMITTER}", {REASON}, perDay: {2_000_000 + next(on.numbers)})'
        " { __typename }"
    ),
}


async def ground(process: Process) -> Ground:
    async with process.database.transaction() as session:

        async def ids(table: str, condition: str) -> list[str]:
            rows = await queries.run(
                session, f"SELECT id FROM {table} WHERE {condition} ORDER BY id DESC", {"code": seed.CHECKER}
            )
            return [str(one.id) for one in rows]

        [hot] = await ids("route", "organizer_code = :code AND quota > 50")
        routes = await ids("route", "organizer_code = :code AND quota = 50")
        people = await ids("registrant", "organizer_code = :code")
        families = people[: BOOKINGS * PEOPLE_OF_A_BOOKING]
        await queries.run(
            session,
            """UPDATE registrant SET reference = 'K' || place / :size FROM (
                   SELECT one, (row_number() OVER () - 1) AS place FROM unnest(CAST(:ids AS uuid[])) one
               ) given WHERE id = one""",
            {"ids": families, "size": PEOPLE_OF_A_BOOKING},
        )
        [case, *_] = await ids("duplicate_case", "season = 2026 AND :code = :code")
    return Ground(
        hot,
        itertools.cycle(routes),
        iter(people[len(families) :]),
        iter([f"K{number}" for number in range(BOOKINGS)]),
        case,
        await _job(process),
    )


async def _job(process: Process) -> str:
    """Of as many rows as one call of `importRows` looks through."""
    world = World(process.database, process.vault)
    rows = [lists.row(1, data_nik=str(number)) for number in range(ROWS_OF_AN_IMPORT)]
    await lists.sent(world, Caller(None, seed.CHECKER), lists.as_csv(rows))
    return str((await lists.worked_off(world)).id)


def document(name: str, on: Ground) -> str:
    operation, made = ("query", READS[name]) if name in READS else ("mutation", WRITES[name])
    aliases = FEWER_ALIASES.get(name, ALIASES)
    return f"{operation} {{ {' '.join(f'a{number}: {made(on)}' for number in range(aliases))} }}"
