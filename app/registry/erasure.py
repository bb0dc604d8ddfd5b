"""Erasure of a person's data (UU 27/2022 art. 8, 43). An erased row keeps its counts; a block outlives the NIK as its
blind index.

What is wiped is every column that the model marks as personal (`app.models.personal`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, text

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, Refusal, refuses
from app.models.enums import ChangeKind, RegistrantStatus
from app.models.personal import wiped
from app.models.registrant import Registrant
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.imports import jobs
from app.registry.registrants import lifecycle, lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.record import Record
from app.registry.registrants.transitions import Step
from app.registry.values.texts import reason_given
from app.vault.vault import Vault

WIPED = f"{wiped(Registrant)}, erased_at = :now"
_ERASE = text(f"UPDATE registrant SET {WIPED} WHERE id = :id AND erased_at IS NULL")


@refuses(NikInvalid, NotFound, InvalidValue)
async def erase(
    session: Session, vault: Vault, caller: Caller, ref: Ref, reason: str, now: datetime
) -> Record | Refusal:
    """Erase a registrant's NIK, name, booking code and papers, whoever's it is; one that stands is cancelled first.

    Again changes nothing.
    """
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    [found] = await lookup.resolve(session, vault, caller, [ref], everyone=True, any_nik=True)
    if not isinstance(found, UUID):
        return found
    # Whatever cannot be cancelled any more, departed or of a closed season, is erased as it is.
    await lifecycle.step(session, [Step(found, RegistrantStatus.CANCELLED, caller, given)], now)
    erased = await session.execute(_ERASE, {"id": found, "now": now})
    assert isinstance(erased, CursorResult)  # noqa: S101 - an UPDATE's result
    await jobs.wipe_naming(session, found, now)
    [seen] = await lookup.by_ids(session, vault, caller, [found], everyone=True)
    if seen is None or not erased.rowcount:
        return seen or NotFound("ref")
    entry = change_log.Entry(
        ChangeKind.REGISTRANT_ERASED,
        seen.season,
        seen.organizer,
        seen.id,
        client_id=caller.client_id,
        reason=given,
    )
    await change_log.append(session, [entry], now)
    return seen
