"""Policies: the defaults, partial amendments, and the bounds that the table's CHECKs repeat."""

from typing import Any

import pytest

from app.errors import InvalidValue
from app.registry.terms import policy
from app.registry.terms.policy import Policy, PolicyInput
from tests.world import World

DEFAULT = Policy(
    verify_within_days=None,
    block_when_forfeited=True,
    block_seasons=1,
    enforce_window=True,
    return_requires_outbound=True,
    return_same_day=False,
    no_show_after_minutes=120,
    news_grace_hours=None,
    late_arrival_days=2,
    forfeit_at_period_end=False,
    refuse_early_verification=False,
)


def test_hubdat_alone_forfeits_by_default() -> None:
    assert policy.DEFAULT == DEFAULT
    hubdat = policy.DEFAULT_OF_HUBDAT
    assert (hubdat.verify_within_days, hubdat.return_same_day, hubdat.forfeit_at_period_end) == (7, True, True)
    otherwise = PolicyInput(verify_within_days=None, return_same_day=False, forfeit_at_period_end=False)
    assert policy.amended(hubdat, otherwise) == DEFAULT


def test_what_is_not_named_stays() -> None:
    hubdat = policy.DEFAULT_OF_HUBDAT
    assert policy.amended(hubdat, PolicyInput()) == hubdat
    changed = policy.amended(hubdat, PolicyInput(block_seasons=3, enforce_window=False))
    assert isinstance(changed, Policy)
    assert (changed.block_seasons, changed.enforce_window, changed.verify_within_days) == (3, False, 7)


def test_null_gives_the_hours_back_to_the_schemes() -> None:
    decided = policy.amended(DEFAULT, PolicyInput(news_grace_hours=0))
    assert isinstance(decided, Policy)
    assert decided.news_grace_hours == 0
    assert policy.amended(decided, PolicyInput(late_arrival_days=2)) == decided
    assert policy.amended(decided, PolicyInput(news_grace_hours=None)) == DEFAULT


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"verify_within_days": 0}, "verifyWithinDays"),
        ({"verify_within_days": 91}, "verifyWithinDays"),
        ({"block_seasons": 0}, "blockSeasons"),
        ({"block_seasons": 11}, "blockSeasons"),
        ({"no_show_after_minutes": -1}, "noShowAfterMinutes"),
        ({"no_show_after_minutes": 1441}, "noShowAfterMinutes"),
        ({"news_grace_hours": -1}, "newsGraceHours"),
        ({"news_grace_hours": 73}, "newsGraceHours"),
        ({"late_arrival_days": -1}, "lateArrivalDays"),
        ({"late_arrival_days": 91}, "lateArrivalDays"),
        ({"hold_percent": -1}, "holdPercent"),
        ({"hold_percent": 101}, "holdPercent"),
    ],
)
def test_out_of_bounds(change: dict[str, Any], field: str) -> None:
    refusal = policy.amended(DEFAULT, PolicyInput(**change))
    assert isinstance(refusal, InvalidValue)
    assert refusal.field == field


@pytest.mark.anyio
async def test_the_bounds_are_those_of_the_table(world: World) -> None:
    async with world.database.transaction() as session:
        for days, seasons, minutes, hours, late, per_cent in ((1, 1, 0, 0, 0, 0), (90, 10, 1440, 72, 90, 100)):
            change = PolicyInput(
                verify_within_days=days,
                block_seasons=seasons,
                no_show_after_minutes=minutes,
                news_grace_hours=hours,
                late_arrival_days=late,
                hold_percent=per_cent,
            )
            amended = policy.amended(DEFAULT, change)
            assert isinstance(amended, Policy)
            await policy.save(session, 2026, "djka", amended)
            expected = {"djka": amended, "hubdat": policy.DEFAULT_OF_HUBDAT}
            assert await policy.of(session, 2026, ["djka", "hubdat"]) == expected
    assert await world.count("policy") == 1


def test_what_the_database_fills_in_by_itself_is_the_default() -> None:
    """Servers of the release before do not write the columns that came later."""
    from sqlalchemy import DefaultClause
    from sqlmodel import SQLModel

    from app.models.tables.organizer import Policy as StoredPolicy

    columns = SQLModel.metadata.tables[str(StoredPolicy.__tablename__)].columns
    filled = {one.name: str(one.server_default.arg) for one in columns if isinstance(one.server_default, DefaultClause)}
    assert filled == {name: str(getattr(policy.DEFAULT, name)).lower() for name in filled}
    assert {"late_arrival_days", "hold_percent"} <= filled.keys()
