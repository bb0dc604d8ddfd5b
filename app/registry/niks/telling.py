"""The one place that tells what stands against a NIK.

Whoever answers anything about a NIK that the caller does not hold itself (submission, correction, reopening, dry run,
and whatever comes later) hands the NIK over to `tell`. It writes who named the NIK, when, why and what was found, and
takes the NIK off the organizer's allowance, in the transaction that is committed before the answer. The check does the
same in its own statement, since it is the hottest one (`check`).

While the allowance lasts, a refusal says what stands. Afterwards it says only that the NIK cannot be registered now,
and so does the answer for a NIK that is free and not registered: one that a booking names which is refused, or that a
correction would put in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db import Session
from app.errors import (
    AllowanceUsedUp,
    DestinationMismatch,
    EverybodysError,
    NikAlreadyRegistered,
    NikBlocked,
    NikUndecided,
    Refusal,
    ReturnCityMismatch,
    ReturnWithoutOutbound,
    ShutOut,
    Standing,
    refuses,
)
from app.models.enums import NikOutcome, Purpose
from app.registry.caller import Caller
from app.registry.niks import access_log, allowance
from app.registry.niks.access_log import Look
from app.registry.niks.allowance import Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A NIK that a caller has named, and what stands against it."""

    caller: Caller
    nik_index: bytes
    area: bytes
    purpose: Purpose
    direction: str | None = None
    service: str | None = None
    field: str = "nik"
    """The input field that a refusal names."""
    blocked_until: int | None = None
    """The last season of the block that stands."""
    standing: Standing | None = None
    """The registration that stands."""
    misfit: Refusal | None = None
    """The NIK is free, but the organizer's own registration under it does not fit. This refusal tells that the NIK is
    free, so it costs allowance.
    """
    taken: bool = False
    """Nothing stood, and the NIK is the caller's now. So it costs nothing."""
    untold: bool = False
    """Of a rehearsal: nothing was told of the NIK, since no seat was left. That depends on the NIKs before it."""

    @property
    def is_own(self) -> bool:
        """Whether what stands is the caller's own registration: to tell the caller costs no allowance."""
        return self.blocked_until is None and self.standing is not None and self.standing.own

    @property
    def refusal(self) -> Refusal | None:
        """Why the NIK cannot be had, while the allowance lasts."""
        return refusal(self.blocked_until, self.standing, self.field) or self.misfit

    @property
    def outcome(self) -> NikOutcome:
        if self.blocked_until is not None:
            return NikOutcome.BLOCKED
        return NikOutcome.AVAILABLE if self.standing is None else NikOutcome.REGISTERED


class TooManyNamed(EverybodysError):  # noqa: N818 - an outcome
    """More NIKs would be named than the organizer's allowance of today has left: the rest waits until tomorrow."""

    def __init__(self, niks: int = 0) -> None:
        super().__init__(str(niks))
        self.niks = niks
        """At once. 0: any number is too many, since submissions are shut out."""


@refuses(NikBlocked, NikAlreadyRegistered, NikUndecided, ReturnWithoutOutbound, ReturnCityMismatch, DestinationMismatch)
async def tell(session: Session, namings: Sequence[Naming], now: datetime) -> list[Refusal | None]:
    """A refusal for each naming, in order. None: the NIK can be had. Whoever gets a refusal must not have the NIK.

    It locks allowances until the transaction is over, so call it behind everything else that locks.
    """
    foreign = [one for one in namings if not one.is_own]
    if session.rehearsed is not None:
        session.rehearsed.extend(foreign)
        return [one.refusal for one in namings]
    told = iter(await _told(session, foreign, now) if foreign else [])
    return [one.refusal if one.is_own else next(told) for one in namings]


async def tell_rehearsed(session: Session, namings: Sequence[Naming], now: datetime) -> None:
    """Write down what a rehearsal named, before its verdicts are told. It registered nobody, so each NIK costs one.

    Raises `TooManyNamed` when the allowance is too small for all of them: then none of the verdicts may be told.
    """
    wanted = Counter(one.caller.organizer for one in _each_once(namings))
    told = _each_once([one for one in namings if not one.untold])
    named = Counter(one.caller.organizer for one in told)
    granted = await allowance.take(session, [Named(one, count) for one, count in named.items()], now)
    left = await allowance.of_organizers(session, list(wanted), now)
    # Who is told nothing costs nothing. But if there were less room for many seats than for few, to wait would tell.
    if any(granted.get(one, 0) + left[one].remaining < count for one, count in wanted.items()):
        raise TooManyNamed(max(wanted.values()))
    await access_log.record(session, [_look(one, Purpose.DRY_RUN, one.outcome) for one in told], now)


def _each_once(namings: Sequence[Naming]) -> list[Naming]:
    """Rows of one person are one naming: how many of them are refused depends on what the NIK holds."""
    keys = ((one.caller.organizer, one.nik_index, one.direction, one.service) for one in namings)
    return list(dict(zip(keys, namings, strict=True)).values())


@refuses(NikBlocked, NikAlreadyRegistered)
def refusal(
    blocked_until: int | None, standing: Standing | None, field: str | None = None
) -> NikBlocked | NikAlreadyRegistered | None:
    """What stands, in the words of a refusal."""
    if blocked_until is not None:
        return NikBlocked(field, until_season=blocked_until)
    return None if standing is None else NikAlreadyRegistered(field, standing=standing)


def shut_out(answers: Iterable[object], now: datetime) -> None:
    """Raises `ShutOut` for a caller whose organizer is shut out until tomorrow: no verdict is one for a client."""
    for one in answers:
        if isinstance(one, AllowanceUsedUp):
            raise ShutOut(one.retry_after(now) or 1)


async def _told(session: Session, foreign: Sequence[Naming], now: datetime) -> list[Refusal | None]:
    """A refusal for each. A NIK that is the caller's now costs nothing. Of any other NIK that was named, nothing is
    told once the allowance is used up: not even that it can be had.
    """
    named = Counter(one.caller.organizer for one in foreign if not one.taken)
    wanted = [Named(organizer, niks) for organizer, niks in sorted(named.items())]
    left = Counter(await allowance.take(session, wanted, now)) if wanted else Counter[str]()
    told: list[Refusal | None] = []
    for one in foreign:
        left[one.caller.organizer] -= not one.taken
        is_told = one.taken or left[one.caller.organizer] >= 0
        told.append(one.refusal if is_told else NikUndecided(one.field, opens_at=allowance.ends_at(now)))
    looks = [
        _look(one, one.purpose, NikOutcome.UNDECIDED if isinstance(refusal, NikUndecided) else one.outcome)
        for one, refusal in zip(foreign, told, strict=True)
    ]
    await access_log.record(session, looks, now)
    return told


def _look(one: Naming, purpose: Purpose, outcome: NikOutcome) -> Look:
    return access_log.look(
        one.caller,
        one.nik_index,
        purpose,
        area=one.area,
        direction=one.direction,
        service=one.service,
        outcome=outcome,
    )
