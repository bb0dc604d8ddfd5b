"""A season's bounds: when its routes may leave and its windows may be open. A year that is mistyped is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from app import language as words
from app.clock import start_of_wib_day
from app.errors import InvalidValue, refuses
from app.registry.terms import news

GOES_ON_FOR = timedelta(days=30)
"""After the last day of a season: people still travel back then."""
BEGINS_BEFORE = timedelta(days=390)
"""A window of a season opens at most this long (13 months) before the season's last day."""


@refuses(InvalidValue)
def judge_departure(departs_at: datetime | None, ends_on: date, field: str) -> InvalidValue | None:
    """Refuses a departure that is too late for the season that ends on `ends_on`."""
    if departs_at is None or departs_at < _behind(ends_on):
        return None
    return _too_late(field, ends_on)


@refuses(InvalidValue)
def judge_new(departs_at: datetime | None, now: datetime) -> InvalidValue | None:
    """A new route may have left already. But a list must still be able to tell who was aboard."""
    if departs_at is None or now <= news.heard_by(departs_at, news.MOST_HOURS):
        return None
    return InvalidValue(
        "departsAt",
        "Rute ini sudah lama berangkat, sehingga tidak ada yang dapat didaftarkan; periksa tanggal dan tahunnya.",
        "This route left long ago, so nobody can be registered on it; check its date and year.",
    )


@refuses(InvalidValue)
def judge_window(opens_at: datetime, closes_at: datetime | None, ends_on: date) -> InvalidValue | None:
    """Refuses a window that opens or closes outside the season that ends on `ends_on`."""
    if opens_at < start_of_wib_day(ends_on - BEGINS_BEFORE):
        return InvalidValue(
            "opensAt",
            f"Periode ini berakhir {words.day(ends_on, 'id')}; jadwalnya tidak dibuka lebih dari 13 bulan sebelumnya.",
            f"This season ends on {words.day(ends_on, 'en')}; its windows open no more than 13 months before that.",
        )
    if opens_at >= _behind(ends_on):
        return _too_late("opensAt", ends_on)
    return _too_late("closesAt", ends_on) if closes_at is not None and closes_at > _behind(ends_on) else None


def _behind(ends_on: date) -> datetime:
    """The first instant that is too late for the season that ends on `ends_on`."""
    return start_of_wib_day(ends_on + GOES_ON_FOR + timedelta(days=1))


def _too_late(field: str, ends_on: date) -> InvalidValue:
    days = GOES_ON_FOR.days
    return InvalidValue(
        field,
        f"Periode ini berakhir {words.day(ends_on, 'id')}; waktu ini paling lambat {days} hari sesudahnya.",
        f"This season ends on {words.day(ends_on, 'en')}; this time is at most {days} days after that.",
    )
