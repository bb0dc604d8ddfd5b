"""Checks are counted by verdict and organizer, and an alarm is raised once in a while, without a NIK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from app import alarm
from app.db import Database
from app.errors import NikInvalid, TooManyChecks, Unavailable
from app.models.enums import NikOutcome
from app.registry.niks.check import Answer, Check
from app.registry.niks.enumeration import AGAIN_AFTER, Sign
from tests.metrics.conftest import fresh
from tests.metrics.test_page import value
from tests.world import DKI, NOW, World, nik_of


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    fresh()
    yield
    fresh()


def answer(number: int, outcome: str = "AVAILABLE") -> Answer:
    return Answer(
        nik=nik_of(number),
        outcome=NikOutcome(outcome),
        asked=(),
        held=(),
        is_partial=False,
        needs_outbound=True,
        standing=(),
        block=None,
        warnings=(),
        outbound_stands=None,
    )


def raised(sign: str = "walking") -> float | None:
    return value("pemudik_enumeration_alarms_total", organizer="dishub-dki", sign=sign)


def test_verdicts_are_counted() -> None:
    answers: list[Answer | NikInvalid | TooManyChecks] = [
        answer(1),
        answer(500, "BLOCKED"),
        NikInvalid("-", "-"),
        TooManyChecks(1),
        answer(900, "BLOCKED"),
    ]
    alarm.count_checks([Check(DKI, "")] * 5, answers)
    for code, times in {"AVAILABLE": 1, "BLOCKED": 2, "NIK_INVALID": 1, "TOO_MANY_CHECKS": 1}.items():
        assert value("pemudik_verdicts_total", of="nik_check", code=code, organizer="dishub-dki") == times


@pytest.mark.anyio
async def test_an_alarm_is_raised_once_an_hour_and_names_nobody(world: World) -> None:
    await world.run("INSERT INTO heartbeat (id, at) VALUES (1, :now)", now=NOW)
    await world.check(*[Check(DKI, nik_of(number)) for number in range(50)])
    later = NOW + timedelta(minutes=1)
    with capture_logs() as logged:
        for at in (later, later + timedelta(minutes=10)):
            await alarm.look(world.database, at, cuts=False)
        await world.check(*[Check(DKI, nik_of(number)) for number in range(30)], now=NOW + AGAIN_AFTER)
        await alarm.look(world.database, later + AGAIN_AFTER, cuts=False)
    assert raised() == 2
    said = {"event": "enumeration.alarm", "log_level": "warning", "organizer": "dishub-dki", "sign": "walking"}
    assert logged == [said | {"niks": 50}, said | {"niks": 30}]


@pytest.mark.anyio
async def test_the_access_log_is_looked_into_again_and_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, looks = asyncio.Event(), 0

    async def look(_: Database, now: datetime, *, cuts: bool) -> list[Sign]:
        nonlocal looks
        looks += 1
        assert cuts
        if looks == 1:
            raise Unavailable
        if looks == 3:
            stop.set()
        return []

    monkeypatch.setattr(alarm, "look", look)
    monkeypatch.setattr(alarm, "ASK_EVERY_SECONDS", 0.001)
    with capture_logs() as logged:
        await alarm.keep(database, stop, cuts=True)
    assert [line["event"] for line in logged] == ["enumeration.unavailable"]
    assert looks == 3
