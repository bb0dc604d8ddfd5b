from __future__ import annotations

import pytest

from app.registry.statistics.counting import NOTHING, Cell, Counts, by, total


def test_people_are_those_who_hold_a_seat_and_those_who_gave_it_back() -> None:
    counts = Counts(registered=1, verified=2, departed=4, forfeited=8, cancelled=16, no_show=32)
    assert (counts.taken, counts.seats_returned, counts.people) == (39, 24, 63)


@pytest.mark.parametrize(
    ("counts", "remaining", "fill"),
    [
        (NOTHING, None, None),
        (Counts(quota=0), 0, None),
        (Counts(quota=4), 4, 0.0),
        (Counts(quota=4, seated=3), 1, 0.75),
        (Counts(quota=4, seated=4), 0, 1.0),
    ],
)
def test_seats_that_are_left(counts: Counts, remaining: int | None, fill: float | None) -> None:
    assert (counts.remaining, counts.fill) == (remaining, fill)


def test_the_unlimited_adds_people_and_no_seats() -> None:
    limited, unlimited = Counts(registered=1, ever_verified=1, quota=2, seated=1), Counts(registered=5)
    assert total([limited, unlimited]) == Counts(registered=6, ever_verified=1, quota=2, seated=1)
    assert total([unlimited, unlimited]).quota is None
    assert total([]) == NOTHING


def test_parts_come_in_the_order_of_their_names() -> None:
    cells = [
        Cell("b", "MUDIK", "PASSENGER", Counts(registered=1)),
        Cell("a", "MUDIK", "PASSENGER", Counts(registered=2)),
        Cell("b", "BALIK", "PASSENGER", Counts(registered=4)),
    ]
    parts = by(lambda cell: cell.organizer, cells)
    assert [(name, counts.registered) for name, counts in parts.items()] == [("a", 2), ("b", 5)]
