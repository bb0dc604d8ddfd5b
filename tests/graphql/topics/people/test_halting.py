"""`sweepHalts` and `allowSweep`: Hubdat sees whose people wait, and says that they may end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.registry.halts import MOST_PEOPLE
from tests.graphql.conftest import Api
from tests.world import HUBDAT, World, someone

pytestmark = pytest.mark.anyio

DEADLINE = datetime(2026, 3, 9, 17, 0, tzinfo=UTC) - timedelta(microseconds=1)
LATER = DEADLINE + timedelta(hours=1)
MANY = MOST_PEOPLE + 1
SEEN = "{ sweepHalts { organizer { code } ends people holders until since allowedUntil } }"
WORD = """mutation ($until: DateTime!, $ends: RegistrantStatus! = FORFEITED, $organizer: ID! = "hubdat") {
    allowSweep(organizer: $organizer, ends: $ends, until: $until, reason: "Sudah diperiksa") {
        ... on SweepHalt { people allowedUntil } ... on Problem { code field } } }"""


@pytest.fixture
async def halted(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    route = await world.route()
    await world.submit(*(someone(HUBDAT, route, number) for number in range(MANY)))
    monkeypatch.setattr("app.clock.now", lambda: LATER)
    await world.sweep(LATER)
    return world


async def test_hubdat_sees_the_halt_and_gives_its_word(halted: World, api: Api) -> None:
    [seen] = (await api.data(SEEN))["sweepHalts"]
    until = seen.pop("until")
    assert datetime.fromisoformat(until) == DEADLINE
    assert datetime.fromisoformat(seen.pop("since")) == LATER
    told = {"ends": "FORFEITED", "people": MANY, "holders": MANY, "allowedUntil": None}
    assert seen == {"organizer": {"code": "hubdat"}, **told}
    assert (await api.data(WORD, {"until": until}))["allowSweep"] == {"people": MANY, "allowedUntil": until}
    assert (await halted.sweep(LATER)).forfeited == MANY
    assert (await api.data(SEEN))["sweepHalts"] == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"until": "2100-01-01T00:00:00Z"}, {"code": "INVALID_VALUE", "field": "until"}),
        ({"ends": "DEPARTED"}, {"code": "INVALID_VALUE", "field": "ends"}),
        ({"ends": "NO_SHOW"}, {"code": "NOT_FOUND", "field": "organizer"}),
        ({"organizer": "djka"}, {"code": "NOT_FOUND", "field": "organizer"}),
    ],
)
async def test_what_does_not_halt_is_not_allowed(
    halted: World, api: Api, changes: dict[str, str], problem: dict[str, str]
) -> None:
    assert len((await api.data(SEEN))["sweepHalts"]) == 1  # Its token is there: that is a change of the log.
    async with halted.unchanged("sweep_halt", "change"):
        answer = await api.data(WORD, {"until": DEADLINE.isoformat()} | changes)
    assert answer["allowSweep"] == problem
