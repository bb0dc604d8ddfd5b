"""Erasure of a person's data (UU 27/2022 art. 8, 43). An erased registrant still counts in the statistics. A block
outlives the NIK: it holds only the blind index.

Every column is wiped that the model marks as personal (`app.models.personal`).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, Refusal, refuses
from app.models.enums import ChangeKind, RegistrantStatus
from app.models.personal import wiped
from app.models.registrant import Registrant
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients import idempotency
from app.registry.imports import jobs
from app.registry.registrants import lifecycle, lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.transitions import Step
from app.registry.registrants.view import View
from app.registry.rows import early_ends
from app.registry.values.texts import reason_given
from app.sql import statement
from app.vault.vault import Vault

WIPED = f"{wiped(Registrant)}, erased_at = :now"
# Of whoever is erased, as the applicant of others, too.
_ERASE_APPLICANT = statement(
    """
    UPDATE registrant SET booked_by_index = NULL, booked_by_nik_sealed = NULL, booked_by_name_sealed = NULL
    WHERE booked_by_index = (SELECT nik_index FROM registrant WHERE id = :id)
    RETURNING organizer_code
    """,
    str,
)
_ERASE = statement(f"UPDATE registrant SET {WIPED} WHERE id = :id AND erased_at IS NULL")


@refuses(NikInvalid, NotFound, InvalidValue)
async def erase(session: Session, vault: Vault, caller: Caller, ref: Ref, reason: str, now: datetime) -> View | Refusal:
    """Erase NIK, name, booking code, papers and applicant of a registrant, of any organizer.

    Where the same person is the applicant of others, that goes as well.

    Who is yet to depart is cancelled first. What is remembered of the NIK's ends goes, of any organizer. To erase again
    changes nothing.
    """
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    [found] = await lookup.resolve(session, vault, caller, [ref], everyone=True, any_nik=True)
    if not isinstance(found, UUID):
        return found
    # A registrant that cannot be cancelled any more, departed or of a closed season, is erased as it is.
    await lifecycle.step(session, [Step(id=found, to=RegistrantStatus.CANCELLED, caller=caller, reason=given)], now)
    await early_ends.forget_person(session, found)
    booked_with = await session.rows(_ERASE_APPLICANT, id=found)
    erased = await session.run(_ERASE, id=found, now=now)
    await jobs.wipe_naming(session, found, now)
    [seen] = await lookup.by_ids(session, vault, caller, [found], everyone=True)
    if seen is None or not erased:
        return seen or NotFound("ref")
    await idempotency.erase_answers(session, {seen.organizer, *booked_with}, caller.organizer)
    entry = change_log.Entry(
        kind=ChangeKind.REGISTRANT_ERASED,
        season=seen.season,
        organizer=seen.organizer,
        registrant_id=seen.id,
        client_id=caller.client_id,
        reason=given,
    )
    await change_log.append(session, [entry], now)
    return seen
