"""Verification periods: when an organizer verifies at its poskos, per wave (S1: 25 to 29 March, 20 to 22 March).

A period is a window of the kind VERIFICATION. The table of S1 has it beside the wave that it belongs to: it ends after
the registration has closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.models.enums import WindowKind
from app.registry.terms.windows import Window

INSTANT = timedelta(microseconds=1)


def of(windows: Sequence[Window], registered_at: datetime) -> Window | None:
    """The period in which a registration is to be verified. None: at any time.

    It is the first period that ends after the registration's wave has closed. If there is none, or the wave has no end,
    it is the first period that ends after the registration.
    """
    wave = _wave(windows, registered_at)
    closed = registered_at if wave is None or wave.closes_at is None else wave.closes_at
    return _first_behind(windows, closed) or _first_behind(windows, registered_at)


def last_instant(period: Window) -> datetime | None:
    return None if period.closes_at is None else period.closes_at - INSTANT


def _wave(windows: Sequence[Window], registered_at: datetime) -> Window | None:
    """The open wave. Of several, the one that opened last."""
    waves = [one for one in windows if one.kind == WindowKind.REGISTRATION and one.open_at(registered_at)]
    return max(waves, key=lambda wave: wave.opens_at, default=None)


def _first_behind(windows: Sequence[Window], at: datetime) -> Window | None:
    periods = [
        (one.closes_at, one.opens_at, one)
        for one in windows
        if one.kind == WindowKind.VERIFICATION and one.closes_at is not None and one.closes_at > at
    ]
    return min(periods, key=lambda period: period[:2])[2] if periods else None
