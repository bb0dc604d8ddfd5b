"""What an organizer's terms say of one instant of registration: its window, its late arrival, its deadline.

People of one batch are often registered at one instant. A batch judges each instant once, and not each person.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from app.errors import ArrivedLate, RegistrationClosed
from app.registry.terms import deadlines, windows
from app.registry.terms.deadlines import Deadline
from app.registry.terms.terms import Terms
from app.registry.values.nik import Warning  # noqa: A004 - the contract's word


class Moment(NamedTuple):
    outside: RegistrationClosed | None
    """No window is open."""
    late: ArrivedLate | None
    """It arrived too long after its window had closed."""
    deadline: Deadline
    extended: Warning | None
    """The deadline was extended, since it had passed before the arrival."""


def judge(in_force: Terms, registered_at: datetime, arrived_at: datetime, *, on_day: bool) -> Moment:
    """`on_day`: only the day (WIB) of `registered_at` is known."""
    deadline, extended = deadlines.settle(registered_at, arrived_at, in_force.policy, in_force.windows)
    return Moment(
        outside=windows.judge(in_force.windows, registered_at, on_day=on_day),
        late=_late(in_force, registered_at, arrived_at, on_day=on_day),
        deadline=deadline,
        extended=extended,
    )


def _late(in_force: Terms, registered_at: datetime, arrived_at: datetime, *, on_day: bool) -> ArrivedLate | None:
    days, outages = in_force.policy.late_arrival_days, in_force.outages
    return windows.judge_arrival(in_force.windows, registered_at, arrived_at, days, on_day=on_day, outages=outages)
