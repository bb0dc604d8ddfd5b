"""One step back: of a registrant whose end is taken back, and of the trip that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.models.enums import ChangeKind, RegistrantStatus
from app.registry.registrants import transitions
from app.registry.registrants.transitions import State, Step


def go_back(one: Step, state: State, now: datetime, *, with_a_day: bool = True) -> None:
    """Take `state` back to the status `one.to`, which nothing else leads to. Whoever has to be verified has a day, with
    the whole trip; not so whoever is verified in the same transaction. The leg of a trip that is verified is verified
    at once.
    """
    entry = transitions.told(one, state)
    state.status, state.reopened_at = one.to, now
    if one.to != RegistrantStatus.REGISTERED or not with_a_day:
        state.entries.append(entry)
    elif transitions.trip_is_verified(state):
        state.entries.append(entry)
        transitions.apply(replace(one, to=RegistrantStatus.VERIFIED), state, now)
    else:
        state.entries.append(replace(entry, facts=_given_a_day(state, now)))
        _prolong_other_legs(one, state, now)


def _prolong_other_legs(one: Step, state: State, now: datetime) -> None:
    """The legs of a trip have one deadline."""
    for leg in state.other_legs:
        times = _given_a_day(leg, now) if leg.status == RegistrantStatus.REGISTERED else None
        if times is not None:
            prolonged = transitions.told(one, leg)
            leg.entries.append(replace(prolonged, kind=ChangeKind.DEADLINE_PROLONGED, facts=times))


def _given_a_day(state: State, now: datetime) -> dict[str, object] | None:
    """The deadline before and after. None: it was late enough."""
    before = state.verify_by
    if before is None or before >= now + transitions.LEFT_ALONE:
        return None
    state.verify_by = now + transitions.LEFT_ALONE
    return {"verify_by_before": before.isoformat(), "verify_by": state.verify_by.isoformat()}
