"""The NIK block: issued with a reason for some seasons, visible at once, lifted with a reason."""

from datetime import date, timedelta
from typing import Any

import pytest

from app.errors import NotFound, RefusalError
from app.registry.caller import Caller
from app.registry.niks import blocks
from app.registry.niks.blocks import StandingBlock
from app.registry.niks.check import Check
from app.registry.registrants.submission import Accepted
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(hours=1)


async def block(world: World, nik: str, reason: str = "Data palsu", seasons: int = 1, caller: Caller = HUBDAT) -> Any:
    return await world.database.attempt(
        lambda session: blocks.block(session, world.vault, caller, nik, reason, seasons, NOW)
    )


async def lift(world: World, nik: str, reason: str = "Keberatan diterima", caller: Caller = HUBDAT) -> Any:
    return await world.database.attempt(lambda session: blocks.lift(session, world.vault, caller, nik, reason, LATER))


async def test_a_block_has_a_reason_an_issuer_and_a_range_of_seasons(world: World) -> None:
    assert await block(world, nik_of(1), "  Data   palsu ", 3) == StandingBlock("Data palsu", NOW, 2028)
    assert await world.run(
        """SELECT nik_index, reason, from_season, until_season, since, organizer_code, client_id, registrant_id,
                  lifted_at, lifted_by, lift_reason FROM nik_block"""
    ) == [
        (
            world.vault.blind_index(nik_of(1)),
            "Data palsu",
            2026,
            2028,
            NOW,
            "hubdat",
            "hubdat-test",
            None,
            None,
            None,
            None,
        )
    ]
    facts = {"untilSeason": 2028, "block": await world.one("SELECT id::text FROM nik_block")}
    assert await world.changes("kind, season, organizer_code, registrant_id, client_id, reason, facts") == [
        ("NIK_BLOCKED", 2026, "hubdat", None, "hubdat-test", "Data palsu", facts)
    ]


async def test_this_season_is_the_newest_open_one(world: World) -> None:
    await world.season(2027, date(2027, 4, 30))
    assert (await block(world, nik_of(1))).until_season == 2027
    await world.close(2027)
    assert (await block(world, nik_of(2), seasons=10)).until_season == 2035


@pytest.mark.parametrize(
    ("changes", "code", "field", "english"),
    [
        (
            {"nik": "1"},
            "NIK_INVALID",
            "nik",
            "The NIK is not valid: it must have 16 digits, as on the identity document.",
        ),
        ({"reason": " "}, "INVALID_VALUE", "reason", "A reason of 1 to 500 characters."),
        ({"seasons": 0}, "INVALID_VALUE", "seasons", "Seasons are 1 to 10."),
        ({"seasons": 11}, "INVALID_VALUE", "seasons", "Seasons are 1 to 10."),
    ],
)
async def test_what_is_no_block_is_refused(
    world: World, changes: dict[str, Any], code: str, field: str, english: str
) -> None:
    async with world.unchanged():
        refused = await block(world, **({"nik": nik_of(1)} | changes))
    assert (refused.code, refused.field, refused.message("en")) == (code, field, english)


async def test_seasons_out_of_range_are_told_in_indonesian(world: World) -> None:
    assert (await block(world, nik_of(1), seasons=0)).message("id") == "Lama blokir 1 sampai 10 periode."


async def test_a_registration_that_stands_is_left_alone(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    async with world.unchanged("registrant", "route"):
        await block(world, nik_of(1))
    [answer] = await world.check(Check(DJKA, nik_of(1)))
    assert (answer.outcome, answer.block) == ("BLOCKED", StandingBlock("Data palsu", NOW, 2026))
    assert await world.status(one.id) == "REGISTERED"


async def test_a_lifted_block_blocks_no_more(world: World) -> None:
    route = await world.route()
    await block(world, nik_of(1), "Data palsu", 1)
    await block(world, nik_of(1), "Gugur", 2)
    await block(world, nik_of(2))
    [refused] = await world.submit(someone(HUBDAT, route))
    assert refused.until_season == 2027
    assert await lift(world, nik_of(1), " Keberatan  diterima ") == StandingBlock("Gugur", NOW, 2027)
    assert await world.run("SELECT reason, lifted_at, lifted_by, lift_reason FROM nik_block ORDER BY since, id") == [
        ("Data palsu", LATER, "hubdat-test", "Keberatan diterima"),
        ("Gugur", LATER, "hubdat-test", "Keberatan diterima"),
        ("Data palsu", None, None, None),
    ]
    assert (await world.changes("kind, season, organizer_code, client_id, reason, at"))[-1] == (
        "NIK_BLOCK_LIFTED",
        2026,
        "hubdat",
        "hubdat-test",
        "Keberatan diterima",
        LATER,
    )
    verdicts = await world.submit(someone(HUBDAT, route, 1), someone(HUBDAT, route, 2))
    assert isinstance(verdicts[0], Accepted)
    assert verdicts[1].code == "NIK_BLOCKED"


async def test_there_must_be_a_block_to_lift(world: World) -> None:
    await block(world, nik_of(1))
    await lift(world, nik_of(1))
    await world.season(2027, date(2027, 4, 30))
    await world.run("UPDATE nik_block SET lifted_at = NULL")
    async with world.unchanged():
        expired = await lift(world, nik_of(1))
        unknown = await lift(world, nik_of(2))
    assert [(one.code, one.field) for one in (expired, unknown)] == [("NOT_FOUND", "nik")] * 2


async def test_a_lift_needs_a_nik_and_a_reason(world: World) -> None:
    await block(world, nik_of(1))
    async with world.unchanged():
        invalid = await lift(world, "1")
        unexplained = await lift(world, nik_of(1), "")
    assert [(one.code, one.field) for one in (invalid, unexplained)] == [
        ("NIK_INVALID", "nik"),
        ("INVALID_VALUE", "reason"),
    ]


async def test_without_an_open_season_there_is_nothing_to_block_for(world: World) -> None:
    await world.close()
    async with world.unchanged():
        for call in (block(world, nik_of(1)), lift(world, nik_of(1))):
            with pytest.raises(RefusalError) as caught:
                await call
            assert caught.value.refusal == NotFound("season", what="openSeason")
