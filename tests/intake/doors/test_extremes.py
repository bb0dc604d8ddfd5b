"""Every parameter of every path with its extremes: a refusal that tells what is wrong, or an answer. Never a bug.

The paths are those of the application. So a new path is in the test by itself, and fails until its parameters are here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.intake.doors import consolidation, doors, export, webhook
from app.intake.imports import imports
from tests.graphql.conftest import ISSUER
from tests.intake.knocking import Doors, opened
from tests.registry.rows.records import record
from tests.world import HUBDAT, World, nik_of, someone

pytestmark = pytest.mark.anyio

TEXTS = (
    "",
    " ",
    "\x00",
    "\n",
    "१२",
    "%",
    "'",
    "-1",
    "0",
    "1e9",
    "2147483647",
    "2147483648",
    "9" * 30,
    "9" * 5_000,
    "0001-01-01",
    "1900-01-01",
    "2199-12-31",
    "9999-12-31",
    "2026-02-30",
    "2026-W53-7",
    "x" * 5_000,
    "00000000-0000-0000-0000-000000000000",
)
PARAMETERS: dict[str, frozenset[str]] = {
    "/consolidation/{date}": frozenset(consolidation.PARAMETERS),
    "/export.xlsx": frozenset(export.PARAMETERS),
    "/export.csv": frozenset(export.PARAMETERS),
    "/export.jsonl": frozenset(export.PARAMETERS),
    "/import": frozenset(imports.PARAMETERS),
    "/import/{id}": frozenset(),
    "/import/{id}/result.{format}": frozenset(),
    "/import/{id}/cancel-missing": frozenset(imports.CANCEL_PARAMETERS),
    "/webhook/pemudik": frozenset(webhook.PARAMETERS),
    "/legacy/cek-nik": frozenset(),
    "/metrics": frozenset(),
    "/template.xlsx": frozenset(),
    "/data/{season}/{file}": frozenset(),
}
PLAIN = {
    "date": "2026-03-02",
    "id": "00000000-0000-0000-0000-000000000000",
    "format": "xlsx",
    "season": "2026",
    "file": "metadata.json",
}
BODY = b"data_nik;data_pemesan\n"


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    async with opened(world) as api:
        yield api


async def test_every_path_is_tried(api: Doors) -> None:
    callers = build_callers(api.database, SigningKeys(lambda: api.process.vault.signing), ISSUER)
    assert {one.path for one in doors.routes(api.process, callers, Settings())} == PARAMETERS.keys()


@pytest.mark.parametrize("path", sorted(PARAMETERS))
async def test_no_parameter_has_a_value_that_is_a_bug(api: Doors, world: World, path: str) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    in_path = [name for name in PLAIN if f"{{{name}}}" in path]
    for text in TEXTS:
        for name in in_path:
            await _fine(api, _filled(path, **{name: quote(text, safe="")}))
        for name in PARAMETERS[path] or {"anything"}:
            await _fine(api, f"{_filled(path)}?{name}={quote(text, safe='')}")


@pytest.mark.parametrize("path", sorted(PARAMETERS))
async def test_a_parameter_that_is_unknown_is_refused_at_every_door(api: Doors, world: World, path: str) -> None:
    await world.route()
    await api.token()
    async with world.unchanged():
        answers = [
            await api.send(f"{_filled(path)}?drYRun=true", record(), method=method, Accept_Language="en")
            for method in ("GET", "POST")
        ]
    # Most addresses have one of the two methods.
    refused, other = sorted(answers, key=lambda answer: answer.status_code)
    assert other.status_code in {400, 405}
    known = ", ".join(sorted(PARAMETERS[path]))
    there = f"The parameters are: {known}." if known else "This address takes no parameters."
    told = f"There is no parameter drYRun. {there}"
    assert refused.status_code == 400
    assert refused.json() == {"error": {"code": "BAD_REQUEST", "message": told, "field": "drYRun"}}
    assert refused.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", sorted(path for path, names in PARAMETERS.items() if names))
async def test_a_parameter_that_is_there_twice_is_refused_at_every_door(api: Doors, world: World, path: str) -> None:
    """`?dryRun=true&dryRun=false` must not do for real what the first one rehearses. A list may be written in parts."""
    await api.token()
    for name in PARAMETERS[path] - {"covers"}:
        async with world.unchanged():
            address = f"{_filled(path)}?{name}=true&{name}=false"
            answers = [await api.send(address, record(), method=method) for method in ("GET", "POST")]
        refused, _ = sorted(answers, key=lambda answer: answer.status_code)
        told = f"Parameter {name} ada lebih dari sekali; kirim satu saja."
        assert refused.json() == {"error": {"code": "BAD_REQUEST", "message": told, "field": name}}


@pytest.mark.parametrize("name", [nik_of(1), "Budi Santoso", "x" * 41, "\x00"])
async def test_a_parameter_that_could_be_personal_is_not_repeated(api: Doors, name: str) -> None:
    answer = await api.send(f"/webhook/pemudik?{quote(name, safe='')}=1", record())
    told = "Sebuah parameter tidak dikenal. Parameter yang ada: asOf, changes. Hapus atau perbaiki namanya."
    assert answer.json() == {"error": {"code": "BAD_REQUEST", "message": told, "field": None}}


def _filled(path: str, **named: str) -> str:
    for name, value in (PLAIN | named).items():
        path = path.replace(f"{{{name}}}", value)
    return path


async def _fine(api: Doors, address: str) -> None:
    for method in ("GET", "POST"):
        answer = await api.send(address, BODY, method=method, Content_Type="text/csv")
        assert answer.status_code < 500, (method, address[:200])
