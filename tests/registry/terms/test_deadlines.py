"""Deadlines: the end of a day in Jakarta, the end of a verification period, and the day of what arrives late."""

from datetime import UTC, datetime, timedelta

import pytest
from uuid_utils.compat import uuid7

from app.registry.terms import deadlines, periods
from app.registry.terms.deadlines import Deadline
from app.registry.terms.policy import Policy
from app.registry.terms.windows import Window
from tests.world import NOW

INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SEVEN = Policy(verify_within_days=7)
DEADLINE = datetime(2026, 3, 9, 17, 0, tzinfo=UTC) - INSTANT
"""Of whoever registered on 2 March in Jakarta, with seven days."""


def wave(opens: int, closes: int | None) -> Window:
    """Open from the beginning of a day of March to the end of another (WIB)."""
    return Window(id=uuid7(), opens_at=day(opens), closes_at=None if closes is None else day(closes + 1))


def period(opens: int, closes: int) -> Window:
    return Window(id=uuid7(), opens_at=day(opens), closes_at=day(closes + 1), kind="VERIFICATION")


def day(of_march: int) -> datetime:
    return datetime(2026, 3, 1, tzinfo=UTC) - 7 * HOUR + (of_march - 1) * DAY


@pytest.mark.parametrize(
    ("registered_at", "days", "deadline"),
    [
        (datetime(2026, 3, 2, 16, 59, tzinfo=UTC), 7, DEADLINE),
        (datetime(2026, 3, 2, 17, 0, tzinfo=UTC), 7, DEADLINE + DAY),
        (datetime(2026, 3, 1, 17, 0, tzinfo=UTC), 7, DEADLINE),
        (datetime(2026, 3, 2, 16, 59, tzinfo=UTC), 2, DEADLINE - 5 * DAY),
        (datetime(2026, 2, 27, 16, 59, tzinfo=UTC), 3, datetime(2026, 3, 2, 17, 0, tzinfo=UTC) - INSTANT),
    ],
    ids=["23:59 WIB", "00:00 WIB of the next day", "00:00 WIB", "two days", "over the end of February"],
)
def test_the_deadline_is_the_end_of_a_day_in_jakarta(registered_at: datetime, days: int, deadline: datetime) -> None:
    policy = Policy(verify_within_days=days)
    assert deadlines.settle(registered_at, registered_at, policy) == (Deadline(deadline, deadline), None)


def test_without_days_there_is_no_deadline() -> None:
    assert deadlines.settle(NOW, NOW + 300 * DAY, Policy()) == (Deadline(None, None), None)


def test_what_arrives_after_its_own_deadline_gets_a_day() -> None:
    assert deadlines.settle(NOW, DEADLINE, SEVEN) == (Deadline(DEADLINE, DEADLINE), None)
    arrived_at = DEADLINE + INSTANT
    deadline, warning = deadlines.settle(NOW, arrived_at, SEVEN)
    assert deadline == Deadline(arrived_at + DAY, arrived_at + DAY)
    assert warning is not None
    assert (warning.code, warning.message("id"), warning.message("en")) == (
        "DEADLINE_EXTENDED",
        "Data tiba setelah batas verifikasinya; verifikasi dapat dilakukan dalam 24 jam sejak diterima.",
        "The record arrived after its own verification deadline; it can be verified within 24 hours of its arrival.",
    )


# --- verification periods ---------------------------------------------------------------------------------------------

DKI = (wave(1, 12), period(13, 17))
"""As in the ministry's table: the period comes after the registration."""


@pytest.mark.parametrize(
    ("policy", "verify_by", "forfeits_at"),
    [
        (Policy(), 18, None),
        (Policy(forfeit_at_period_end=True), 18, 18),
        (Policy(verify_within_days=7), 10, 10),
        (Policy(verify_within_days=7, forfeit_at_period_end=True), 10, 10),
        (Policy(verify_within_days=20), 18, 23),
        (Policy(verify_within_days=20, forfeit_at_period_end=True), 18, 18),
        (Policy(verify_within_days=7, refuse_early_verification=True), 18, 18),
        (Policy(verify_within_days=12, refuse_early_verification=True), 15, 15),
    ],
)
def test_the_earlier_of_days_and_period(policy: Policy, verify_by: int, forfeits_at: int | None) -> None:
    """Registered on 2 March. H+N that ends before anybody can be verified counts for nothing."""
    settled, warning = deadlines.settle(NOW, NOW, policy, DKI)
    never = None if forfeits_at is None else day(forfeits_at) - INSTANT
    assert (settled, warning) == (Deadline(day(verify_by) - INSTANT, never), None)


def test_what_arrives_after_the_period_gets_a_day_to_be_verified_in() -> None:
    arrived_at = day(18)
    settled, warning = deadlines.settle(NOW, arrived_at, Policy(), DKI)
    assert (settled, warning) == (Deadline(arrived_at + DAY, None), deadlines.DEADLINE_EXTENDED)
    settled, _ = deadlines.settle(NOW, arrived_at, Policy(verify_within_days=30), DKI)
    assert settled == Deadline(arrived_at + DAY, day(33) - INSTANT)


@pytest.mark.parametrize(
    ("registered", "expected"),
    [(day(2), (6, 9)), (day(6) - INSTANT, (6, 9)), (day(10), (15, 17)), (day(14), (15, 17)), (day(15), (15, 17))],
)
def test_each_wave_has_its_period(registered: datetime, expected: tuple[int, int]) -> None:
    waves = (period(15, 17), wave(1, 5), period(6, 9), wave(10, 14))
    found = periods.of(waves, registered)
    assert found is not None
    assert (found.opens_at, found.closes_at) == (day(expected[0]), day(expected[1] + 1))


def test_a_second_wave_is_not_judged_by_the_period_of_the_first() -> None:
    """The first period goes on while the second wave registers."""
    waves = (wave(1, 5), period(6, 12), wave(10, 14), period(15, 17))
    found = periods.of(waves, day(11))
    assert found is not None
    assert found.opens_at == day(15)


@pytest.mark.parametrize("waves", [(wave(1, 30), period(20, 22)), (wave(1, None), period(20, 22)), (period(20, 22),)])
def test_a_period_within_the_registration(waves: tuple[Window, ...]) -> None:
    found = periods.of(waves, day(3))
    assert found is not None
    assert periods.last_instant(found) == day(23) - INSTANT
    assert periods.of(waves, day(23)) is None


def test_without_a_period_there_is_none() -> None:
    assert periods.of((wave(1, 5),), day(3)) is None
    assert periods.of((), day(3)) is None
