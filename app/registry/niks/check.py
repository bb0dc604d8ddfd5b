"""The NIK check: what submitting would say of a NIK, and what stands against it; never a name or an itinerary (S1).

A check is for one direction and service, or for all of them. It answers what depends on the NIK: block, uniqueness and
the outbound that a return needs. Window, route and seats are judged when somebody submits. Every check is in the access
log, and taken off its client's budget and its organizer's allowance, before it is answered. When the allowance is used
up, the check of a NIK that is not the organizer's own answers UNDECIDED. Run this in `Database.statements`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from app.clock import sql_wib_day, wib_day
from app.db import Session
from app.errors import NikInvalid, NotFound, RefusalError, Standing, TooManyChecks, refuses
from app.models.enums import Direction, NikOutcome, Purpose, Service
from app.models.statuses import HOLDS_NIK, HOLDS_SEAT
from app.registry.caller import Caller
from app.registry.niks import access_log, allowance, budget, claims
from app.registry.niks.blocks import StandingBlock
from app.registry.niks.claims import CheckedHolder, Claimed, JudgedClaim
from app.registry.terms import policy, seasons
from app.registry.values import nik
from app.registry.values.nik import Warning  # noqa: A004 - the contract's word
from app.server.slices import each
from app.sql import Arrays, statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Check:
    caller: Caller
    nik: str
    """As it was sent."""
    direction: str | None = None
    """None: for both directions."""
    service: str | None = None
    """None: for both services."""


@dataclass(slots=True, kw_only=True)
class Answer:
    """Not frozen: a frozen one takes three times as long to make."""

    nik: str
    """16 digits, as the asker sent them."""
    outcome: NikOutcome
    """Of all claims together: BLOCKED, else REGISTERED, else AVAILABLE, else OUTBOUND_MISSING, whichever is found."""
    asked: tuple[Claimed, ...]
    """The directions and services that were asked for."""
    held: tuple[CheckedHolder, ...]
    """Every registration that holds the NIK, in whichever direction and service; the asker's own, where it asked
    for nothing else, or where `is_partial`.
    """
    is_partial: bool
    """The allowance is used up: nothing is told but what the asker holds."""
    needs_outbound: bool
    """Whether the policy of the asking organizer demands a trip home before a trip back."""
    standing: tuple[Standing, ...]
    """Of `held`, what stands against the claims that were asked for."""
    block: StandingBlock | None
    warnings: tuple[Warning, ...]
    outbound_stands: bool | None
    """Of a check that asks for BALIK: whether the caller holds a trip home for this NIK, in a service asked for."""

    @property
    def claims(self) -> tuple[JudgedClaim, ...]:
        """One for each of `asked`. Made when somebody wants them: most answers are read without them."""
        if self.is_partial:
            return claims.undecided(self.asked, self.held)
        until = None if self.block is None else self.block.until_season
        return claims.judge(self.asked, self.held, blocked_until=until, needs_outbound=self.needs_outbound)


class _AskedCheck(NamedTuple):
    nik_index: bytes
    area: bytes
    direction: str | None
    service: str | None
    client_id: str
    asker: str


class _FoundOfNik(NamedTuple):
    season: int | None
    held: list[str] | None
    """A text for each registration, whose parts stand apart by `_BETWEEN`. JSON would take PostgreSQL four times as
    long, and this is the hottest statement.
    """
    reason: str | None
    since: datetime
    until_season: int
    needs_outbound: bool
    outcome: str
    is_told: bool


_BETWEEN = "\x1f"
"""The unit separator of ASCII. No code and no name has it: `texts.line` refuses what is not printable."""
_ASKED = Arrays("one", _AskedCheck, numbered=True)
_IS_ASKED = """
    (asked.direction IS NULL OR r.direction = asked.direction) AND (asked.service IS NULL OR r.service = asked.service)
"""
_REGISTERED_ON, _TODAY = sql_wib_day("r.registered_at"), sql_wib_day("CAST(:now AS timestamptz)")
# Whether a return that is submitted today may belong to `r`, as `registrants.returns` judges it.
_TAKES_A_RETURN = f"""
    (NOT {policy.in_force("return_requires_outbound", "r.organizer_code")}
     OR (r.{HOLDS_SEAT} AND (NOT {policy.in_force("return_same_day", "r.organizer_code")}
                             OR {_REGISTERED_ON} = {_TODAY})))
"""
_IS_OWN = "(o.code = asked.asker OR o.coordinator_code = asked.asker) IS TRUE"
_CLAIMS_ASKED = f"""
    CASE WHEN asked.direction IS NULL THEN {len(Direction)} ELSE 1 END
    * CASE WHEN asked.service IS NULL THEN {len(Service)} ELSE 1 END
"""
# OFFSET 0 has PostgreSQL look up one NIK after the other, also by a plan of an empty table (see `uniqueness`).
_HOLDERS = f"""
    (SELECT * FROM registrant WHERE season = season.year AND nik_index = asked.nik_index AND {HOLDS_NIK} OFFSET 0)
"""
# Looking, and writing down who looked, are one statement: to send the NIKs of a thousand checks twice would be slow.
_ANSWER = statement(
    f"""
    WITH asked AS (SELECT * FROM {_ASKED}), season AS (SELECT {seasons.CURRENT} AS year),
    asker AS MATERIALIZED (
        SELECT one.code, {policy.in_force("return_requires_outbound", "one.code")} AS needs_outbound,
               coalesce({allowance.sql_used("a")} >= {allowance.sql_per_day("a")}, false) AS is_used_up
        FROM (SELECT DISTINCT asker AS code FROM asked) one CROSS JOIN season {policy.join("season.year", "one.code")}
        LEFT JOIN nik_allowance a ON a.organizer_code = one.code
    ),
    found AS (
        SELECT asked.*, season.year AS season, held.registrations AS held, block.reason, block.since,
               block.until_season, asker.needs_outbound, asker.is_used_up, held.own,
               held.own_claims > 0 AS is_registered,
               held.own_claims = {_CLAIMS_ASKED} AND block.reason IS NULL AS is_own,
               CASE WHEN block.reason IS NOT NULL THEN '{NikOutcome.BLOCKED}'
                    WHEN held.stands THEN '{NikOutcome.REGISTERED}'
                    WHEN asked.direction = '{Direction.BALIK}' AND asker.needs_outbound
                        AND held.takes_a_return IS NOT TRUE THEN '{NikOutcome.OUTBOUND_MISSING}'
                    ELSE '{NikOutcome.AVAILABLE}' END AS outcome
        FROM asked JOIN asker ON asker.code = asked.asker CROSS JOIN season
        -- What will not be told is not read: the answer takes as long for any NIK that is not the asker's own.
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE {_IS_OWN} AND {_IS_ASKED}) AS own_claims, bool_or({_IS_ASKED}) AS stands,
                   bool_or(home.takes_a_return AND (asked.service IS NULL OR r.service = asked.service))
                       AS takes_a_return,
                   array_agg(told) AS registrations, array_agg(told) FILTER (WHERE {_IS_OWN}) AS own
            FROM {_HOLDERS} r JOIN organizer o ON o.code = r.organizer_code AND (NOT asker.is_used_up OR {_IS_OWN})
            {policy.join("season.year", "r.organizer_code")}
            CROSS JOIN LATERAL (
                SELECT r.direction = '{Direction.MUDIK}' AND {_IS_OWN} AND {_TAKES_A_RETURN} AS takes_a_return
            ) home
            CROSS JOIN LATERAL (
                SELECT concat_ws('{_BETWEEN}', r.organizer_code, o.name, r.direction, r.service, r.status,
                    {_REGISTERED_ON}, r.{HOLDS_SEAT}, home.takes_a_return) AS told
            ) one
        ) held
        LEFT JOIN LATERAL (
            SELECT reason, since, until_season FROM nik_block b WHERE b.nik_index = asked.nik_index
                AND b.lifted_at IS NULL AND season.year BETWEEN b.from_season AND b.until_season
                AND NOT asker.is_used_up
            ORDER BY until_season DESC, since LIMIT 1
        ) block ON true
    ), allowed AS (
        SELECT a.organizer_code, {allowance.sql_per_day("a")} AS per_day, {allowance.sql_used("a")} AS used,
               named.foreign_niks
        FROM nik_allowance a JOIN (
            SELECT asker, count(*) AS foreign_niks FROM found WHERE season IS NOT NULL AND NOT is_own GROUP BY asker
        ) named ON named.asker = a.organizer_code
        ORDER BY a.organizer_code FOR NO KEY UPDATE OF a
    ), taken AS (
        UPDATE nik_allowance a
        SET {allowance.sql_today("allowed.used + least(foreign_niks, greatest(0, per_day - allowed.used))")}
        FROM allowed WHERE a.organizer_code = allowed.organizer_code
    ), told AS (
        SELECT found.*, is_own OR (
                   NOT is_used_up AND row_number() OVER (PARTITION BY asker, is_own ORDER BY place) <= per_day - used
               ) AS is_told
        FROM found LEFT JOIN allowed ON allowed.organizer_code = asker
    ), written_down AS (
        {access_log.INSERT}
        SELECT :now, client_id, asker, nik_index, area, '{Purpose.CHECK}', direction, service,
               CASE WHEN is_told THEN outcome ELSE '{NikOutcome.UNDECIDED}' END
        FROM told WHERE season IS NOT NULL ORDER BY place
    )
    SELECT season, CASE WHEN is_told AND NOT is_own THEN held ELSE own END AS held,
           CASE WHEN is_told THEN reason END AS reason, since, until_season, needs_outbound, is_told,
           CASE WHEN is_told THEN outcome WHEN is_registered THEN '{NikOutcome.REGISTERED}'
                ELSE '{NikOutcome.UNDECIDED}' END AS outcome
    FROM told ORDER BY place
    """,
    _FoundOfNik,
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
    refused = await _refused_by_budget(session, checks, now, together=together)
    judged: list[nik.Nik | NikInvalid | TooManyChecks] = await each(
        lambda pair: pair[1] or nik.parse(pair[0].nik, today), list(zip(checks, refused, strict=True))
    )
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
    checks = await each(lambda pair: _asked(*pair, vault), asked)
    found = await session.rows(_ANSWER, now=now, today=wib_day(now), **_ASKED.of(checks))
    if found[0].season is None:
        raise RefusalError(NotFound("season"))
    return await each(lambda pair: _answer(*pair[0], pair[1]), list(zip(asked, found, strict=True)))


def _asked(one: Check, parsed: nik.Nik, vault: Vault) -> _AskedCheck:
    return _AskedCheck(
        nik_index=vault.blind_index(parsed.digits),
        area=vault.area(parsed.digits),
        direction=one.direction,
        service=one.service,
        client_id=one.caller.client_id or access_log.COMMAND_LINE,
        asker=one.caller.organizer,
    )


def _answer(one: Check, parsed: nik.Nik, row: _FoundOfNik) -> Answer:
    held = () if row.held is None else tuple(_held(one.caller, *text.split(_BETWEEN)) for text in row.held)
    asked = claims.asked(one.direction, one.service)
    return Answer(
        nik=parsed.digits,
        outcome=NikOutcome(row.outcome),
        asked=asked,
        held=held,
        is_partial=not row.is_told,
        needs_outbound=row.needs_outbound,
        standing=claims.standing(asked, held) if held else (),
        block=None if row.reason is None else StandingBlock(row.reason, row.since, row.until_season),
        warnings=parsed.warnings,
        outbound_stands=claims.outbound_stands(asked, held),
    )


def _held(
    caller: Caller,
    organizer: str,
    organizer_name: str,
    direction: str,
    service: str,
    status: str,
    registered_on: str,
    holds_seat: str,
    takes_a_return: str,
) -> CheckedHolder:
    standing = Standing(
        organizer=organizer,
        organizer_name=organizer_name,
        direction=direction,
        service=service,
        status=status,
        registered_on=date.fromisoformat(registered_on),
        own=caller.owns(organizer),
    )
    return CheckedHolder(standing, holds_seat == "t", takes_a_return == "t")
