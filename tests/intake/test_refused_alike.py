"""Used up, the allowance leaves one refusal for every NIK that cannot be registered: that another organizer holds it,
and that it is blocked, are told in the same bytes by every door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from app.registry.niks import allowance, blocks
from tests.intake.knocking import Doors, opened
from tests.intake.lists import as_csv, as_xlsx, row, worked_off
from tests.privacy.learning import CHANGING
from tests.world import DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HELD, BLOCKED = 1, 2
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
REFUSED = (
    "NIK ini belum dapat didaftarkan. Jatah pemeriksaan NIK penyelenggara hari ini sudah habis; coba lagi setelah"
    " 3 Maret 2026 pukul 00.00 WIB."
)
SUBMIT = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
    __typename ... on Problem { code field message retryAfter standing { organizer { code } } } } }"""
SUBMIT_BOOKING = """mutation ($input: SubmitBooking!) { submitBooking(input: $input) { __typename
    ... on RefusedBooking { problems { code field message retryAfter standing { organizer { code } } } }
    ... on Problem { code } } }"""


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    """Somebody is registered with DJKA, somebody is blocked, and DKI may learn of nobody."""
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), HELD))
    await world.database.attempt(
        lambda session: blocks.block(session, world.vault, HUBDAT, nik_of(BLOCKED), "Data palsu", 1, NOW)
    )
    await world.route(organizer="dishub-dki", quota=9)
    await world.database.attempt(lambda session: allowance.set_per_day(session, HUBDAT, DKI.organizer, 0, "Rapat", NOW))
    async with opened(world) as api:
        await api.token(DKI.organizer)
        yield api


def rows_of(number: int) -> list[dict[str, str]]:
    return [row(1) | {"data_nik": nik_of(number), "source": "DISHUB-DKI"}]


def input_of(world: World, number: int) -> dict[str, Any]:
    route = str(world.routes["Jakarta - Solo"])
    return {"nik": nik_of(number), "name": "Warga 1", "routeId": route, "identityDocument": "KTP"}


async def an_array(api: Doors, world: World, number: int) -> str:
    return (await api.send("/webhook/pemudik", rows_of(number), organizer=DKI.organizer)).text


async def a_csv(api: Doors, world: World, number: int) -> str:
    return await a_file(api, world, as_csv(rows_of(number)), CSV)


async def an_xlsx(api: Doors, world: World, number: int) -> str:
    return await a_file(api, world, as_xlsx(rows_of(number)), XLSX)


async def a_file(api: Doors, world: World, content: bytes, media: str) -> str:
    """The job, and its result in both formats."""
    sent = await api.send("/import", content, organizer=DKI.organizer, Content_Type=media)
    assert sent.status_code == 202, sent.text
    id_ = UUID(sent.json()["id"])
    assert (await worked_off(world)).id == id_
    job, csv, xlsx = [
        await api.send(f"/import/{id_}{what}", b"", organizer=DKI.organizer, method="GET")
        for what in ("", "/result.csv", "/result.xlsx")
    ]
    book = openpyxl.load_workbook(BytesIO(xlsx.content))
    sheets = {sheet.title: [*sheet.values] for sheet in book}
    return f"{job.text}\n{csv.text}\n{sheets}"


async def a_submission(api: Doors, world: World, number: int) -> str:
    given = {"input": input_of(world, number)}
    return (await api.post(SUBMIT, given, organizer=DKI.organizer)).text


async def a_booking(api: Doors, world: World, number: int) -> str:
    given = {"input": {"reference": "KB-1", "registrants": [input_of(world, number)]}}
    return (await api.post(SUBMIT_BOOKING, given, organizer=DKI.organizer)).text


DOORS: dict[str, Callable[[Doors, World, int], Awaitable[str]]] = {
    "an array of the webhook": an_array,
    "a csv": a_csv,
    "an xlsx": an_xlsx,
    "submitRegistrant": a_submission,
    "submitBooking": a_booking,
}


@pytest.mark.parametrize("door", DOORS)
async def test_whether_a_nik_is_registered_or_blocked_is_not_told(api: Doors, world: World, door: str) -> None:
    told = []
    for number in (HELD, BLOCKED):
        # After as many refusals again as the allowance allows, nobody is answered at all.
        await world.run("UPDATE nik_allowance SET withheld = 0")
        answer = await DOORS[door](api, world, number)
        assert "NIK_UNDECIDED" in answer
        assert REFUSED in answer
        told.append(CHANGING.sub("…", answer).replace(nik_of(number), "NIK"))
    assert told[0] == told[1]
    assert await world.one("SELECT count(*) FROM registrant WHERE organizer_code = 'dishub-dki'") == 0
