"""`python -m bench.statistics`: the whole dashboard from ten thousand registrants and from ten million, side by side.

Both seasons have the same organizers, departures and days; what differs is how many people registered, and with them
how many cases wait. Their rows and the log are made by SQL, the figures by the real projector, and then compared with a
plain GROUP BY. It takes some twenty minutes and 10 GB of disk; `--registrants 10000 100000` takes one. `--step 500000`
lets the projector count more changes in a transaction than a server does, which shortens the filling and changes no
figure. `--routes 50000` makes ten times as many departures.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

from app import clock, migration
from app.changes.log import tallies
from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.registry.caller import Caller
from app.registry.clients import clients
from app.vault.vault import open_vault
from bench import load, pages
from bench.__main__ import server, token
from bench.load import Outcome, Target
from tests import databases, queries

ORGANIZERS, ROUTES, DAYS = 130, 5_000, 40
CHUNK = 100_000
"""Registrants of one transaction."""
COUNTS = "{ registered verified departed forfeited cancelled noShow quota taken remaining fill seatsReturned }"
ROUTE = "route { id name direction service departsAt origin { city } destination { city } }"
DASHBOARD = f"""
query Dashboard {{ statistics {{
  season asOf total {COUNTS} duplicates
  byOrganizer {{ organizer {{ code name }} counts {COUNTS} }}
  byDirection {{ direction counts {COUNTS} }}
  byService {{ service counts {COUNTS} }}
  byDay {{ day counts {COUNTS} }}
  byRoute(first: 50) {{ {ROUTE} counts {COUNTS} }}
  funnel {{ registered verified departed waiting forfeited deadlines {{ hours waiting }} }}
  forecast(first: 50) {{ {ROUTE} waiting verified emptySeats }}
  duplicatePairs(first: 50) {{ holder {{ code name }} claimant {{ code name }} refused suspected }}
}} }}
"""
ONE_ORGANIZER = DASHBOARD.replace("statistics {", 'statistics(where: { organizer: "o007" }) {', 1)
ONE_WEEK = DASHBOARD.replace("statistics {", 'statistics(where: { from: "%s", to: "%s" }) {', 1)

# The log and the registrants have no use here for what keeps them whole and found: only for their places and ids.
BARE = """
    DO $$ DECLARE unused regclass; BEGIN
        FOR unused IN SELECT indexrelid FROM pg_index WHERE indrelid IN ('registrant'::regclass, 'change'::regclass)
            AND NOT indisprimary AND indexrelid <> 'ix_change_xact_id_id'::regclass
        LOOP EXECUTE 'DROP INDEX ' || unused; END LOOP;
    END $$
"""
CATALOGUE = (
    "INSERT INTO season (year, ends_on) VALUES (:season, CAST(:now AS date) + 60)",
    """INSERT INTO organizer (code, name, schemes)
       SELECT 'o' || lpad(n::text, 3, '0'), 'Penyelenggara ' || n, '{}' FROM generate_series(0, :organizers - 1) n""",
    "INSERT INTO organizer (code, name, schemes) VALUES ('hubdat', 'Hubdat', '{}')",
    """INSERT INTO terminal (code, name, city, city_key, kind)
       SELECT 't' || n, 'Terminal ' || n, 'Kota ' || n, 'kota ' || n, 'TERMINAL' FROM generate_series(0, 49) n""",
    """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code, destination_code,
                          departs_at)
       SELECT CAST('00000000-0000-7000-9000-' || lpad(to_hex(n), 12, '0') AS uuid), :season,
              'o' || lpad((n % :organizers)::text, 3, '0'), 'Rute ' || n,
              CASE WHEN n / :organizers % 5 = 0 THEN 'BALIK' ELSE 'MUDIK' END,
              CASE WHEN n / :organizers % 10 = 3 THEN 'MOTORCYCLE' ELSE 'PASSENGER' END, 'BUS',
              't' || n % 50, 't' || (n + 7) % 50,
              CAST(:now AS timestamptz) + INTERVAL '1 day' * (10 + n % 14) + INTERVAL '1 hour' * (n % 9)
       FROM generate_series(0, :routes - 1) n""",
)
PEOPLE = """
    INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                            name_sealed, plate, registration_number, registered_at, arrived_at, verify_by,
                            verified_at, departed_at, healthy)
    SELECT CAST('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid), r.season, r.organizer_code, r.id,
           r.direction, r.service, s.status, decode(lpad(to_hex(n), 64, '0'), 'hex'),
           decode(repeat('00', 45), 'hex'), decode(repeat('00', 45), 'hex'), 'B 1 XX', '1', at, at,
           CASE WHEN route % 4 > 0 THEN date_trunc('day', at) + INTERVAL '47 days 16:59:59' END,
           CASE WHEN s.status IN ('VERIFIED', 'DEPARTED', 'NO_SHOW') THEN at END,
           CASE WHEN s.status = 'DEPARTED' THEN at END, CASE WHEN s.status = 'DEPARTED' THEN true END
    FROM (SELECT n, n * 7919 % :routes AS route,
                 CAST(:now AS timestamptz) - INTERVAL '1 day' * (:days * (1 - n / CAST(:people AS float))) AS at
          FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n) AS one
    JOIN route r ON r.id = CAST('00000000-0000-7000-9000-' || lpad(to_hex(route), 12, '0') AS uuid)
    CROSS JOIN LATERAL (SELECT (ARRAY['VERIFIED', 'VERIFIED', 'VERIFIED', 'VERIFIED', 'DEPARTED', 'DEPARTED',
                                      'FORFEITED', 'CANCELLED', 'NO_SHOW'])[n / 3 % 20 + 1] AS status) AS drawn
    CROSS JOIN LATERAL (SELECT COALESCE(drawn.status, 'REGISTERED') AS status) AS s
"""
LOG = """
    INSERT INTO change (at, kind, season, organizer_code, registrant_id, route_id, from_status, to_status)
    SELECT r.registered_at, 'REGISTRANT_MOVED', r.season, r.organizer_code, r.id, r.route_id, step.before, step.after
    FROM registrant r CROSS JOIN LATERAL (VALUES
        (1, NULL, 'REGISTERED'),
        (2, 'REGISTERED', CASE WHEN r.verified_at IS NOT NULL THEN 'VERIFIED'
                               WHEN r.status <> 'REGISTERED' THEN r.status END),
        (3, 'VERIFIED', CASE WHEN r.status IN ('DEPARTED', 'NO_SHOW') THEN r.status END)
    ) AS step (place, before, after)
    WHERE r.id BETWEEN CAST('00000000-0000-7000-8000-' || lpad(to_hex(CAST(:first AS bigint)), 12, '0') AS uuid)
                   AND CAST('00000000-0000-7000-8000-' || lpad(to_hex(CAST(:last AS bigint)), 12, '0') AS uuid)
      AND step.after IS NOT NULL
    ORDER BY step.place
"""
CLAIMANT = "'o' || lpad((n / 100 * 31 % :organizers)::text, 3, '0')"
REFUSED = """
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint), 100) n
    JOIN registrant r ON r.id = CAST('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)
"""
DUPLICATES = f"""
    INSERT INTO change (at, kind, season, organizer_code, registrant_id, facts)
    SELECT r.registered_at, 'DUPLICATE_REFUSED', r.season, r.organizer_code, r.id,
           jsonb_build_object('claimant', {CLAIMANT}) {REFUSED}
"""
CASES = (
    f"""INSERT INTO duplicate_case (id, season, direction, service, holder_id, state, suspect, opened_at, decided_at)
        SELECT r.id, r.season, r.direction, r.service, r.id, one.state, false, r.registered_at,
               CASE WHEN one.state <> 'OPEN' THEN r.registered_at END
        {REFUSED} CROSS JOIN LATERAL (
            SELECT CASE WHEN n / 100 % 2 = 0 THEN 'OPEN' ELSE 'CONFIRMED' END
        ) AS one (state)""",
    f"""INSERT INTO case_claim (case_id, organizer_code, attempts, first_at, last_at)
        SELECT r.id, {CLAIMANT}, 1, r.registered_at, r.registered_at {REFUSED}""",
)
# What waits and is not of a registrant: as much as a busy season may have, whatever its size.
BUSY = (
    """INSERT INTO registration_window (id, season, organizer_code, kind, opens_at, closes_at,
                                        until_quota_is_full, saved_at)
       SELECT gen_random_uuid(), :season, code, kind, CAST(:now AS timestamptz) - INTERVAL '1 day' * (40 - 9 * wave),
              CAST(:now AS timestamptz) - INTERVAL '1 day' * (33 - 9 * wave), false, :now
       FROM organizer, (VALUES (0, 'REGISTRATION'), (2, 'REGISTRATION'), (3, 'VERIFICATION')) AS waves (wave, kind)""",
    """INSERT INTO quota_release (id, route_id, seats, due_at)
       SELECT gen_random_uuid(), id, 5, CAST(:now AS timestamptz) + INTERVAL '1 hour' * (day * 24 - 1)
       FROM route, generate_series(0, 2) day WHERE right(route.name, 1) < '2'""",
    """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, failing_since, secret_sealed)
       SELECT gen_random_uuid(), code, 'https://' || code || '.example/' || place, '{registrant.verified}', :now, :now,
              CASE WHEN place = 2 THEN CAST(:now AS timestamptz) END, ''
       FROM organizer, generate_series(0, 2) place""",
    """INSERT INTO import_job (id, organizer_code, season, mode, dry_run, covers, extension, state, created_at,
                               finished_at)
       SELECT gen_random_uuid(), code, :season, 'UPSERT', false, '{}', 'csv',
              CASE WHEN day = 40 THEN 'QUEUED' ELSE 'DONE' END, :now,
              CASE WHEN day < 40 THEN CAST(:now AS timestamptz) END
       FROM organizer, generate_series(1, 40) day""",
    """INSERT INTO nik_allowance (organizer_code, day, named, set_per_day, alarmed_at)
       SELECT code, CAST(CAST(:now AS timestamptz) AT TIME ZONE 'Asia/Jakarta' AS date), length(code) * 20, 100,
              CASE WHEN code LIKE '%7' THEN CAST(:now AS timestamptz) END
       FROM organizer""",
    """INSERT INTO pulse (minute, id, answers, errors, steps, refusals)
       SELECT date_trunc('minute', CAST(:now AS timestamptz)) + INTERVAL '1 minute' * minute, gen_random_uuid(),
              6000, 6, array_fill(100, ARRAY[62]),
              (SELECT jsonb_agg(jsonb_build_array(code, reason, 3))
               FROM organizer, (VALUES ('QUOTA_FULL'), ('NIK_ALREADY_REGISTERED'), ('WINDOW_CLOSED')) AS why (reason))
       FROM generate_series(-15, 240) minute, generate_series(1, 4) process""",
)
SEATS = """
    UPDATE route SET taken = seated, quota = seated * 5 / 4 + 10
    FROM (SELECT route_id, count(*) FILTER (WHERE status NOT IN ('FORFEITED', 'CANCELLED')) AS seated
          FROM registrant GROUP BY route_id) people WHERE people.route_id = route.id
"""
PLAIN = """
    SELECT organizer_code, direction, service, status, count(*) FROM registrant
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
TALLIED = """
    SELECT organizer_code, direction, service, status, sum(people) FROM tally CROSS JOIN LATERAL (VALUES
        ('REGISTERED', registered), ('VERIFIED', verified), ('DEPARTED', departed), ('FORFEITED', forfeited),
        ('CANCELLED', cancelled), ('NO_SHOW', no_show)) AS one (status, people)
    GROUP BY 1, 2, 3, 4 HAVING sum(people) > 0 ORDER BY 1, 2, 3, 4
"""


@dataclass
class Season:
    registrants: int
    url: str
    home: Path
    credentials: tuple[str, str] = ("", "")
    plain_ms: float = 0.0
    """What GROUP BY over the registrants takes."""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench.statistics")
    arguments.add_argument("--registrants", type=int, nargs="+", default=[10_000, 10_000_000])
    arguments.add_argument("--routes", type=int, default=ROUTES)
    arguments.add_argument("--step", type=int, default=tallies.CHANGES_OF_A_STEP)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=2.0)
    options = arguments.parse_args()
    tallies.CHANGES_OF_A_STEP = options.step
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pemudik-bench-")))
        folder.chmod(0o755)
        url = stack.enter_context(postgres.running(folder / "database", durable=False))
        seasons = [asyncio.run(fill(url, folder, registrants, options.routes)) for registrants in options.registrants]
        os.environ["PEMUDIK_DUTIES"] = "false"
        servers = [stack.enter_context(server("app.main:asgi", one.url, one.home, factory=True)) for one in seasons]
        tokens = [token(ours, *one.credentials) for ours, one in zip(servers, seasons, strict=True)]
        asyncio.run(measure(seasons, servers, tokens, options))


async def fill(server_url: str, folder: Path, registrants: int, routes: int) -> Season:
    url = await create(server_url, f"season_{registrants}")
    home = folder / str(registrants)
    database, vault = Database(url, pool_size=2), open_vault(Settings(home=home))
    assert vault
    await migration.upgrade(database)
    now = clock.now()
    facts = {"now": now, "season": now.year, "organizers": ORGANIZERS, "routes": routes, "days": DAYS}
    facts |= {"people": registrants}
    await run(database, [BARE, *CATALOGUE, *BUSY], facts)
    season = Season(registrants, url, home)
    async with database.transaction() as session:
        issued = await clients.issue(session, Caller(None, "hubdat"), "hubdat", ["dashboard:read"], None, now, own=None)
    assert isinstance(issued, clients.Issued)
    assert issued.secret is not None
    season.credentials = (issued.client.id, issued.secret)
    started = time.perf_counter()
    for first in range(0, registrants, CHUNK):
        chunk = {**facts, "first": first, "last": min(first + CHUNK, registrants) - 1}
        await run(database, [PEOPLE, LOG, DUPLICATES, *CASES], chunk)
    await run(database, [SEATS], facts)
    print(f"{registrants:12,} registrants: filled in {time.perf_counter() - started:.0f} s", flush=True)
    await project(database, season)
    await database.dispose()
    return season


async def create(server_url: str, name: str) -> str:
    await databases.execute(server_url, f"CREATE DATABASE {name}")
    address, question, options = server_url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question}{options}"


async def run(database: Database, statements: list[str], values: dict[str, Any]) -> None:
    async with database.transaction() as session:
        # Neither foreign keys nor the append-only trigger: these rows are as they must be.
        await queries.run(session, "SET LOCAL session_replication_role = replica")
        await queries.run(session, "SET LOCAL statement_timeout = 0")
        for statement in statements:
            await queries.run(session, statement, values)


async def project(database: Database, season: Season) -> None:
    started = time.perf_counter()
    changes = await tallies.rebuild(database, clock.now, lambda *_: None)
    seconds = time.perf_counter() - started
    await databases.execute(database.url, "VACUUM ANALYZE")
    found = []
    for query in (PLAIN, TALLIED):
        began = time.perf_counter()
        async with database.transaction() as session:
            found.append([tuple(row) for row in await queries.run(session, query)])
        season.plain_ms = season.plain_ms or (time.perf_counter() - began) * 1000
    assert found[0] == found[1], "the tallies are not what GROUP BY answers"
    print(
        f"{'':12} {changes:12,} changes counted in {seconds:.1f} s: {changes / seconds:,.0f} a second;"
        " the figures are those of GROUP BY",
        flush=True,
    )


async def measure(
    seasons: list[Season], servers: list[tuple[str, int]], tokens: list[str], options: argparse.Namespace
) -> None:
    day = clock.wib_day(clock.now())
    week = ONE_WEEK % (day.fromordinal(day.toordinal() - 7), day)
    # `load` takes an answer that has "errors" for one that failed.
    overview = pages.overview().replace("answers errors", "answers failed: errors")
    queries = {"everything": DASHBOARD, "one organizer": ONE_ORGANIZER, "one week": week, "overview": overview}
    print(f"\n{'whole dashboard, ms':22}" + "".join(f"{one.registrants:>22,}" for one in seasons) + f"{'ratio':>10}")
    for name, query in queries.items():
        rounds: list[list[Outcome]] = [[] for _ in seasons]
        began = [cpu_ms(one, pid) for one, (_, pid) in zip(seasons, servers, strict=True)]
        for place in itertools.chain(range(len(seasons)), *[range(len(seasons))] * options.rounds):
            target = Target(name, f"{servers[place][0]}/graphql", bodies(query), tokens[place])
            rounds[place].append(await load.run(target, connections=1, seconds=options.seconds))
        tell(name, [outcomes[1:] for outcomes in rounds])
        spent = [cpu_ms(one, pid) - before for one, (_, pid), before in zip(seasons, servers, began, strict=True)]
        each = [ms / sum(one.requests for one in outcomes) for ms, outcomes in zip(spent, rounds, strict=True)]
        print(f"{'  CPU of an answer':22}" + "".join(f"{ms:22,.1f}" for ms in each) + f"{each[-1] / each[0]:10.2f}")
    plain = [one.plain_ms for one in seasons]
    print(f"{'GROUP BY, one of them':22}" + "".join(f"{ms:22,.1f}" for ms in plain) + f"{plain[-1] / plain[0]:10,.1f}")


def cpu_ms(season: Season, pid: int) -> float:
    """What the server has used, and PostgreSQL for this database: nothing else that this machine does is in here."""
    server = psutil.Process(pid)
    ours = {pid, *(one.pid for one in server.children(recursive=True))}
    used = 0.0
    for one in psutil.process_iter():
        # Of all the processes of this machine some end meanwhile.
        with suppress(psutil.Error):
            if one.pid in ours or f" season_{season.registrants} " in " ".join(one.cmdline()):
                used += sum(one.cpu_times()[:2])
    return used * 1000


def tell(name: str, rounds: list[list[Outcome]]) -> None:
    """Medians of the rounds: half of the answers, and 99 of 100, came within."""
    assert not sum(one.failures for outcomes in rounds for one in outcomes), "some answers were errors"
    half, most = (
        [statistics.median(one.percentile(share) for one in outcomes) * 1000 for outcomes in rounds]
        for share in (0.5, 0.99)
    )
    cells = "".join(f"{f'{a:.1f} (p99 {b:.1f})':>22}" for a, b in zip(half, most, strict=True))
    print(f"{name:22}{cells}{half[-1] / half[0]:10.2f}", flush=True)


def bodies(query: str) -> Iterator[bytes]:
    return itertools.repeat(orjson.dumps({"query": query}))


if __name__ == "__main__":
    main()
