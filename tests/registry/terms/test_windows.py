"""Windows: judged half open at an instant, several waves, and amendments that keep their history."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from app.errors import InvalidValue, NotFound, RegistrationClosed, SeasonClosed
from app.registry.terms import seasons, windows
from app.registry.terms.windows import Window, WindowInput
from tests.world import HUBDAT, NOW, World

DAY = timedelta(days=1)
FIRST = Window(id=uuid7(), opens_at=NOW, closes_at=NOW + DAY)
SECOND = Window(id=uuid7(), opens_at=NOW + 3 * DAY, closes_at=NOW + 4 * DAY)
OPEN_END = Window(id=uuid7(), opens_at=NOW + 6 * DAY, closes_at=None, until_quota_is_full=True)
VERIFICATION = Window(id=uuid7(), opens_at=NOW - DAY, closes_at=NOW + 30 * DAY, kind="VERIFICATION")


@pytest.mark.parametrize(
    ("at", "opens_next"),
    [
        (NOW - timedelta(microseconds=1), NOW),
        (NOW + DAY, NOW + 3 * DAY),
        (NOW + 5 * DAY, NOW + 6 * DAY),
    ],
)
def test_outside_the_next_opening_is_named(at: datetime, opens_next: datetime) -> None:
    refusal = windows.judge([OPEN_END, SECOND, VERIFICATION, FIRST], at)
    assert isinstance(refusal, RegistrationClosed)
    assert refusal.opens_at == opens_next


@pytest.mark.parametrize("at", [NOW, NOW + DAY - timedelta(microseconds=1), NOW + 3 * DAY, NOW + 900 * DAY])
def test_inside_of_any_wave(at: datetime) -> None:
    assert windows.judge([FIRST, SECOND, OPEN_END], at) is None


@pytest.mark.parametrize("waves", [[], [VERIFICATION], [FIRST]])
def test_closed_for_good(waves: list[Window]) -> None:
    refusal = windows.judge(waves, NOW + 2 * DAY)
    assert isinstance(refusal, RegistrationClosed)
    assert refusal.opens_at is None


async def saved(world: World, given: WindowInput, season: int = 2026, now: datetime = NOW) -> object:
    async with world.database.transaction() as session:
        return await windows.save(session, HUBDAT, given, season, now)


async def in_force(world: World, organizer: str = "djka") -> tuple[Window, ...]:
    async with world.database.transaction() as session:
        return (await windows.of(session, 2026, [organizer]))[organizer]


@pytest.fixture
async def bare(world: World) -> World:
    """DJKA has no window yet."""
    await world.run("DELETE FROM registration_window WHERE organizer_code = 'djka'")
    return world


@pytest.mark.anyio
async def test_waves_add_up_and_the_same_again_changes_nothing(bare: World) -> None:
    first = WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + DAY, note=" gelombang  1 ")
    second = WindowInput(organizer="djka", opens_at=NOW + 2 * DAY, until_quota_is_full=True)
    for given in (second, first, first, second):
        assert await saved(bare, given) is None
    waves = await in_force(bare)
    assert [(one.opens_at, one.closes_at, one.until_quota_is_full, one.note, one.kind) for one in waves] == [
        (NOW, NOW + DAY, False, "gelombang 1", "REGISTRATION"),
        (NOW + 2 * DAY, None, True, None, "REGISTRATION"),
    ]
    assert await bare.run("SELECT kind, season, organizer_code, client_id FROM change") == 2 * [
        ("WINDOW_SAVED", 2026, "djka", "hubdat-test")
    ]


@pytest.mark.anyio
async def test_an_amendment_keeps_its_history(bare: World) -> None:
    await saved(bare, WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + DAY))
    (old,) = await in_force(bare)
    longer = WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + 9 * DAY, amends=old.id)
    assert await saved(bare, longer, now=NOW + DAY) is None
    (new,) = await in_force(bare)
    assert (new.opens_at, new.closes_at) == (NOW, NOW + 9 * DAY)
    rows = await bare.run(
        "SELECT id, replaces, superseded_at FROM registration_window WHERE organizer_code = 'djka' ORDER BY saved_at"
    )
    assert rows == [(old.id, None, NOW + DAY), (new.id, old.id, None)]
    assert await saved(bare, longer) is None
    assert await in_force(bare) == (new,)
    assert await bare.one("SELECT facts ->> 'amends' FROM change ORDER BY id DESC LIMIT 1") == str(old.id)
    assert await bare.count("change") == 2


@pytest.mark.anyio
async def test_only_a_window_in_force_can_be_amended(bare: World) -> None:
    await saved(bare, WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + DAY))
    (old,) = await in_force(bare)
    await saved(bare, WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + 2 * DAY, amends=old.id))
    (hubdats,) = await in_force(bare, "hubdat")
    (current,) = await in_force(bare)
    for amends, kind in (
        (old.id, "REGISTRATION"),
        (uuid7(), "REGISTRATION"),
        (hubdats.id, "REGISTRATION"),
        (current.id, "VERIFICATION"),
    ):
        given = WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + 5 * DAY, kind=kind, amends=amends)
        refusal = await saved(bare, given)
        assert isinstance(refusal, NotFound)
        assert refusal.field == "amends"
    assert await in_force(bare) == (current,)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "OTHER"}, "kind"),
        ({"note": "\x07"}, "note"),
        ({"opens_at": NOW.replace(tzinfo=None)}, "opensAt"),
        ({"closes_at": NOW.replace(tzinfo=None)}, "closesAt"),
        ({"closes_at": NOW}, "closesAt"),
        ({"kind": "VERIFICATION"}, "closesAt"),
    ],
)
async def test_impossible_windows(bare: World, change: dict[str, Any], field: str) -> None:
    refusal = await saved(bare, WindowInput(**{"organizer": "djka", "opens_at": NOW, **change}))
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == field
    assert await in_force(bare) == ()
    assert await bare.count("change") == 0


@pytest.mark.anyio
async def test_organizer_and_season_must_be_there_and_open(bare: World) -> None:
    unknown = await saved(bare, WindowInput(organizer="nobody", opens_at=NOW))
    assert isinstance(unknown, NotFound)
    assert unknown.field == "organizer"
    assert isinstance(await saved(bare, WindowInput(organizer="djka", opens_at=NOW), season=2030), NotFound)
    async with bare.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2026, NOW)
    assert isinstance(await saved(bare, WindowInput(organizer="djka", opens_at=NOW)), SeasonClosed)
    assert await in_force(bare) == ()
