"""H+N: by when somebody is to be verified, and when whoever is not is forfeited (S2.4: seven days at Hubdat).

`verifyBy` is the earlier of the end of the day `registeredAt + N` (WIB) and the end of the organizer's verification
period (S1). H+N forfeits. The end of a period forfeits only if the policy says so, else it flags. Both are settled when
a registration arrives: a later change of the policy does not change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from app.clock import end_of_wib_day, wib_day
from app.registry.terms import periods
from app.registry.terms.policy import Policy
from app.registry.terms.windows import Window
from app.registry.values import nik

TIME_OF_LATE_ARRIVAL = timedelta(hours=24)
"""A registration that first arrives after its own deadline may be verified for this long."""
DEADLINE_EXTENDED = nik.Warning(
    "DEADLINE_EXTENDED",
    "Data tiba setelah batas verifikasinya; verifikasi dapat dilakukan dalam 24 jam sejak diterima.",
    "The record arrived after its own verification deadline; it can be verified within 24 hours of its arrival.",
)


class Deadline(NamedTuple):
    verify_by: datetime | None
    """The last instant to verify. None: there is none."""
    forfeits_at: datetime | None
    """Not verified by then, it is forfeited. None: it is only flagged."""


def settle(
    registered_at: datetime, arrived_at: datetime, policy: Policy, windows: Sequence[Window] = ()
) -> tuple[Deadline, nik.Warning | None]:
    """The deadline of a registration. A warning tells that the deadline was extended."""
    settled = _settled(registered_at, policy, periods.of(windows, registered_at))
    if settled.verify_by is None or settled.verify_by >= arrived_at:
        return settled, None
    extended = arrived_at + TIME_OF_LATE_ARRIVAL
    return Deadline(extended, settled.forfeits_at and max(settled.forfeits_at, extended)), DEADLINE_EXTENDED


def end_of_days(registered_at: datetime, policy: Policy) -> datetime | None:
    """The end of H+N. None: the policy sets no number of days."""
    if policy.verify_within_days is None:
        return None
    return end_of_wib_day(wib_day(registered_at) + timedelta(days=policy.verify_within_days))


def _settled(registered_at: datetime, policy: Policy, period: Window | None) -> Deadline:
    days_end = end_of_days(registered_at, policy)
    if period is None:
        return Deadline(days_end, days_end)
    period_end = periods.last_instant(period)
    if days_end is not None and policy.refuse_early_verification and days_end < period.opens_at:
        # Before the period nobody can be verified. H+N counts for nothing then.
        days_end = period_end
    forfeits = (days_end, period_end if policy.forfeit_at_period_end else None)
    return Deadline(_earlier(days_end, period_end), _earlier(*forfeits))


def _earlier(*instants: datetime | None) -> datetime | None:
    return min((one for one in instants if one is not None), default=None)
