"""Several rows of one person who is new: whoever copies a NIK down a column is told what the rows differ in."""

from __future__ import annotations

from typing import Any

import pytest

from app.registry.rows.verdicts import Result, Verdict
from tests.registry.rows.records import pushed, record, state
from tests.world import World

pytestmark = pytest.mark.anyio


def differing(verdict: Verdict) -> list[tuple[str, str | None, str | None]]:
    return [(one.column, one.stored, one.sent) for one in verdict.differences]


async def test_a_nik_that_was_copied_down_is_told(world: World) -> None:
    await world.route()
    await world.route("Bus 2")
    first = record(1, data_pemesan="Siti Aminah", kode_booking="K-1")
    other: dict[str, Any] = {"data_pemesan": "Siti Aminan", "kode_booking": "K-2", "rute_perjalanan": "Bus 2"}
    taken, again, same = await pushed(world, first, first | other, first | {"data_pemesan": "SITI AMINAH"})
    assert [one.result for one in (taken, again, same)] == [Result.NEW, Result.UNCHANGED, Result.UNCHANGED]
    assert differing(again) == [
        ("rute_perjalanan", "Jakarta - Solo", "Bus 2"),
        ("data_pemesan", "Siti Aminah", "Siti Aminan"),
        ("kode_booking", "K-1", "K-2"),
    ]
    assert [one.code for one in again.warnings] == ["ROUTE_DIFFERS"]
    assert (taken.differences, same.differences, same.warnings) == ((), (), ())


async def test_the_history_of_one_person_differs_in_nothing_but_its_status(world: World) -> None:
    await world.route()
    verdicts = await pushed(world, record(1), state(2, 1))
    assert [(one.result, one.status) for one in verdicts] == [(Result.NEW, "REGISTERED"), (Result.UPDATED, "VERIFIED")]
    assert [one.differences for one in verdicts] == [(), ()]


async def test_another_day_of_registration_is_told(world: World) -> None:
    await world.route()
    _, again = await pushed(world, record(1), record(1, tanggal_pendaftaran="2026-03-01 09:00"))
    assert [(column, sent) for column, _, sent in differing(again)] == [
        ("tanggal_pendaftaran", "2026-03-01 09:00:00 WIB")
    ]
    assert [one.code for one in again.warnings] == ["DAY_DIFFERS"]


async def test_other_papers_of_a_motorcycle_are_told(world: World) -> None:
    await world.route("Motis", service="MOTORCYCLE")
    first = record(1, rute_perjalanan="Motis", nomor_polisi="AB 1 CD", nomor_stnk="123")
    _, again = await pushed(world, first, first | {"nomor_polisi": "AB 1 CE"})
    assert differing(again) == [("nomor_polisi", "AB 1 CD", "AB 1 CE")]
