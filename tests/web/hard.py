"""The states of the pages that the demo season does not have: long names, forty organizers and a million people, an
empty season, and a registry that does not answer. `make screenshots ARGS=--states` takes pictures of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Route

from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.vault.vault import open_vault
from tests import databases, queries
from tests.servers import Server, place_in
from tests.web.browser.test_every_page import began
from tests.web.browsing import OPERATOR, Visit, link_for, sign_in, visiting

PATHS = (
    "ringkasan",
    "laporan",
    "penyelenggara",
    "rute",
    "pendaftar",
    "kasus",
    "unggah?view=past",
    "integrasi?view=webhooks",
)
COUNTS = ["registered", "verified", "departed", "forfeited", "cancelled", "no_show", "ever_verified"]
COUNTED = f"SELECT (SELECT count(*) FROM registrant), (SELECT coalesce(sum({' + '.join(COUNTS[:-1])}), 0) FROM tally)"
TIMES = 400
"""The demo's three thousand people become more than a million."""
LARGE = (
    # Before the counts grow: the others are like one of the demo.
    """INSERT INTO organizer (code, name, schemes)
       SELECT 'lain-' || n, 'Dinas Perhubungan Kabupaten Kepulauan Contoh yang Panjang Namanya ' || n, '{GRAPHQL}'
       FROM generate_series(1, 29) n""",
    *(
        f"""INSERT INTO {table} (season, organizer_code, direction, service{more}, {", ".join(COUNTS)})
            SELECT t.season, n.code, t.direction, t.service{more.replace(", ", ", t.")}, {", ".join(COUNTS)}
            FROM {table} t CROSS JOIN organizer n WHERE t.organizer_code = 'ahm' AND n.code LIKE 'lain-%'"""
        for table, more in (("tally", ""), ("tally_day", ", day"))
    ),
    *(
        f"UPDATE {table} SET {', '.join(f'{one} = {one} * {TIMES}' for one in COUNTS)}"
        for table in ("tally", "tally_day", "tally_route")
    ),
    f"UPDATE tally_deadline SET waiting = waiting * {TIMES}",
    f"UPDATE tally_pair SET refused = refused * {TIMES}",
    f"UPDATE tally_duplicate SET refused = refused * {TIMES}",
    f"UPDATE route SET quota = quota * {TIMES}, taken = taken * {TIMES}",
    "UPDATE route SET name = name || ' lewat Jalan Tol Trans-Jawa dan Pantai Utara' WHERE name < 'M'",
    """UPDATE organizer SET name = name || ' bersama Badan Usaha Milik Daerah dan Para Mitra Angkutan'
       WHERE code LIKE 'dishub%' OR code = 'ahm'""",
    """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed, failing_since)
       SELECT gen_random_uuid(), code, 'https://penerima.' || code || '.example/registri/mudik/perubahan/terkini',
              '{case.decided,registrant.verified}', now(), now(), 'x', now() - interval '3 hours' FROM organizer""",
    """INSERT INTO import_job (id, organizer_code, season, mode, dry_run, covers, extension, state, rows_read,
                               rows_done, created_at, started_at, runner, lease_until)
       SELECT gen_random_uuid(), code, (SELECT max(year) FROM season), 'UPSERT', true, '{}', 'csv', 'RUNNING', 1047500,
              312000, now(), now(), gen_random_uuid(), now() + interval '1 day' FROM organizer""",
    """UPDATE nik_allowance SET day = (now() AT TIME ZONE 'Asia/Jakarta')::date, set_per_day = 200000,
           named = 90000 + length(organizer_code) * 9000,
           alarmed_at = CASE WHEN organizer_code = 'dishub-dki' THEN now() END""",
    """INSERT INTO pulse (minute, id, answers, errors, steps, refusals)
       SELECT date_trunc('minute', now()) - n * interval '1 minute', gen_random_uuid(), 600000, 12,
              array_fill(0, ARRAY[20]) || ARRAY[600000] || array_fill(0, ARRAY[40]),
              '[["dishub-dki", "REGISTRATION_CLOSED", 48211], ["lain-3", "QUOTA_FULL", 120],
                ["ahm", "NIK_ALREADY_REGISTERED", 95], ["djka", "NIK_INVALID", 12]]'
       FROM generate_series(0, 9) n""",
)


@contextmanager
def large() -> Iterator[tuple[Server, str]]:
    """The demo with everything in it made large."""
    with TemporaryDirectory(prefix="pemudik-hard-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        url = stack.enter_context(postgres.running(Path(name) / "database"))
        server = stack.enter_context(place_in(Path(name) / "home", url)).serve()
        apart(counted(url), *(databases.execute(url, one) for one in LARGE))
        yield server, link_for(server, url, OPERATOR)


async def counted(url: str) -> None:
    """The figures hold everybody of the demo: what is made large is not counted again."""
    database = Database(url)
    try:
        while True:
            async with database.transaction() as session:
                [[everybody, told]] = await queries.run(session, COUNTED)
            if everybody == told:
                return
            await asyncio.sleep(0.5)
    finally:
        await database.dispose()


@contextmanager
def empty() -> Iterator[tuple[Server, str]]:
    """A season in which nobody has registered anybody."""
    with TemporaryDirectory(prefix="pemudik-hard-") as name, ExitStack() as stack:
        Path(name).chmod(0o755)
        url = stack.enter_context(postgres.running(Path(name) / "database"))
        apart(databases.migrate(url), began(url))
        open_vault(Settings(home=Path(name) / "home"), create=True)
        server = stack.enter_context(place_in(Path(name) / "home", url, demo=False)).serve()
        yield server, link_for(server, url, "operator@kosong.example")


def apart(*works: object) -> None:
    """In a thread of its own: Playwright has the loop of this one."""

    async def each() -> None:
        for one in works:
            await one  # type: ignore[misc]

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(each())).result()


@contextmanager
def opened(browser: Browser, server: Server, link: str, *, fails: bool = False) -> Iterator[Visit]:
    with visiting(browser, server) as visit:
        sign_in(visit, link)
        if fails:
            visit.page.route("**/graphql", _away)
        yield visit


def _away(route: Route) -> None:
    route.fulfill(status=503, json={"errors": [{"message": "away"}]})
