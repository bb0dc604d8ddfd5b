"""Verifications that are told late: whoever was verified at a posko in time, and forfeited before the phone could tell,
is brought back and verified. It holds as for any reopening: the seat is still free, and nobody else holds the NIK.

How late an act may be told stands in `app.registry.terms.told_late`. A departure needs no bringing back: a no-show
still has its seat and its NIK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, Raced, Refusal, TransitionNotAllowed, refused_by, refuses
from app.models.enums import RegistrantStatus
from app.models.statuses import IS_FORFEITED
from app.registry.caller import Caller
from app.registry.registrants import lifecycle, lookup, transitions
from app.registry.registrants.lookup import Ref
from app.registry.registrants.transitions import Step
from app.registry.registrants.view import View
from app.registry.undo import reopening
from app.registry.values.standard import RowMoment
from app.registry.values.texts import posko_given
from app.sql import statement
from app.vault.vault import Vault

REASON = "Diverifikasi di posko sebelum batas waktu; kabarnya terlambat."

_FORFEITED = statement(
    f"SELECT id FROM registrant WHERE id = ANY(CAST(:ids AS uuid[])) AND {IS_FORFEITED} ORDER BY id", UUID
)


@refuses(*refused_by(lifecycle.verify, reopening.take_back))
async def verify(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    now: datetime,
    *,
    posko: str | None = None,
    at: datetime | None = None,
) -> list[View | Refusal]:
    """Verify registrants of one's own, at a posko; `at` None: now. Run it through `Database.attempt`."""
    if at is None or isinstance(posko_given(posko), InvalidValue):
        return await lifecycle.verify(session, vault, caller, refs, now, posko=posko)
    found = await lookup.resolve(session, vault, caller, refs, now, everyone=False)
    ids = [one for one in found if isinstance(one, UUID)]
    refused = await _bring_back(session, vault, caller, ids, now, at)
    asked = [Ref(id=one) for one in ids]
    verdicts = dict(
        zip(ids, await lifecycle.verify(session, vault, caller, asked, now, posko=posko, at=at), strict=True)
    )
    _nobody_was_forfeited_meanwhile(verdicts, refused)
    return [refused.get(one) or verdicts[one] if isinstance(one, UUID) else one for one in found]


async def _bring_back(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], now: datetime, at: datetime
) -> dict[UUID, Refusal]:
    """Reopen those of `ids` who were forfeited and would be verified in time. Answers who was refused."""
    forfeited = await session.rows(_FORFEITED, ids=list(ids))
    if not forfeited:
        return {}
    ground = await reopening.lock(session, vault, caller, forfeited, now, also=ids)
    moment = RowMoment(at, is_day=False)
    refused: dict[UUID, Refusal] = {}
    for one in forfeited:
        step = Step(id=one, to=RegistrantStatus.VERIFIED, caller=caller, verified=moment)
        late = transitions.refuses_verification(step, ground.states[one], now)
        if late is not None:
            refused[one] = late
    in_time = [one for one in forfeited if one not in refused]
    return refused | await reopening.take_back(session, in_time, REASON, ground, with_a_day=False)


def _nobody_was_forfeited_meanwhile(verdicts: Mapping[UUID, View | Refusal], refused: Mapping[UUID, Refusal]) -> None:
    """Raises `Raced` for whoever the sweep forfeited after this transaction had looked for the forfeited."""
    for one, verdict in verdicts.items():
        forfeited = isinstance(verdict, TransitionNotAllowed) and verdict.status == RegistrantStatus.FORFEITED
        if forfeited and one not in refused:
            raise Raced
