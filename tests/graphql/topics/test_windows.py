"""Windows over time: what was amended can be read, and what has not begun can be withdrawn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.registry.terms import seasons
from tests.graphql.conftest import Api
from tests.world import HUBDAT, NOW, World

pytestmark = pytest.mark.anyio

ALL = """query ($organizer: ID) { windows(organizer: $organizer) {
    id season kind opensAt closesAt note amends endedAt savedAt untilQuotaIsFull organizer { code } } }"""
SAVE = """mutation ($input: WindowInput!) { saveWindow(input: $input) {
    ... on Organizer { windows { id opensAt } } ... on Problem { code field } } }"""
WITHDRAW = """mutation ($id: ID!, $reason: String! = "Salah tulis") { withdrawWindow(id: $id, reason: $reason) {
    ... on Organizer { windows { id opensAt } } ... on Problem { code field message } } }"""
TABLES = ("registration_window", "change")


def wave(day: int, **changes: Any) -> dict[str, Any]:
    return {"input": {"organizer": "djka", "opensAt": f"2026-03-{day:02}T08:00:00+07:00", **changes}}


async def windows(api: Api, organizer: str | None = "djka", **how: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.data(ALL, {"organizer": organizer}, **how))["windows"]
    return found


async def test_amendments_can_be_read(api: Api, world: World) -> None:
    """Whoever may call at all reads them: when an organizer registers is no secret."""
    [first] = await windows(api, organizer="djka")
    assert first == {
        "id": first["id"],
        "season": 2026,
        "kind": "REGISTRATION",
        "opensAt": "2026-02-01T02:00:00Z",
        "closesAt": None,
        "note": None,
        "amends": None,
        "endedAt": None,
        "savedAt": "2026-02-01T02:00:00Z",
        "untilQuotaIsFull": False,
        "organizer": {"code": "djka"},
    }
    await api.data(SAVE, wave(4, amends=first["id"], note="Diundur"))
    before, after = await windows(api)
    assert before == first | {"endedAt": "2026-03-02T02:00:00Z"}
    assert (after["amends"], after["endedAt"], after["note"]) == (first["id"], None, "Diundur")
    assert len(await windows(api, None)) == 6


async def test_a_window_is_withdrawn_before_it_begins(api: Api, world: World) -> None:
    saved = (await api.data(SAVE, wave(4)))["saveWindow"]["windows"]
    left = (await api.data(WITHDRAW, {"id": saved[-1]["id"]}))["withdrawWindow"]["windows"]
    assert [one["opensAt"] for one in left] == ["2026-02-01T02:00:00Z"]
    assert [(one["opensAt"], one["endedAt"], one["amends"]) for one in await windows(api)] == [
        ("2026-02-01T02:00:00Z", None, None),
        ("2026-03-04T01:00:00Z", "2026-03-02T02:00:00Z", None),
    ]
    [told] = await world.run(
        "SELECT organizer_code, season, reason, facts FROM change WHERE kind = 'WINDOW_WITHDRAWN' AND client_id <> ''"
    )
    window = {"kind": "REGISTRATION", "opens_at": "2026-03-04T01:00:00+00:00", "closes_at": None}
    assert tuple(told) == (
        "djka",
        2026,
        "Salah tulis",
        {
            "window": saved[-1]["id"],
            **window,
            "withdrawn": True,
            "was": {**window, "withdrawn": False},
        },
    )
    async with world.unchanged(*TABLES):
        again = (await api.data(WITHDRAW, {"id": saved[-1]["id"]}))["withdrawWindow"]
    assert (again["code"], again["message"]) == ("NOT_FOUND", "Jadwal yang berlaku tidak ditemukan; periksa kembali.")


async def test_what_has_begun_is_not_withdrawn(api: Api, world: World) -> None:
    [first] = await windows(api)
    later = (await api.data(SAVE, wave(4)))["saveWindow"]["windows"][-1]["id"]
    async with world.unchanged("registration_window", "change"):
        for given, code, field in (
            ({"id": first["id"]}, "INVALID_VALUE", "id"),
            ({"id": later, "reason": " "}, "INVALID_VALUE", "reason"),
            ({"id": "no id"}, "NOT_FOUND", "id"),
        ):
            problem = (await api.data(WITHDRAW, given))["withdrawWindow"]
            assert (problem["code"], problem["field"]) == (code, field)
    async with world.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2026, NOW)
    async with world.unchanged(*TABLES):
        assert (await api.data(WITHDRAW, {"id": later}))["withdrawWindow"]["code"] == "SEASON_CLOSED"


async def test_a_window_is_amended_or_withdrawn(api: Api, world: World) -> None:
    """Never both, whoever comes first."""
    window = (await api.data(SAVE, wave(4)))["saveWindow"]["windows"][-1]["id"]
    withdrawn, amended = await asyncio.gather(
        api.data(WITHDRAW, {"id": window}), api.data(SAVE, wave(5, amends=window))
    )
    problems = [one for [one] in (withdrawn.values(), amended.values()) if "code" in one]
    assert [one["code"] for one in problems] == ["NOT_FOUND"]
    in_force = [one["opensAt"] for one in await windows(api) if one["endedAt"] is None]
    assert len(in_force) == (2 if "code" in withdrawn["withdrawWindow"] else 1)
