"""Cases: each refused duplicate opens or joins the case of the registrant that has the NIK (unique `holder_id`).

A case is OPEN, then CONFIRMED or NOT_DUPLICATE: it says who decided, when, and why. NOT_DUPLICATE names the organizer
that mistyped the NIK, and asks that organizer for a correction. An open case closes by itself when its holder has gone:
ended, erased, or corrected to another NIK. A clearly different name marks the case as `suspect`, since people were
blocked for a clerk's typing error. A case blocks nobody by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import Session
from app.models.enums import CaseState, ChangeKind
from app.models.statuses import HOLDS_NIK
from app.registry import change_log
from app.registry.registrants.uniqueness import NikHolder
from app.sql import Arrays, Statement, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A NIK that `holder` has and `organizer` brought as well."""

    holder: NikHolder
    season: int
    organizer: str
    nik_index: bytes
    name_sealed: bytes
    """Under which `organizer` brought the NIK."""
    client_id: str | None
    suspect: bool
    refused: bool
    """False: nothing was refused, the names only look like a typing error."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """An organizer that brought the NIK of a case, how often and when."""

    organizer: str
    attempts: int
    first_at: datetime
    last_at: datetime


class _StoredClaimant(NamedTuple):
    organizer: str
    attempts: int
    first_at: str
    last_at: str
    refused: int
    first_refused_at: str | None
    last_refused_at: str | None

    @property
    def whole(self) -> Claimant:
        return Claimant(
            self.organizer, self.attempts, datetime.fromisoformat(self.first_at), datetime.fromisoformat(self.last_at)
        )

    @property
    def refusals(self) -> Claimant | None:
        """What the claimant was told itself. None: it was never refused, and only the names looked like a mistake."""
        if self.first_refused_at is None or self.last_refused_at is None:
            return None
        first, last = (datetime.fromisoformat(one) for one in (self.first_refused_at, self.last_refused_at))
        return Claimant(self.organizer, self.refused, first, last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    id: UUID
    season: int
    direction: str
    service: str
    state: str
    suspect: bool | None
    """None: it is told to an organizer, and no organizer learns whether another's name is like its own."""
    holder: str
    """The organizer whose registrant has the NIK."""
    holder_id: UUID
    was_refused: bool
    """Somebody was refused. Else only the names look like a typing error, and only Hubdat knows of the case."""
    mistyped_by: str | None
    """The organizer that is asked to correct its NIK."""
    claimants: tuple[Claimant, ...]
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None


class _CaseToOpen(NamedTuple):
    id: UUID
    season: int
    direction: str
    service: str
    holder_id: UUID
    suspect: bool


class _CaseOfHolder(NamedTuple):
    holder_id: UUID
    case_id: UUID


class _ClaimantAttempts(NamedTuple):
    holder_id: UUID
    organizer_code: str
    attempts: int
    refused: int
    nik_index: bytes
    name_sealed: bytes


class _CaseRow(NamedTuple):
    id: UUID
    season: int
    direction: str
    service: str
    state: str
    suspect: bool
    holder: str
    holder_id: UUID
    mistyped_by: str | None
    opened_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    claimants: str
    """JSON."""


_OPENED = Arrays("opened", _CaseToOpen)
_OPENED_COLUMNS = ", ".join(_CaseToOpen._fields)
_ATTEMPTS = Arrays("claim", _ClaimantAttempts)
_CLAIMED = "organizer_code, attempts, refused, nik_index, name_sealed"
_IF_REFUSED = "CASE WHEN refused > 0 THEN CAST(:now AS timestamptz) END"
_OPEN = statement(
    f"""
    WITH joined AS (
        INSERT INTO duplicate_case ({_OPENED_COLUMNS}, state, opened_at)
        SELECT {_OPENED_COLUMNS}, '{CaseState.OPEN}', :now FROM {_OPENED} ORDER BY holder_id
        ON CONFLICT (holder_id) DO UPDATE SET suspect = duplicate_case.suspect OR excluded.suspect,
            state = CASE duplicate_case.state
                WHEN '{CaseState.CLOSED}' THEN excluded.state ELSE duplicate_case.state END,
            decided_at = CASE duplicate_case.state
                WHEN '{CaseState.CLOSED}' THEN NULL ELSE duplicate_case.decided_at END
        RETURNING holder_id, id AS case_id
    ), claimed AS (
        INSERT INTO case_claim (case_id, {_CLAIMED}, first_at, last_at, first_refused_at, last_refused_at)
        SELECT case_id, {_CLAIMED}, :now, :now, {_IF_REFUSED}, {_IF_REFUSED}
        FROM joined JOIN {_ATTEMPTS} ON claim.holder_id = joined.holder_id ORDER BY case_id, organizer_code
        ON CONFLICT (case_id, organizer_code) DO UPDATE SET
            attempts = case_claim.attempts + excluded.attempts, last_at = excluded.last_at,
            nik_index = excluded.nik_index, name_sealed = excluded.name_sealed,
            refused = case_claim.refused + excluded.refused,
            first_refused_at = coalesce(case_claim.first_refused_at, excluded.first_refused_at),
            last_refused_at = coalesce(excluded.last_refused_at, case_claim.last_refused_at)
    )
    SELECT holder_id, case_id FROM joined
    """,
    _CaseOfHolder,
)
_CASES = """
    SELECT c.id, c.season, c.direction, c.service, c.state, c.suspect, holder.organizer_code AS holder, c.holder_id,
        c.mistyped_by, c.opened_at, c.decided_at, c.decided_by, c.reason,
        (SELECT json_agg(json_build_object('organizer', organizer_code, 'attempts', attempts, 'first_at', first_at,
                                           'last_at', last_at, 'refused', refused, 'first_refused_at', first_refused_at,
                                           'last_refused_at', last_refused_at) ORDER BY first_at, organizer_code)
         FROM case_claim WHERE case_id = c.id)::text AS claimants
    FROM duplicate_case c JOIN registrant holder ON holder.id = c.holder_id
"""
# Whoever has ended holds no NIK. A correction of the NIK after the last claim leads away from the dispute.
HOLDER_HAS_GONE = f"""
    (NOT holder.{HOLDS_NIK} OR holder.erased_at IS NOT NULL OR EXISTS (
        SELECT FROM change k WHERE k.registrant_id = holder.id AND k.kind = '{ChangeKind.REGISTRANT_CORRECTED}'
            AND k.facts -> 'fields' ? 'nik' AND k.at > (SELECT max(last_at) FROM case_claim WHERE case_id = c.id)
    ))
"""
_NEWEST, _OLDEST = UUID(int=2**128 - 1), UUID(int=0)
"""Where a list begins that goes back from the newest case, or on from the oldest: no case has such an id."""


def _listed(behind: str, order: str) -> Statement[_CaseRow]:
    return statement(
        f"""
        {_CASES}
        WHERE (CAST(:state AS text) IS NULL OR c.state = :state)
          AND (NOT :asked OR (c.mistyped_by IS NOT NULL AND NOT {HOLDER_HAS_GONE}
               AND (CAST(:own AS text[]) IS NULL OR c.mistyped_by = ANY(CAST(:own AS text[])))))
          AND c.id {behind}
          AND (CAST(:own AS text[]) IS NULL OR c.mistyped_by = ANY(CAST(:own AS text[]))
               OR EXISTS (SELECT FROM case_claim k WHERE k.case_id = c.id AND k.refused > 0 AND (
                   k.organizer_code = ANY(CAST(:own AS text[])) OR holder.organizer_code = ANY(CAST(:own AS text[])))))
        ORDER BY c.id {order} LIMIT :most
        """,
        _CaseRow,
    )


_PAGE = _listed(f"< coalesce(CAST(:after AS uuid), '{_NEWEST}')", "DESC")
_PAGE_OF_THE_OLDEST = _listed(f"> coalesce(CAST(:after AS uuid), '{_OLDEST}')", "ASC")
_LOCK = statement(f"{_CASES} WHERE c.id = :id FOR UPDATE OF c", _CaseRow)


async def open_or_join(session: Session, disputes: Sequence[Dispute], now: datetime) -> list[change_log.Entry]:
    """Open a case for each holder, or join it. Answers what is to be logged, for the holder's organizer."""
    attempts = Counter((one.holder.id, one.organizer) for one in disputes)
    refused = Counter((one.holder.id, one.organizer) for one in disputes if one.refused)
    last = {(one.holder.id, one.organizer): one for one in disputes}
    tried = [
        _ClaimantAttempts(*side, count, refused[side], last[side].nik_index, last[side].name_sealed)
        for side, count in attempts.items()
    ]
    arguments = _OPENED.of(_opened(disputes)) | _ATTEMPTS.of(tried)
    case_of = {row.holder_id: row.case_id for row in await session.rows(_OPEN, now=now, **arguments)}
    return [_told(one, case_of[one.holder.id]) for one in disputes]


def _opened(disputes: Sequence[Dispute]) -> list[_CaseToOpen]:
    """A case for each holder."""
    by_holder = {one.holder.id: one for one in disputes}
    suspects = {one.holder.id for one in disputes if one.suspect}
    return [
        _CaseToOpen(
            id=uuid7(),
            season=one.season,
            direction=one.holder.direction,
            service=one.holder.service,
            holder_id=holder,
            suspect=holder in suspects,
        )
        for holder, one in by_holder.items()
    ]


async def page(
    session: Session,
    state: str | None,
    own: Collection[str] | None = None,
    *,
    asked: bool = False,
    oldest_first: bool = False,
    after: UUID | None,
    first: int,
) -> list[Case]:
    """Up to `first` + 1 cases, the newest first or the oldest: of all, or those whose NIK one of `own` has or brought.

    With `asked`: those in which a correction is asked for (of one of `own`) and has not come.

    With `own` they are told to organizers: what was refused, since both sides know of that. Nothing tells whether the
    names are alike, neither a mark nor a case or a claimant that is there because they differ.
    """
    owned = None if own is None else sorted(own)
    listed = _PAGE_OF_THE_OLDEST if oldest_first else _PAGE
    rows = await session.rows(listed, state=state, own=owned, asked=asked, after=after, most=first + 1)
    return [_case(row) if own is None else _case_of_refusals(row) for row in rows]


async def lock(session: Session, case_id: UUID) -> Case | None:
    found = await session.first(_LOCK, id=case_id)
    return None if found is None else _case(found)


def _told(one: Dispute, case_id: UUID) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.DUPLICATE_REFUSED if one.refused else ChangeKind.DUPLICATE_SUSPECTED,
        season=one.season,
        organizer=one.holder.organizer,
        registrant_id=one.holder.id,
        client_id=one.client_id,
        facts={"case": str(case_id), "claimant": one.organizer, "suspect": one.suspect},
    )


def _case(row: _CaseRow) -> Case:
    stored = [_StoredClaimant(**one) for one in orjson.loads(row.claimants)]
    told = {"was_refused": any(one.refused for one in stored), "claimants": tuple(one.whole for one in stored)}
    return Case(**row._asdict() | told)


def _case_of_refusals(row: _CaseRow) -> Case:
    """The case as organizers may know it."""
    stored = [_StoredClaimant(**one).refusals for one in orjson.loads(row.claimants)]
    claimants = sorted((one for one in stored if one is not None), key=lambda one: (one.first_at, one.organizer))
    # Nobody was refused, and Hubdat asks for a correction all the same: that is known since it is decided.
    opened_at = claimants[0].first_at if claimants else row.decided_at
    hidden = {
        "was_refused": bool(claimants),
        "suspect": None,
        "decided_by": None,
        "opened_at": opened_at,
        "claimants": tuple(claimants),
    }
    return Case(**row._asdict() | hidden)
