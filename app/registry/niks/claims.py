"""What submitting would say of each claim that a check asks for. A claim is one direction and service of a NIK.

The order of the rules is that of `registrants.submission`: block, uniqueness, outbound of a return.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from app.errors import Standing
from app.models.enums import Direction, NikOutcome, Service


class Claimed(NamedTuple):
    direction: str
    service: str


ALL = tuple(Claimed(direction, service) for service in Service for direction in Direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """What submitting would say of one claim."""

    claimed: Claimed
    outcome: NikOutcome
    blocked_until: int | None = None
    """Of BLOCKED: the last season of the block."""
    holder: Standing | None = None
    """Of REGISTERED: what holds the claim."""
    same_day: bool = False
    """Of OUTBOUND_MISSING: the trip home is there, and the organizer's policy wants it to be of the same day."""


class CheckedHolder(NamedTuple):
    """A holder of the NIK, as much of it as the check has read."""

    standing: Standing
    holds_seat: bool
    takes_a_return: bool
    """It is a trip home of the caller's own, and a return that is submitted today may belong to it."""

    @property
    def claimed(self) -> Claimed:
        return Claimed(self.standing.direction, self.standing.service)


@cache
def asked(direction: str | None, service: str | None) -> tuple[Claimed, ...]:
    """None: in every direction, for every service."""
    return tuple(one for one in ALL if direction in {None, one.direction} and service in {None, one.service})


def judge(
    asked: tuple[Claimed, ...], held: Sequence[CheckedHolder], *, blocked_until: int | None, needs_outbound: bool
) -> tuple[JudgedClaim, ...]:
    """`blocked_until`: the last season of the block that stands. `needs_outbound`: the policy of whoever asks."""
    if blocked_until is not None:
        return tuple(JudgedClaim(claimed=one, outcome=NikOutcome.BLOCKED, blocked_until=blocked_until) for one in asked)
    if not held:
        return _of_a_free_nik(asked, needs_outbound)
    by_claim = {one.claimed: one for one in held}
    return tuple(_judge(one, by_claim, needs_outbound) for one in asked)


def undecided(asked: Sequence[Claimed], own: Sequence[CheckedHolder]) -> tuple[JudgedClaim, ...]:
    """Of whoever is told of its `own` registrations alone."""
    by_claim = {one.claimed: one.standing for one in own}
    return tuple(
        JudgedClaim(claimed=one, outcome=NikOutcome.REGISTERED, holder=by_claim[one])
        if one in by_claim
        else JudgedClaim(claimed=one, outcome=NikOutcome.UNDECIDED)
        for one in asked
    )


def standing(asked: Sequence[Claimed], held: Sequence[CheckedHolder]) -> tuple[Standing, ...]:
    """What stands against the claims that are asked for, in the order of `ALL`."""
    by_claim = {one.claimed: one.standing for one in held}
    return tuple(by_claim[one] for one in asked if one in by_claim)


def outbound_stands(asked: tuple[Claimed, ...], held: Sequence[CheckedHolder]) -> bool | None:
    """Whether the caller holds a trip home for a return that is asked for. None: no return is."""
    homes = _homes(asked)
    if not homes:
        return None
    return any(one.standing.own and one.holds_seat and one.claimed in homes for one in held) if held else False


@cache
def _homes(asked: tuple[Claimed, ...]) -> tuple[Claimed, ...]:
    """The trips home of the returns that are asked for."""
    return tuple(Claimed(Direction.MUDIK, one.service) for one in asked if one.direction == Direction.BALIK)


@cache
def _of_a_free_nik(asked: tuple[Claimed, ...], needs_outbound: bool) -> tuple[JudgedClaim, ...]:
    """Most NIKs that are checked are free, so what is said of them is made once."""
    return tuple(_judge(one, {}, needs_outbound) for one in asked)


def _judge(claimed: Claimed, held: dict[Claimed, CheckedHolder], needs_outbound: bool) -> JudgedClaim:
    holder = held.get(claimed)
    if holder is not None:
        return JudgedClaim(claimed=claimed, outcome=NikOutcome.REGISTERED, holder=holder.standing)
    if claimed.direction != Direction.BALIK:
        return JudgedClaim(claimed=claimed, outcome=NikOutcome.AVAILABLE)
    home = held.get(Claimed(Direction.MUDIK, claimed.service))
    if not needs_outbound or (home is not None and home.takes_a_return):
        return JudgedClaim(claimed=claimed, outcome=NikOutcome.AVAILABLE)
    # A trip home that is there and takes no return was registered on another day.
    same_day = home is not None and home.standing.own and home.holds_seat
    return JudgedClaim(claimed=claimed, outcome=NikOutcome.OUTBOUND_MISSING, same_day=same_day)
