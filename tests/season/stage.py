"""The stage of a season: the whole application in one process, the ministry's organizers, a clock that is moved."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.auth import signing
from app.clock import WIB
from app.config import Settings
from app.db import Database
from app.demo.catalogue import MEMBERS, TABLE, TERMINALS
from app.intake.files.encoding_xlsx import Xlsx
from app.main import create_app
from app.registry import outages, sweep
from app.registry.caller import Caller
from app.registry.imports.jobs import Job
from app.registry.terms import season_file
from app.vault.vault import Vault, open_vault
from tests.graphql.conftest import ISSUER, Api
from tests.intake.lists import Row, as_csv, as_xlsx, verdicts, worked_off
from tests.season.cast import (
    COMES_BACK,
    LEAVES_HOME,
    SECOND_WAVE,
    VERIFY_WITHIN_DAYS,
    WINDOWS,
    WITH_A_SECOND_BUS,
    Party,
    Person,
)
from tests.world import World

HUBDAT = Caller(None, "hubdat")
BEGINS = datetime(2024, 2, 25, 0, tzinfo=WIB)
SCHEMES = {
    "ahm": "WEBHOOK",
    "banhub-jateng": "WEBHOOK",
    "dishub-kota-tangerang": "EXCEL",
    "dishub-tangsel": "DAILY_CONSOLIDATION",
    "jasa-raharja": "DAILY_CONSOLIDATION",
    "bumn-contoh-1": "DAILY_CONSOLIDATION",
}
"""Whose news comes by row or by list. The others act by GraphQL."""
COORDINATOR = {"bumn-contoh-1": "jasa-raharja"}
SECOND_BUS = "SECOND_BUS"
ALLOW = """mutation ($whose: ID!, $ends: RegistrantStatus!, $until: DateTime!) {
    allowSweep(organizer: $whose, ends: $ends, until: $until, reason: "Sudah diperiksa") {
        ... on Problem { code } } }"""
"""Of a large wave more than a twentieth do not come: Hubdat is asked, and says that they may be forfeited."""


@dataclass
class Stage:
    world: World
    served: Database
    """As servers use it: their role may change neither tables nor logs."""
    api: Api
    now: datetime = BEGINS
    refusals: dict[str, int] = field(default_factory=dict)
    """How often each code was given, over all doors."""
    aboard: set[tuple[str, str, str, str]] = field(default_factory=set)
    """Organizer, NIK, direction and service of everybody who was reported aboard."""
    checked: Counter[str] = field(default_factory=Counter)
    """How often each outcome was given to a clerk whose submission then agreed with it."""
    tokens_until: float = 0

    # --- by GraphQL ---------------------------------------------------------------------------------------------------

    async def ask(self, organizer: str, query: str, **variables: Any) -> Any:
        [answer] = (await self.api.data(query, variables, organizer=COORDINATOR.get(organizer, organizer))).values()
        for one in answer if isinstance(answer, list) else [answer]:
            if "code" in one:
                self.refused(one["code"])
        return answer

    def refused_each(self, problems: Iterable[dict[str, str] | None]) -> None:
        for one in problems:
            if one is not None:
                self.refused(one["code"])

    def refused(self, code: str) -> None:
        self.refusals[code] = self.refusals.get(code, 0) + 1

    # --- by rows ------------------------------------------------------------------------------------------------------

    async def push(self, organizer: str, rows: Sequence[Row]) -> None:
        """By the webhook."""
        token = await self.api.token(organizer)
        answer = await self.api.http.post(
            "/webhook/pemudik", json=list(rows), headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 200, answer.text
        for one in answer.json()["hasil"]:
            if one["kode"] is not None:
                self.refused(one["kode"])

    async def send(self, organizer: str, rows: Sequence[Row], **how: str) -> None:
        """As a file."""
        content = as_csv(rows, columns=list(rows[0]))
        await self._told(await self._send(organizer, how, {"Content-Type": "text/csv"}, content=content))

    async def send_a_form(self, organizer: str, rows: Sequence[Row], *, is_tried: bool, **how: str) -> None:
        """As a spreadsheet that a form uploads; again, where it would move so many that somebody has to look. With
        `is_tried` a dry run comes first, and has foreseen what comes of each row.
        """
        content = as_xlsx(rows, columns=list(rows[0]))
        form = {"files": {"file": ("daftar.xlsx", content, Xlsx.media)}}
        foreseen = await self._send(organizer, how | {"dryRun": "true"}, {}, **form) if is_tried else None
        job = await self._send(organizer, how, {}, **form)
        if foreseen is not None:
            assert foreseen.failure == job.failure
        if job.failure is not None:
            self.refused(job.failure.code)
            job = await self._send(organizer, how | {"evenThough": "true"}, {}, **form)
        if foreseen is not None:
            assert await verdicts(self.world, foreseen) == await verdicts(self.world, job)
        await self._told(job)

    async def _send(self, organizer: str, how: dict[str, str], headers: dict[str, str], **body: Any) -> Job:
        token = await self.api.token(COORDINATOR.get(organizer, organizer))
        answer = await self.api.http.post(
            "/import", params=how, headers={"Authorization": f"Bearer {token}", **headers}, **body
        )
        assert answer.status_code == 202, answer.text
        return await worked_off(self.world)

    async def _told(self, job: Job) -> None:
        assert job.failure is None, job.failure
        for _, _, code in await verdicts(self.world, job):
            if code is not None:
                self.refused(code)

    # --- the clock ----------------------------------------------------------------------------------------------------

    async def sweep(self) -> sweep.Swept:
        if time.monotonic() > self.tokens_until:
            # Many people take longer to live through a season than a token lives.
            self.api.tokens.clear()
            self.tokens_until = time.monotonic() + signing.LIFETIME_SECONDS / 2
        # The servers were up all the time that the clock was moved over.
        await self.world.run("UPDATE heartbeat SET at = :at", at=self.now)
        swept = await sweep.sweep(self.served, self.now)
        for halt in swept.halted:
            await self.ask("hubdat", ALLOW, whose=halt.organizer, ends=halt.ends, until=halt.until.isoformat())
        return replace(await sweep.sweep(self.served, self.now), halted=swept.halted) if swept.halted else swept


def route_name(organizer: str, direction: str, more: str = "PASSENGER") -> str:
    ways = "Monas - Tirtonadi" if direction == "MUDIK" else "Tirtonadi - Monas"
    return f"{organizer} {ways}{ {'MOTORCYCLE': ' motor', SECOND_BUS: ' bus kedua'}.get(more, '') }"


def row_of(party: Party, person: Person, direction: str, code: int, **changes: str) -> Row:
    ends = [("Monas", "Kota Jakarta Pusat"), ("Terminal Tirtonadi", "Kota Surakarta")]
    (origin, origin_city), (destination, city) = ends if direction == "MUDIK" else reversed(ends)
    return {
        "data_nik": party.written(person),
        "data_pemesan": person.name,
        "rute_perjalanan": route_name(party.organizer, direction, party.bus if direction == "MUDIK" else "PASSENGER"),
        "keberangkatan_terminal": origin,
        "tujuan_terminal": destination,
        "kota_keberangkatan": origin_city,
        "kota_tujuan": city,
        "tipe_keberangkatan": f"Arus {direction.lower()}",
        "tanggal_pendaftaran": party.registers_at.astimezone(WIB).strftime("%Y-%m-%d %H:%M:%S"),
        "status_pemesanan_tittle": "",
        "status_pemesanan_code": str(code),
        "source": party.organizer,
        "kode_booking": party.reference,
    } | changes


@asynccontextmanager
async def built(database_url: str, server_url: str, home: Path, people: int) -> AsyncIterator[Stage]:
    given = {"database_url": SecretStr(server_url), "home": home, "public_url": ISSUER, "duties": False}
    settings = Settings().model_copy(update=given)
    vault = open_vault(settings, create=True)
    database, served = Database(database_url), Database(server_url)
    application = create_app(settings)
    with pytest.MonkeyPatch.context() as patch:
        # One heartbeat as the server starts. `Stage.sweep` goes on, by the clock that is moved.
        patch.setattr(outages, "BEATS_EVERY_SECONDS", 1e6)
        async with _served(application, vault, database, served, people) as stage:
            yield stage
    await database.dispose()
    await served.dispose()


@asynccontextmanager
async def _served(
    application: Starlette, vault: Vault, database: Database, served: Database, people: int
) -> AsyncIterator[Stage]:
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as http,
    ):
        stage = Stage(World(database, vault), served, Api(http, database))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.clock.now", lambda: stage.now)
            await _declare(stage, people)
            yield stage


async def _declare(stage: Stage, people: int) -> None:
    async with stage.world.database.transaction() as session:
        loaded = await season_file.load(session, HUBDAT, TABLE, stage.now)
    assert loaded.errors == ()
    for member in MEMBERS[:1]:
        await _saved(stage, code=member.code, name=member.name, coordinator=member.coordinator)
    for organizer, scheme in SCHEMES.items():
        found = await stage.api.data("query ($code: ID!) { organizer(code: $code) { name } }", {"code": organizer})
        await _saved(stage, code=organizer, name=found["organizer"]["name"], schemes=[scheme])
    await _saved(stage, code="hubdat", name="Ditjen Hubdat", policy={"verifyWithinDays": VERIFY_WITHIN_DAYS["hubdat"]})
    for organizer, (first, last) in SECOND_WAVE.items():
        opens, closes = (datetime.combine(day, datetime.min.time(), WIB) for day in (first, last + timedelta(days=1)))
        await stage.ask(
            "hubdat",
            "mutation ($input: WindowInput!) { saveWindow(input: $input) { ... on Problem { code message } } }",
            input={"organizer": organizer, "opensAt": opens.isoformat(), "closesAt": closes.isoformat()},
        )
    terminals = [
        {"code": one.code, "name": one.name, "city": one.city, "kind": str(one.kind)}
        for one in TERMINALS
        if one.code in {"monas", "tirtonadi"}
    ]
    await stage.ask(
        "hubdat",
        "mutation ($inputs: [TerminalInput!]!) { saveTerminals(inputs: $inputs) { ... on Problem { code } } }",
        inputs=terminals,
    )
    for organizer in WINDOWS:
        await _declare_routes(stage, organizer, people)


async def _saved(stage: Stage, **given: Any) -> None:
    answer = await stage.ask(
        "hubdat",
        "mutation ($input: OrganizerInput!) { saveOrganizer(input: $input) { ... on Problem { code message } } }",
        input=given,
    )
    assert answer == {}, answer


async def _declare_routes(stage: Stage, organizer: str, people: int) -> None:
    """One way home and one way back. A tenth of the people want to travel with each organizer. DJKA lacks seats."""
    quota = max(4, people // (30 if organizer == "djka" else 7))
    several = {"hubdat": ("PASSENGER", "MOTORCYCLE"), **dict.fromkeys(WITH_A_SECOND_BUS, ("PASSENGER", SECOND_BUS))}
    inputs = [
        {
            "name": route_name(organizer, direction, which),
            "direction": direction,
            "service": "MOTORCYCLE" if which == "MOTORCYCLE" else "PASSENGER",
            "mode": "TRUCK" if which == "MOTORCYCLE" else "BUS",
            "origin": "monas" if direction == "MUDIK" else "tirtonadi",
            "destination": "tirtonadi" if direction == "MUDIK" else "monas",
            "departsAt": (LEAVES_HOME if direction == "MUDIK" else COMES_BACK).isoformat(),
            "quota": quota,
            **({"organizer": organizer} if organizer in COORDINATOR else {}),
        }
        for direction in ("MUDIK", "BALIK")
        for which in several.get(organizer, ("PASSENGER",))
    ]
    answers = await stage.ask(
        organizer,
        """mutation ($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) {
            ... on Route { id name } ... on Problem { code message } } }""",
        inputs=inputs,
    )
    for one in answers:
        stage.world.routes[one["name"]] = UUID(one["id"])
