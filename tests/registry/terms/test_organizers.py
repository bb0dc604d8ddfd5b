"""Organizers: one level of coordination, names of their own, and a policy that is amended in part."""

from datetime import timedelta
from typing import Any

import pytest

from app.errors import InvalidValue, NotFound, SeasonClosed
from app.registry.terms import organizers, policy, seasons, windows
from app.registry.terms.organizers import DateRange, Organizer, OrganizerInput
from app.registry.terms.policy import PolicyInput
from app.registry.terms.windows import WindowInput
from tests.world import HUBDAT, NOW, World

pytestmark = pytest.mark.anyio


async def saved(world: World, given: OrganizerInput, season: int = 2026) -> Any:
    async with world.database.transaction() as session:
        return await organizers.save(session, HUBDAT, given, season, NOW)


async def test_reading_in_the_order_asked_for(world: World) -> None:
    async with world.database.transaction() as session:
        await windows.save(
            session,
            HUBDAT,
            WindowInput(organizer="djka", opens_at=NOW, closes_at=NOW + timedelta(days=2), kind="VERIFICATION"),
            2026,
            NOW,
        )
        found = await organizers.by_codes(session, ["jasa-raharja", "nobody", "djka", "djka"], 2026)
        everyone = await organizers.all_of(session, 2026)
    coordinator, nobody, djka, again = found
    assert coordinator is not None
    assert (coordinator.coordinator, coordinator.members) == (None, ("bumn-satu",))
    assert nobody is None
    assert djka == again
    assert djka is not None
    assert [window.opens_at for window in djka.windows] == [NOW - timedelta(days=29)]
    assert djka.verification == (DateRange(NOW, NOW + timedelta(days=2)),)
    assert [one.code for one in everyone] == ["bumn-satu", "dishub-dki", "djka", "hubdat", "jasa-raharja"]
    assert everyone[0].coordinator == "jasa-raharja"


async def test_members(world: World) -> None:
    async with world.database.transaction() as session:
        assert await organizers.members_of(session, "jasa-raharja") == {"bumn-satu"}
        assert await organizers.members_of(session, "djka") == frozenset()


async def test_a_new_organizer_has_the_defaults(world: World) -> None:
    organizer = await saved(world, OrganizerInput(code="ahm", name=" AHM  (Honda) "))
    assert organizer == Organizer(
        code="ahm",
        name="AHM (Honda)",
        coordinator=None,
        members=(),
        schemes=("GRAPHQL",),
        windows=(),
        verification=(),
        policy=policy.DEFAULT,
    )
    assert await world.run("SELECT kind, organizer_code, client_id, facts FROM change") == [
        (
            "ORGANIZER_SAVED",
            "ahm",
            "hubdat-test",
            {"name": "AHM (Honda)", "coordinator": None, "schemes": ["GRAPHQL"], "was": None},
        )
    ]
    assert await world.count("policy") == 0


async def test_the_same_again_changes_nothing(world: World) -> None:
    given = OrganizerInput(
        code="ahm",
        name="AHM",
        coordinator="jasa-raharja",
        schemes=["NIK_CHECK", "WEBHOOK", "NIK_CHECK"],
        policy=PolicyInput(verify_within_days=3),
    )
    first = await saved(world, given)
    assert first.schemes == ("WEBHOOK", "NIK_CHECK")
    assert first.policy.verify_within_days == 3
    assert await saved(world, given) == first
    assert await saved(world, OrganizerInput(code="ahm", name="AHM")) == first
    assert await world.run("SELECT kind FROM change ORDER BY id") == [("ORGANIZER_SAVED",), ("POLICY_SAVED",)]


async def test_a_policy_is_amended_in_part(world: World) -> None:
    await saved(world, OrganizerInput(code="hubdat", name="HUBDAT", policy=PolicyInput(block_seasons=2)))
    hubdat = await saved(
        world, OrganizerInput(code="hubdat", name="HUBDAT", policy=PolicyInput(verify_within_days=None))
    )
    assert (hubdat.policy.block_seasons, hubdat.policy.verify_within_days, hubdat.policy.return_same_day) == (
        2,
        None,
        True,
    )
    assert await world.count("policy") == 1
    assert await world.run("SELECT kind, season, organizer_code FROM change") == 2 * [("POLICY_SAVED", 2026, "hubdat")]


async def test_a_coordinator_comes_and_goes(world: World) -> None:
    assert (
        await saved(world, OrganizerInput(code="djka", name="DJKA", coordinator="jasa-raharja"))
    ).coordinator == "jasa-raharja"
    assert (await saved(world, OrganizerInput(code="djka", name="Ditjen KA"))).coordinator == "jasa-raharja"
    assert (await saved(world, OrganizerInput(code="djka", name="Ditjen KA", coordinator=None))).coordinator is None


@pytest.mark.parametrize(
    ("code", "coordinator", "refusal", "field"),
    [
        ("djka", "nobody", NotFound, "coordinator"),
        ("djka", "djka", InvalidValue, "coordinator"),
        ("djka", "bumn-satu", InvalidValue, "coordinator"),
        ("jasa-raharja", "hubdat", InvalidValue, "coordinator"),
    ],
)
async def test_one_level_of_coordination(
    world: World, code: str, coordinator: str, refusal: type[NotFound | InvalidValue], field: str
) -> None:
    verdict = await saved(world, OrganizerInput(code=code, name=code.upper(), coordinator=coordinator))
    assert isinstance(verdict, refusal)
    assert verdict.field == field
    assert await world.count("change") == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (OrganizerInput(code="Dishub", name="Dishub"), "code"),
        (OrganizerInput(code="a" * 41, name="Dishub"), "code"),
        (OrganizerInput(code="dishub\n", name="Dishub"), "code"),
        (OrganizerInput(code="dishub", name=" "), "name"),
        (OrganizerInput(code="dishub", name="DJKA"), "name"),
        (OrganizerInput(code="dishub", name="Dishub", schemes=["FAX"]), "schemes"),
        (OrganizerInput(code="dishub", name="Dishub", policy=PolicyInput(block_seasons=0)), "blockSeasons"),
    ],
)
async def test_impossible_organizers(world: World, given: OrganizerInput, field: str) -> None:
    before = await world.run("SELECT * FROM organizer ORDER BY code")
    verdict = await saved(world, given)
    assert isinstance(verdict, InvalidValue)
    assert verdict.field == field
    assert await world.run("SELECT * FROM organizer ORDER BY code") == before
    assert await world.count("change") == 0


async def test_a_policy_needs_an_open_season(world: World) -> None:
    given = OrganizerInput(code="djka", name="Ditjen KA", policy=PolicyInput(block_seasons=2))
    assert isinstance(await saved(world, given, season=2030), NotFound)
    async with world.database.transaction() as session:
        await seasons.close(session, HUBDAT, 2026, NOW)
    assert isinstance(await saved(world, given), SeasonClosed)
    assert await world.one("SELECT name FROM organizer WHERE code = 'djka'") == "DJKA"
    assert (await saved(world, OrganizerInput(code="djka", name="Ditjen KA"))).name == "Ditjen KA"
