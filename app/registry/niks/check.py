"""The NIK check: AVAILABLE, REGISTERED or BLOCKED, with what stands against it; never a name or an itinerary (S1).

Every check is in the access log, and taken off its client's budget, before it is answered. Run it in
`Database.statements`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from app.clock import wib_day
from app.db import Session
from app.errors import NikInvalid, NotFound, RefusalError, Standing, TooManyChecks, refuses
from app.models.enums import Direction, NikOutcome, Purpose, Service
from app.models.registrant import HOLDS_NIK
from app.registry.caller import Caller
from app.registry.niks import access_log, budget
from app.registry.niks.blocks import StandingBlock
from app.registry.terms import seasons
from app.registry.values import nik
from app.registry.values.nik import Warning  # noqa: A004 - the contract's word
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Check:
    caller: Caller
    nik: str
    """As it was sent."""
    direction: str = Direction.MUDIK
    service: str = Service.PASSENGER


@dataclass(frozen=True, slots=True)
class Answer:
    nik: str
    """16 digits, as the asker sent them."""
    outcome: NikOutcome
    standing: tuple[Standing, ...]
    block: StandingBlock | None
    warnings: tuple[Warning, ...]
    outbound_stands: bool | None
    """Of a BALIK check: whether the caller holds a trip home for this NIK, as a return requires."""


# Looking, and writing down who looked: one statement, since the NIKs of a thousand checks are dear to send twice.
_ANSWER = text(
    f"""
    WITH asked AS (
        SELECT * FROM unnest(CAST(:nik_index AS bytea[]), CAST(:direction AS text[]), CAST(:service AS text[]),
                             CAST(:client_id AS text[]), CAST(:asker AS text[]))
            WITH ORDINALITY AS a (nik_index, direction, service, client_id, asker, place)
    ), season AS (SELECT {seasons.CURRENT} AS year),
    found AS (
        SELECT asked.*, season.year AS season, held.organizer_code AS organizer, organizer.name AS organizer_name,
               held.status, held.registered_at, block.reason, block.since, block.until_season,
               outbound.organizers AS outbound,
               CASE WHEN block.reason IS NOT NULL THEN 'BLOCKED' WHEN held.status IS NOT NULL THEN 'REGISTERED'
                    ELSE 'AVAILABLE' END AS outcome
        FROM asked CROSS JOIN season
        LEFT JOIN LATERAL (
            SELECT * FROM registrant r WHERE r.season = season.year AND r.nik_index = asked.nik_index
                AND r.direction = asked.direction AND r.service = asked.service AND {HOLDS_NIK}
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
                AND r.service = asked.service AND {HOLDS_NIK} AND r.status <> 'NO_SHOW'
        ) outbound ON true
    ), written_down AS (
        {access_log.INSERT} SELECT :now, client_id, asker, nik_index, '{Purpose.CHECK}', direction, service, outcome
        FROM found WHERE season IS NOT NULL ORDER BY place
    )
    SELECT season, organizer, organizer_name, status, registered_at, reason, since, until_season, outbound, outcome
    FROM found ORDER BY place
    """
)


@refuses(NikInvalid, NotFound)
async def check(
    session: Session, vault: Vault, checks: Sequence[Check], now: datetime, *, together: bool = False
) -> list[Answer | NikInvalid | TooManyChecks]:
    """A verdict for each check, in order: NikInvalid; TooManyChecks when its client's budget is used up.

    Raises NotFound when no season is open: nothing could be registered.

    With `together`, the checks are one call: all of a client's are answered, or none.
    """
    verdicts: list[Answer | NikInvalid | TooManyChecks | None] = [None] * len(checks)
    asked: list[tuple[int, Check, nik.Nik]] = []
    today = wib_day(now)
    for place, (one, refused) in enumerate(
        zip(checks, await _refused_by_budget(session, checks, now, together=together), strict=True)
    ):
        parsed = refused or nik.parse(one.nik, today)
        if isinstance(parsed, nik.Nik):
            asked.append((place, one, parsed))
        else:
            verdicts[place] = parsed
    for (place, _, _), answer in zip(asked, await _answers(session, vault, asked, now), strict=True):
        verdicts[place] = answer
    return [verdict for verdict in verdicts if verdict is not None]


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
    session: Session, vault: Vault, asked: Sequence[tuple[int, Check, nik.Nik]], now: datetime
) -> list[Answer]:
    if not asked:
        return []
    found = await session.execute(
        _ANSWER,
        {
            "now": now,
            "nik_index": [vault.blind_index(parsed.digits) for _, _, parsed in asked],
            "direction": [one.direction for _, one, _ in asked],
            "service": [one.service for _, one, _ in asked],
            "client_id": [one.caller.client_id or access_log.COMMAND_LINE for _, one, _ in asked],
            "asker": [one.caller.organizer for _, one, _ in asked],
        },
    )
    rows = found.all()
    if rows[0].season is None:
        raise RefusalError(NotFound("season"))
    return [_answer(one, parsed, row) for (_, one, parsed), row in zip(asked, rows, strict=True)]


def _answer(one: Check, parsed: nik.Nik, row: Row[Any]) -> Answer:
    standing: tuple[Standing, ...] = ()
    if row.organizer is not None:
        own = one.caller.owns(row.organizer)
        standing = (
            Standing(
                row.organizer,
                row.organizer_name,
                one.direction,
                one.service,
                row.status,
                wib_day(row.registered_at),
                own,
            ),
        )
    block = None if row.reason is None else StandingBlock(row.reason, row.since, row.until_season)
    outbound = None
    if one.direction == Direction.BALIK:
        outbound = any(one.caller.owns(organizer) for organizer in row.outbound or ())
    return Answer(parsed.digits, NikOutcome(row.outcome), standing, block, parsed.warnings, outbound)
