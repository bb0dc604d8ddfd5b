"""A small season for tests: organizers, windows, terminals and routes as their tables hold them, and people who do not
exist: their NIKs have serial numbers from 9000 on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import Database
from app.models.enums import RegistrantStatus
from app.registry import sweep
from app.registry.caller import Caller
from app.registry.erasure import WIPED
from app.registry.niks import check
from app.registry.niks.check import Check
from app.registry.registrants import lifecycle, lookup, submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Submission
from app.registry.registrants.transitions import Step
from app.registry.registrants.view import View
from app.registry.routes import saving
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.values import cities, spellings
from app.vault.vault import Vault
from tests import queries

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""09:00 WIB."""
LEAVES = NOW + timedelta(days=14)
"""When every route departs unless told otherwise."""
SOON = NOW + timedelta(hours=20)
"""A departure that may be reported at `NOW`."""

REPORTED = LEAVES - timedelta(hours=2)
"""When people report for departure."""

HUBDAT = Caller("hubdat-test", "hubdat")
DJKA = Caller("djka-test", "djka")
DKI = Caller("dishub-dki-test", "dishub-dki")
JASA_RAHARJA = Caller("jasa-raharja-test", "jasa-raharja", frozenset({"bumn-satu"}))
BUMN = Caller("bumn-satu-test", "bumn-satu")
CALLERS = (HUBDAT, DJKA, DKI, JASA_RAHARJA, BUMN)

TERMINALS = {
    "pulo-gebang": "Kota Jakarta Timur",
    "tirtonadi": "Kota Surakarta",
    "solo-balapan": "Solo",
    "giwangan": "Kota Yogyakarta",
}
RULED = ("registrant", "change", "route", "duplicate_case", "case_claim", "nik_block")
"""What a refusal leaves as it was."""


def nik_of(number: int) -> str:
    """A well-formed NIK that belongs to nobody, another for each `number` below 840,000."""
    return f"3201{number // 1000 % 30 + 1:02}{number // 30_000 % 28 + 1:02}0190{9000 + number % 1000}"


@dataclass
class World:
    database: Database
    vault: Vault
    routes: dict[str, UUID] = field(default_factory=dict)

    async def run(self, sql: str, **values: Any) -> Any:
        """Rows of a statement, in a transaction of its own."""
        async with self.database.transaction() as session:
            return await queries.run(session, sql, values)

    async def one(self, sql: str, **values: Any) -> Any:
        [[value]] = await self.run(sql, **values)
        return value

    async def season(self, year: int, ends_on: date, *, closed_at: datetime | None = None) -> None:
        await self.run(
            "INSERT INTO season (year, ends_on, closed_at) VALUES (:year, :ends_on, :closed_at)",
            year=year,
            ends_on=ends_on,
            closed_at=closed_at,
        )

    async def close(self, year: int = 2026) -> None:
        await self.run("UPDATE season SET closed_at = :now WHERE year = :year", now=NOW, year=year)

    async def route(
        self,
        name: str = "Jakarta - Solo",
        *,
        organizer: str = "hubdat",
        direction: str = "MUDIK",
        service: str = "PASSENGER",
        origin: str = "pulo-gebang",
        destination: str = "tirtonadi",
        departs_at: datetime | None = LEAVES,
        quota: int | None = None,
        season: int = 2026,
    ) -> UUID:
        route_id = uuid7()
        await self.run(
            """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code,
                                  destination_code, departs_at, quota, name_key)
               VALUES (:id, :season, :organizer, :name, :direction, :service, 'BUS', :origin, :destination,
                       :departs_at, :quota, :name_key)""",
            id=route_id,
            season=season,
            organizer=organizer,
            name=name,
            direction=direction,
            service=service,
            origin=origin,
            destination=destination,
            departs_at=departs_at,
            quota=quota,
            name_key=spellings.of_route(name),
        )
        self.routes[name] = route_id
        return route_id

    async def way_back(self, name: str = "Solo - Jakarta", **changes: Any) -> UUID:
        values = {"direction": "BALIK", "origin": "tirtonadi", "destination": "pulo-gebang"}
        return await self.route(name, **values | changes)

    async def retimed(
        self, route_id: UUID, departs_at: datetime | None, caller: Caller | None = None, *, now: datetime = NOW
    ) -> None:
        """The route that `route` makes, saved with another departure by its organizer."""
        given = RouteInput(
            id=route_id,
            name="Jakarta - Solo",
            direction="MUDIK",
            service="PASSENGER",
            mode="BUS",
            origin="pulo-gebang",
            destination="tirtonadi",
            departs_at=departs_at,
        )
        [saved] = await self.database.attempt(lambda session: saving.save(session, caller or HUBDAT, [given], now))
        assert isinstance(saved, Route), saved

    async def release(self, route_id: UUID, seats: int, due_at: datetime) -> None:
        """Seats that come later, on a route that has a quota already."""
        await self.run(
            "INSERT INTO quota_release (id, route_id, seats, due_at) VALUES (:id, :route_id, :seats, :due_at)",
            id=uuid7(),
            route_id=route_id,
            seats=seats,
            due_at=due_at,
        )

    async def submit(self, *submissions: Submission, now: datetime = NOW) -> list[Any]:
        return await self.database.attempt(lambda session: submission.submit(session, self.vault, submissions, now))

    async def accepted(self, one: Submission, now: datetime = NOW) -> Accepted:
        [verdict] = await self.submit(one, now=now)
        assert isinstance(verdict, Accepted), verdict
        return verdict

    async def registered(self, one: Submission, now: datetime = NOW) -> View:
        return (await self.accepted(one, now)).view

    async def verified(self, one: Submission, now: datetime = NOW) -> View:
        return await self.moved((await self.registered(one, now)).id, RegistrantStatus.VERIFIED, one.caller, now=now)

    async def move(self, *moves: lifecycle.Move, now: datetime = NOW) -> list[Any]:
        return await self.database.attempt(lambda session: lifecycle.move(session, self.vault, moves, now))

    async def moved(
        self,
        registrant_id: UUID,
        to: RegistrantStatus,
        caller: Caller = HUBDAT,
        *,
        now: datetime | None = None,
        **facts: Any,
    ) -> View:
        """What was asked for must be allowed; a departure is healthy and in time, a cancellation has a reason."""
        now = now or (REPORTED if to == RegistrantStatus.DEPARTED else NOW)
        values: dict[str, Any] = {"healthy": True, "reason": "Permintaan peserta"} | facts
        [verdict] = await self.move(lifecycle.Move(caller=caller, ref=Ref(id=registrant_id), to=to, **values), now=now)
        assert isinstance(verdict, View), verdict
        return verdict

    async def check(self, *checks: Check, now: datetime = NOW, together: bool = False) -> list[Any]:
        async with self.database.statements() as session:
            return list(await check.check(session, self.vault, checks, now, together=together))

    async def sweep(self, now: datetime) -> sweep.Swept:
        return await sweep.sweep(self.database, now)

    async def find(self, registrant_id: UUID, caller: Caller = HUBDAT) -> View | None:
        async with self.database.transaction() as session:
            [record] = await lookup.by_ids(session, self.vault, caller, [registrant_id], everyone=True)
        return record

    async def status(self, registrant_id: UUID) -> str:
        status: str = await self.one("SELECT status FROM registrant WHERE id = :id", id=registrant_id)
        return status

    async def put(self, registrant_id: UUID, **columns: Any) -> None:
        """Overwrite columns of a registrant, to start from a state that takes many steps to reach."""
        pairs = ", ".join(f"{name} = :{name}" for name in columns)
        await self.run(f"UPDATE registrant SET {pairs} WHERE id = :id", id=registrant_id, **columns)

    async def erased_alone(self, registrant_id: UUID) -> None:
        """One registrant and not the whole person, as versions before 0.3 erased."""
        step = Step(id=registrant_id, to=RegistrantStatus.CANCELLED, caller=HUBDAT, reason="Permintaan peserta")
        await self.database.attempt(lambda session: lifecycle.step(session, [step], NOW))
        await self.run(f"UPDATE registrant SET {WIPED} WHERE id = :id", id=registrant_id, now=NOW)

    async def taken(self, name: str = "Jakarta - Solo") -> int:
        count: int = await self.one("SELECT taken FROM route WHERE id = :id", id=self.routes[name])
        return count

    async def count(self, table: str) -> int:
        count: int = await self.one(f"SELECT count(*) FROM {table}")
        return count

    async def changes(self, columns: str = "kind, from_status, to_status, client_id, reason") -> list[Any]:
        """The change log, the oldest first."""
        return [tuple(row) for row in await self.run(f"SELECT {columns} FROM change ORDER BY id")]

    async def rows(self, *tables: str) -> dict[str, list[str]]:
        """Every row of `tables` as text."""
        return {
            table: [row.text for row in await self.run(f"SELECT t::text AS text FROM {table} t ORDER BY 1")]
            for table in tables
        }

    @asynccontextmanager
    async def unchanged(self, *tables: str) -> AsyncIterator[None]:
        """What happens inside leaves no trace in `tables`, or in anything that the rules govern."""
        before = await self.rows(*(tables or RULED))
        yield
        assert await self.rows(*(tables or RULED)) == before

    def statements(self) -> AbstractContextManager[list[str]]:
        """The SQL that is issued inside."""
        return queries.noted()

    async def policy(self, organizer: str, **changes: Any) -> None:
        values = {
            "verify_within_days": None,
            "block_when_forfeited": True,
            "block_seasons": 1,
            "enforce_window": True,
            "return_requires_outbound": True,
            "return_same_day": False,
            "no_show_after_minutes": 120,
        } | changes
        await self.run("DELETE FROM policy WHERE organizer_code = :organizer", organizer=organizer)
        await self.run(
            f"""INSERT INTO policy (season, organizer_code, {", ".join(values)})
                VALUES (2026, :organizer, {", ".join(f":{name}" for name in values)})""",
            organizer=organizer,
            **values,
        )

    async def window(self, organizer: str, opens_at: datetime, closes_at: datetime | None = None) -> None:
        """The only window of an organizer."""
        await self.run("DELETE FROM registration_window WHERE organizer_code = :organizer", organizer=organizer)
        await self.wave(organizer, opens_at, closes_at)

    async def wave(self, organizer: str, opens_at: datetime, closes_at: datetime | None = None, **changes: Any) -> None:
        """One window more."""
        values = {"kind": "REGISTRATION", "superseded_at": None} | changes
        await self.run(
            """INSERT INTO registration_window (id, season, organizer_code, kind, opens_at, closes_at,
                                                until_quota_is_full, saved_at, superseded_at)
               VALUES (:id, 2026, :organizer, :kind, :opens_at, :closes_at, false, :opens_at, :superseded_at)""",
            id=uuid7(),
            organizer=organizer,
            opens_at=opens_at,
            closes_at=closes_at,
            **values,
        )


# One statement: most tests begin with it.
_BUILD = """
    WITH season AS (INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-30')),
    terminal AS (
        INSERT INTO terminal (code, name, city, city_key, kind, name_key)
        SELECT code, name, city, city_key, 'TERMINAL', name_key
        FROM unnest(CAST(:terminals AS text[]), CAST(:names AS text[]), CAST(:cities AS text[]),
                    CAST(:city_keys AS text[]), CAST(:name_keys AS text[])) AS t (code, name, city, city_key, name_key)
    ),
    caller AS (
        SELECT * FROM unnest(CAST(:organizers AS text[]), CAST(:coordinators AS text[]), CAST(:clients AS text[]),
                             CAST(:windows AS uuid[])) AS t (code, coordinator, client, window_id)
    ),
    organizer AS (
        INSERT INTO organizer (code, name, coordinator_code, schemes)
        SELECT code, upper(code), coordinator, '{}' FROM caller
    ),
    client AS (
        INSERT INTO client (id, organizer_code, scopes, check_capacity, check_refill, issued_at)
        SELECT client, code, '{}', 5000, 100, :now FROM caller
    ),
    budget AS (INSERT INTO check_budget (client_id, tokens, refilled_at) SELECT client, 5000, :now FROM caller)
    INSERT INTO registration_window (id, season, organizer_code, kind, opens_at, until_quota_is_full, saved_at)
    SELECT window_id, 2026, code, 'REGISTRATION', :opens_at, false, :opens_at FROM caller
"""
_BUILT: dict[str, Any] = {
    "terminals": list(TERMINALS),
    "names": [code.replace("-", " ").title() for code in TERMINALS],
    "cities": list(TERMINALS.values()),
    "city_keys": [cities.key(city) for city in TERMINALS.values()],
    "name_keys": [spellings.of_place(code)[1] for code in TERMINALS],
    "organizers": [caller.organizer for caller in CALLERS],
    "coordinators": ["jasa-raharja" if caller is BUMN else None for caller in CALLERS],
    "clients": [caller.client_id for caller in CALLERS],
    "opens_at": NOW - timedelta(days=29),
    "now": NOW,
}


async def build(database: Database, vault: Vault) -> World:
    """Season 2026 is open; every organizer's window opened on 1 February; nothing is registered yet."""
    async with database.transaction() as session:
        await queries.run(session, _BUILD, _BUILT | {"windows": [uuid7() for _ in CALLERS]})
    return World(database, vault)


def someone(caller: Caller, route_id: UUID | None, number: int = 1, **changes: Any) -> Submission:
    values: dict[str, Any] = {
        "caller": caller,
        "nik": nik_of(number),
        "name": "Warga Contoh",
        "route_id": route_id,
        "identity_document": "KTP",
    }
    return Submission(**values | changes)
