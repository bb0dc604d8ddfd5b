"""Cursors of the change log: a position as a client sees it, which knows the row that it stands on.

A standby that is promoted may lack what the primary had acknowledged, and so does a dump that is restored. Then other
changes come to the places of those that were lost. A cursor therefore holds the random mark of its row. It is accepted
if and only if that row is there, whatever else has happened to the database.

A cursor also holds when its row was written. Of a row that is lost, this tells the last place that both histories
share: what was lost was written before the new history began, so a row that is some time older stands in both.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from struct import Struct

from app.changes.log.feed import MARK, MARK_BYTES, START, XACT_ID, Position
from app.db import Session
from app.sql import statement

_WITHOUT_MARK, _VERSION = b"\x01", b"\x02"
"""Version 0.3 gave cursors without a mark. They stay good as long as there is a row at their place."""
_PLACE = Struct(">qq")
_AT = Struct(">q")
"""Microseconds since 1970."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
CLOCKS_DIFFER_BY = timedelta(minutes=1)
"""By so much the clocks of the lost database and of this one may differ. Changes of that time are told twice."""

# The newest row before the lost place that is old enough. The search goes backwards, and passes only rows that came to
# the places of lost ones.
_SHARED = statement(
    f"""
    SELECT CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id, {MARK} AS mark, c.at FROM change c
    WHERE (c.xact_id, c.id) < ({XACT_ID}, CAST(:change_id AS bigint)) AND c.at <= CAST(:at AS timestamptz)
    ORDER BY c.xact_id DESC, c.id DESC LIMIT 1
    """,
    Position,
)


class InvalidCursor(ValueError):  # noqa: N818 - an answer
    """What was given is no cursor of ours."""


def cursor(position: Position) -> str:
    place = _PLACE.pack(position.xact_id, position.id)
    if position.mark is None or position.at is None:
        return _written(_WITHOUT_MARK + place)
    return _written(_VERSION + place + position.mark + _AT.pack((position.at - _EPOCH) // _MICROSECOND))


def position(cursor_: str) -> Position:
    """Raises `InvalidCursor`."""
    try:
        raw = urlsafe_b64decode(cursor_ + "=" * (-len(cursor_) % 4))
        if _written(raw) != cursor_:
            raise InvalidCursor
        return _read(raw)
    except (ValueError, OverflowError):
        raise InvalidCursor from None


async def last_shared(session: Session, lost: Position) -> Position:
    """The last place of which it is known that the history of `lost` shares it with this log."""
    if lost.at is None:
        return START
    return await session.first(_SHARED, **lost.values(), at=lost.at - CLOCKS_DIFFER_BY) or START


def _read(raw: bytes) -> Position:
    version, place, proof = raw[:1], raw[1 : 1 + _PLACE.size], raw[1 + _PLACE.size :]
    marked = version == _VERSION and len(proof) == MARK_BYTES + _AT.size
    if len(place) != _PLACE.size or not (marked or (version == _WITHOUT_MARK and not proof)):
        raise InvalidCursor
    xact_id, id_ = _PLACE.unpack(place)
    if min(xact_id, id_) < 0:
        raise InvalidCursor
    if not marked:
        return Position(xact_id, id_)
    (at,) = _AT.unpack(proof[MARK_BYTES:])
    return Position(xact_id, id_, proof[:MARK_BYTES], _EPOCH + timedelta(microseconds=at))


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
