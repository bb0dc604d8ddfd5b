"""The NIK check: AVAILABLE, REGISTERED or BLOCKED, with what stands against it; never a name or an itinerary (S1).

Every check is in the access log, and taken off its client's budget, before it is answered. Run this in
`Database.statements`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.clock import wib_day
from app.db import Session
from app.errors import NikInvalid, NotFound, RefusalError, Standing, TooManyChecks, refuses
from app.models.enums import Direction, NikOutcome, Purpose, Service
from app.models.registrant import HOLDS_NIK, HOLDS_SEAT
from app.registry.caller import Caller
from app.registry.niks import access_log, budget
from app.registry.niks.blocks import StandingBlock
from app.registry.terms import seasons
from app.registry.values import nik
from app.registry.values.nik import Warning  # noqa: A004 - the contract's word
from app.sql import Arrays, statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Check:
    caller: Caller
    nik: str
    """As it was sent."""
    direction: str = Direction.MUDIK
    service: str = Service.PASSENGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    nik: str
    """16 digits, as the asker sent them."""
    outcome: NikOutcome
    standing: tuple[Standing, ...]
    block: StandingBlock | None
    warnings: tuple[Warning, ...]
    outbound_stands: bool | None
    """Of a BALIK check: whether the caller holds a trip home for this NIK, as a return requires."""


class _Asked(NamedTuple):
    nik_index: bytes
    direction: str
    service: str
    client_id: str
    asker: str


class _Found(NamedTuple):
    season: int | None
    organizer: str | None
    organizer_name: str
    status: str
    registered_at: datetime
    reason: str | None
    since: datetime
    until_season: int
    outbound: list[str] | None
    outcome: str


_ASKED = Arrays("one", _Asked, numbered=True)
# Looking, and writing down who looked, are one statement: to send the NIKs of a thousand checks twice would be slow.
_ANSWER = statement(
    f"""
    WITH asked AS (SELECT * FROM {_ASKED}), season AS (SELECT {seasons.CURRENT} AS year),
    found AS (
        SELECT asked.*, season.year AS season, held.organizer_code AS organizer, organizer.name AS organizer_name,
               held.status, held.registered_at, block.reason, block.since, block.until_season,
               outbound.organizers AS outbound,
               CASE WHEN block.reason IS NOT NULL THEN '{NikOutcome.BLOCKED}'
                    WHEN held.status IS NOT NULL THEN '{NikOutcome.REGISTERED}'
                    ELSE '{NikOutcome.AVAILABLE}' END AS outcome
        FROM asked CROSS JOIN season
        -- OFFSET 0 has PostgreSQL look up one NIK after the other, also by a plan of an empty table (see `uniqueness`).
        LEFT JOIN LATERAL (
            SELECT * FROM registrant r WHERE r.season = season.year AND r.nik_index = asked.nik_index
                AND r.direction = asked.direction AND r.service = asked.service AND {HOLDS_NIK} OFFSET 0
        ) held ON true
        LEFT JOIN organizer ON organizer.code = held.organizer_code
        LEFT JOIN LATERAL (
            SELECT reason, since, until_season FROM nik_block b WHERE b.nik_index = asked.nik_index
                AND b.lifted_at IS NULL AND season.year BETWEEN b.from_season AND b.until_season
            ORDER BY until_season DESC, since LIMIT 1
        ) block ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(r.organizer_code) AS organizers FROM registrant r WHERE asked.direction = 'BALIK'
                AND r.season = season.year AND r.nik_index = asked.nik_index AND r.direction = 'MUDIK'
                AND r.service = asked.service AND r.{HOLDS_SEAT}
        ) outbound ON true
    ), written_down AS (
        {access_log.INSERT} SELECT :now, client_id, asker, nik_index, '{Purpose.CHECK}', direction, service, outcome
        FROM found WHERE season IS NOT NULL ORDER BY place
    )
    SELECT season, organizer, organizer_name, status, registered_at, reason, since, until_season, outbound, outcome
    FROM found ORDER BY place
    """,
    _Found,
)


@refuses(NikInvalid, NotFound)
async def check(
    session: Session, vault: Vault, checks: Sequence[Check], now: datetime, *, together: bool = False
) -> list[Answer | NikInvalid | TooManyChecks]:
    """A verdict for each check, in order: NikInvalid; TooManyChecks when its client's budget is used up.

    Raises NotFound when no season is open: nothing could be registered.

    With `together`, the checks are one call: all of a client's are answered, or none.
    """
    today = wib_day(now)
    judged: list[nik.Nik | NikInvalid | TooManyChecks] = [
        refused or nik.parse(one.nik, today)
        for one, refused in zip(checks, await _refused_by_budget(session, checks, now, together=together), strict=True)
    ]
    asked = [(one, parsed) for one, parsed in zip(checks, judged, strict=True) if isinstance(parsed, nik.Nik)]
    answers = iter(await _answers(session, vault, asked, now))
    return [next(answers) if isinstance(one, nik.Nik) else one for one in judged]


async def _refused_by_budget(
    session: Session, checks: Sequence[Check], now: datetime, *, together: bool
) -> list[TooManyChecks | None]:
    wanted = Counter(one.caller.client_id for one in checks if one.caller.client_id is not None)
    grants = await budget.take(session, wanted, now, together=together)
    left = {client_id: grant.granted for client_id, grant in grants.items()}
    refused: list[TooManyChecks | None] = []
    for one in checks:
        client_id = one.caller.client_id
        if client_id is None or left[client_id] > 0:
            refused.append(None)
        else:
            refused.append(TooManyChecks(grants[client_id].retry_after))
        if client_id is not None:
            left[client_id] -= 1
    return refused


async def _answers(
    session: Session, vault: Vault, asked: Sequence[tuple[Check, nik.Nik]], now: datetime
) -> list[Answer]:
    if not asked:
        return []
    checks = [
        _Asked(
            nik_index=vault.blind_index(parsed.digits),
            direction=one.direction,
            service=one.service,
            client_id=one.caller.client_id or access_log.COMMAND_LINE,
            asker=one.caller.organizer,
        )
        for one, parsed in asked
    ]
    found = await session.rows(_ANSWER, now=now, **_ASKED.of(checks))
    if found[0].season is None:
        raise RefusalError(NotFound("season"))
    return [_answer(one, parsed, row) for (one, parsed), row in zip(asked, found, strict=True)]


def _answer(one: Check, parsed: nik.Nik, row: _Found) -> Answer:
    outbound_stands = None
    if one.direction == Direction.BALIK:
        outbound_stands = any(one.caller.owns(organizer) for organizer in row.outbound or ())
    return Answer(
        nik=parsed.digits,
        outcome=NikOutcome(row.outcome),
        standing=() if row.organizer is None else (_standing(one, row.organizer, row),),
        block=None if row.reason is None else StandingBlock(row.reason, row.since, row.until_season),
        warnings=parsed.warnings,
        outbound_stands=outbound_stands,
    )


def _standing(one: Check, organizer: str, row: _Found) -> Standing:
    return Standing(
        organizer=organizer,
        organizer_name=row.organizer_name,
        direction=one.direction,
        service=one.service,
        status=row.status,
        registered_on=wib_day(row.registered_at),
        own=one.caller.owns(organizer),
    )
