"""Checks are counted by verdict and organizer, and an alarm is raised once in a while, without a NIK."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from app import alarm
from app.alarm import EnumerationWatch
from app.db import Database
from app.errors import NikInvalid, TooManyChecks
from app.models.enums import NikOutcome
from app.registry.caller import Caller
from app.registry.niks import enumeration
from app.registry.niks.check import Answer, Check
from app.registry.niks.enumeration import AGAIN_AFTER, WALK_STEPS, Unfollowed
from tests.metrics.conftest import fresh
from tests.metrics.test_page import value
from tests.world import DKI, NOW, nik_of


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
        needs_outbound=True,
        standing=(),
        block=None,
        warnings=(),
        outbound_stands=None,
    )


def raised(kind: str = "walking") -> float | None:
    return value("pemudik_enumeration_alarms_total", client="dishub-dki-test", organizer="dishub-dki", kind=kind)


def sweep(watch: EnumerationWatch, numbers: range, now: Any = NOW, caller: Caller = DKI) -> None:
    watch.answered([Check(caller, nik_of(n)) for n in numbers], [answer(n) for n in numbers], now)


def test_verdicts_are_counted() -> None:
    answers: list[Answer | NikInvalid | TooManyChecks] = [
        answer(1),
        answer(500, "BLOCKED"),
        NikInvalid("-", "-"),
        TooManyChecks(1),
        answer(900, "BLOCKED"),
    ]
    EnumerationWatch().answered([Check(DKI, "")] * 5, answers, NOW)
    for code, times in {"AVAILABLE": 1, "BLOCKED": 2, "NIK_INVALID": 1, "TOO_MANY_CHECKS": 1}.items():
        assert value("pemudik_verdicts_total", of="nik_check", code=code, organizer="dishub-dki") == times


def test_an_alarm_is_raised_once_an_hour_and_names_nobody() -> None:
    watch = EnumerationWatch()
    with capture_logs() as logged:
        sweep(watch, range(WALK_STEPS))
        assert logged == []
        sweep(watch, range(WALK_STEPS, 2 * WALK_STEPS))
        assert raised() == 1
        sweep(watch, range(100, 200), NOW + AGAIN_AFTER - timedelta(seconds=1))
        assert raised() == 1
        sweep(watch, range(200, 300), NOW + AGAIN_AFTER)
    assert raised() == 2
    expected = {
        "event": "enumeration.alarm",
        "log_level": "warning",
        "client": "dishub-dki-test",
        "organizer": "dishub-dki",
        "kind": "walking",
    }
    assert logged == [expected, expected]


def test_the_command_line_is_not_watched() -> None:
    watch = EnumerationWatch()
    with capture_logs() as logged:
        sweep(watch, range(500), caller=Caller(None, "hubdat"))
    assert logged == []
    assert value("pemudik_verdicts_total", of="nik_check", code="AVAILABLE", organizer="hubdat") == 500


@pytest.mark.anyio
async def test_the_access_log_is_looked_into_again_and_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, looks = asyncio.Event(), 0

    async def unfollowed(*_: object) -> list[Unfollowed]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ConnectionResetError
        if looks == 3:
            stop.set()
        return [Unfollowed("dishub-dki-test", "dishub-dki", 600, 0)]

    monkeypatch.setattr(enumeration, "unfollowed", unfollowed)
    monkeypatch.setattr(alarm, "LOOK_EVERY_SECONDS", 0.001)
    with capture_logs() as logged:
        await EnumerationWatch().keep(database, stop)
    assert [line["event"] for line in logged] == ["enumeration.unavailable", "enumeration.alarm"]
    assert raised("unknown") == 1
