"""A season with many registrants, made fast: what the benchmarks run against."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from app import clock
from app.db import Database
from app.registry.caller import Caller
from app.registry.clients import clients
from app.vault.vault import Vault
from tests import queries

REGISTRANTS = 100_000
CHECKER, SUBMITTER = "hubdat", "djka"
SCOPES = ["nik:check", "registrants:write", "registrants:read"]


def nik_of(number: int) -> str:
    """A well-formed NIK that belongs to nobody (serial 9000 and up), another for each number below 300 million."""
    day, month, year = number % 28 + 1, number // 28 % 12 + 1, number // 336 % 60 + 40
    serial, regency = number // 20_160 % 1000 + 9000, number // 20_160_000 % 15 + 1
    return f"32{regency:02}01{day:02}{month:02}{year:02}{serial}"


async def seed(database: Database, vault: Vault) -> tuple[dict[str, tuple[str, str]], UUID]:
    """Clients by organizer (id, secret), and the hot route of the submitter."""
    now = clock.now()
    async with database.transaction() as session:
        await queries.run(
            session, "INSERT INTO season (year, ends_on) VALUES (2026, :day)", {"day": date(2026, 12, 31)}
        )
        for code in (CHECKER, SUBMITTER):
            await queries.run(
                session, "INSERT INTO organizer (code, name, schemes) VALUES (:code, :code, '{}')", {"code": code}
            )
            await queries.run(
                session,
                """INSERT INTO registration_window (id, season, organizer_code, kind, opens_at,
                           until_quota_is_full, saved_at) VALUES (:id, 2026, :code, 'REGISTRATION', :at, false, :at)""",
                {"id": uuid7(), "code": code, "at": now - timedelta(days=400)},
            )
        for code, city in (("pulo-gebang", "Kota Jakarta Timur"), ("tirtonadi", "Kota Surakarta")):
            await queries.run(
                session,
                (
                    "INSERT INTO terminal (code, name, city, city_key, kind)"
                    " VALUES (:code, :code, :city, :city, 'TERMINAL')"
                ),
                {"code": code, "city": city},
            )
        await queries.run(session, "UPDATE nik_allowance SET set_per_day = 2000000000")
        routes = {code: uuid7() for code in (CHECKER, SUBMITTER)}
        for code, route in routes.items():
            await queries.run(
                session,
                """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code,
                           destination_code, departs_at, quota)
                       VALUES (:id, 2026, :code, 'Jakarta - Solo', 'MUDIK', 'PASSENGER', 'BUS', 'pulo-gebang',
                               'tirtonadi', :departs_at, 2000000000)""",
                {"id": route, "code": code, "departs_at": now + timedelta(days=30)},
            )
        issued = {
            code: await clients.issue(
                session,
                Caller(None, code),
                code,
                SCOPES,
                None,
                now,
                capacity=2_000_000_000,
                refill=1_000_000_000,
                own=None,
            )
            for code in (CHECKER, SUBMITTER)
        }
    await copy(database, vault, routes[CHECKER])
    credentials = {}
    for code, one in issued.items():
        assert isinstance(one, clients.Issued)
        assert one.secret is not None
        credentials[code] = (one.client.id, one.secret)
    return credentials, routes[SUBMITTER]


async def more_routes(database: Database, route: str, count: int) -> list[str]:
    """The ids of `count` routes that are as `route` is, but for their hours."""
    async with database.transaction() as session:
        rows = await queries.run(
            session,
            """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code,
                       destination_code, departs_at, quota)
                   SELECT gen_random_uuid(), season, organizer_code, name || ' ' || n, direction, service, mode,
                       origin_code, destination_code, departs_at + n * interval '1 minute', quota
                   FROM route, generate_series(1, :count) n WHERE id = CAST(:route AS uuid) RETURNING id""",
            {"route": route, "count": count},
        )
        return [str(row.id) for row in rows]


async def copy(database: Database, vault: Vault, route: UUID) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    name = vault.seal("Warga Contoh")
    rows = [
        (
            uuid7(),
            2026,
            CHECKER,
            route,
            "MUDIK",
            "PASSENGER",
            "REGISTERED",
            vault.blind_index(nik),
            vault.seal(nik),
            name,
            at,
            at,
        )
        for nik in map(nik_of, range(REGISTRANTS))
    ]
    columns = [
        "id", "season", "organizer_code", "route_id", "direction", "service", "status", "nik_index", "nik_sealed",
        "name_sealed", "registered_at", "arrived_at",
    ]  # fmt: skip
    driver = await asyncpg.connect(database.url)
    try:
        await driver.copy_records_to_table("registrant", records=rows, columns=columns)
        await driver.execute("UPDATE route SET taken = $1 WHERE id = $2", REGISTRANTS, route)
        await driver.execute("VACUUM ANALYZE")
    finally:
        await driver.close()
