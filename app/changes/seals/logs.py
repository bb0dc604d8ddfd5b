"""What is sealed of each log: the digest of a row, which stays the same when what is personal in the row is erased.

A row's digest covers its position and every column that is not personal, and a commitment to those that are. The
commitment is a digest of the row's salt and its personal columns. When these are emptied, the commitment stays behind
(a trigger writes it), and the salt goes: then nobody can find out by trying what was committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.changes.log.feed import AFTER, IN_ORDER, POSITION, SETTLED, Position
from app.models.enums import Log
from app.registry.log_months import TABLES
from app.sql import Arrays, Statement, statement

FORM_OF_DIGESTS = 1
"""The form of the digests that are made now. Another column, or another order, is another form. A seal names its."""
ROWS_OF_A_SEAL = 10_000
"""A seal has at most so many rows: they are some 0.2 seconds of work, and are in memory at the same time."""
MOST_COUNTED = 100_000
"""Rows that are not sealed are counted up to here: more would be as bad."""

INSTANTS = {"until"}
"""As text, an instant would depend on the time zone of the session."""

_MONTH = "CAST(to_char(c.at AT TIME ZONE 'UTC', 'YYYYMM') AS int)"


class SealedRow(NamedTuple):
    """A row of a log, as a seal lists it."""

    xact_id: int
    id: int
    month: int
    digest: bytes

    @property
    def position(self) -> Position:
        return Position(self.xact_id, self.id)


class Found(NamedTuple):
    """A row as it stands in the table."""

    xact_id: int
    id: int
    month: int
    digest: bytes
    unsalted: bool
    """It is older than salts, and has something personal."""
    wiped: bool

    @property
    def row(self) -> SealedRow:
        return SealedRow(self.xact_id, self.id, self.month, self.digest)


class At(NamedTuple):
    xact: str
    id: int


AT = Arrays("one", At)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLog:
    name: Log
    table: str
    columns: frozenset[str]
    """The columns under the digest, beside the position and `at`."""
    next: Statement[Found]
    """The settled rows behind a position."""
    between: Statement[Found]
    """The rows behind a position, up to another one: one more than a seal can list."""
    salt: Statement[None]
    behind: Statement[int]
    """How many rows are behind a position, at most `MOST_COUNTED`."""


def _log(name: Log, personal: Sequence[str], others: Sequence[str]) -> SealedLog:
    table = TABLES[name]
    found = _digests(table, personal, others)
    through = "(c.xact_id, c.id) <= (CAST(CAST(:through_xact AS text) AS xid8), CAST(:through_id AS bigint))"
    return SealedLog(
        name=name,
        table=table,
        columns=frozenset((*personal, *others)),
        next=statement(f"{found} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT {ROWS_OF_A_SEAL}", Found),
        between=statement(f"{found} AND {through} ORDER BY {IN_ORDER} LIMIT {ROWS_OF_A_SEAL + 1}", Found),
        # Nothing is changed: the trigger gives a salt to the row, since it has none.
        salt=statement(
            f"""
            UPDATE {table} c SET client_id = c.client_id FROM {AT}
            WHERE c.xact_id = CAST(one.xact AS xid8) AND c.id = one.id AND c.salt IS NULL
            """
        ),
        behind=statement(
            f"SELECT count(*) FROM (SELECT FROM {table} c WHERE {AFTER} ORDER BY {IN_ORDER} LIMIT {MOST_COUNTED}) c",
            int,
        ),
    )


def _digests(table: str, personal: Sequence[str], others: Sequence[str]) -> str:
    """The rows behind a position, each with its digest."""
    has_personal = f"num_nonnulls({', '.join(f'c.{one}' for one in personal)}) > 0"
    commitment = f"""
        CASE WHEN {has_personal}
             THEN sha256(coalesce(c.salt, '') || convert_to(CAST(ROW({_listed(personal)}) AS text), 'UTF8'))
             ELSE coalesce(c.commitment, '') END
    """
    # A row as text is the same for the same values, and another for others: NULL is not the empty text, and quotes are
    # doubled.
    rest = f"CAST(ROW(c.xact_id, c.id, extract(epoch FROM c.at), {_listed(others)}) AS text)"
    return f"""
        SELECT {POSITION}, {_MONTH} AS month, sha256(convert_to({rest}, 'UTF8') || {commitment}) AS digest,
               {has_personal} AND c.salt IS NULL AS unsalted,
               NOT {has_personal} AND c.commitment IS NOT NULL AS wiped
        FROM {table} c WHERE {AFTER}
    """


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"extract(epoch FROM c.{one})" if one in INSTANTS else f"c.{one}" for one in columns)


CHANGES = _log(
    Log.CHANGES,
    ["reason"],
    [
        "mark",
        "kind",
        "season",
        "organizer_code",
        "registrant_id",
        "route_id",
        "from_status",
        "to_status",
        "client_id",
        "facts",
    ],
)
ACCESS = _log(
    Log.ACCESS,
    ["nik_index", "area"],
    ["client_id", "organizer_code", "purpose", "direction", "service", "outcome"],
)
READS = _log(
    Log.READS,
    ["purpose", "unfound"],
    [
        "client_id",
        "organizer_code",
        "until",
        "ends",
        "what",
        "asked",
        "count",
        "first_id",
        "last_id",
        "organizers",
        "people",
    ],
)
LOGS = (CHANGES, ACCESS, READS)
STATEMENTS = tuple(one for log in LOGS for one in (log.next, log.between, log.salt, log.behind))
