"""The order of the change log, and how it is read without a gap: by (xact_id, id), settled rows only.

Ids commit out of order. A row is settled when every transaction that is older than its own or as old has ended; what is
settled never gets a predecessor any more, so a position in the log is good for ever.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from struct import Struct
from typing import Any

_VERSION = b"\x01"
_PLACE = Struct(">QQ")

SETTLED = "c.xact_id < pg_snapshot_xmin(pg_current_snapshot())"
AFTER = "(c.xact_id, c.id) > (CAST(CAST(:xact_id AS text) AS xid8), CAST(:change_id AS bigint))"
"""Of rows of `change c` behind a position, whose `values()` are the parameters."""
IN_ORDER = "c.xact_id, c.id"


class InvalidCursor(ValueError):  # noqa: N818 - an answer
    """What was given is no cursor of ours."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row of the log; behind it reading goes on."""

    xact_id: int
    id: int

    def values(self) -> dict[str, Any]:
        return {"xact_id": str(self.xact_id), "change_id": self.id}


START = Position(0, 0)
"""Before the first row."""


def cursor(position: Position) -> str:
    return urlsafe_b64encode(_VERSION + _PLACE.pack(position.xact_id, position.id)).rstrip(b"=").decode()


def position(cursor_: str) -> Position:
    """Raises `InvalidCursor`."""
    try:
        raw = urlsafe_b64decode(cursor_ + "=" * (-len(cursor_) % 4))
    except ValueError:
        raise InvalidCursor from None
    if raw[:1] != _VERSION or len(raw) != 1 + _PLACE.size:
        raise InvalidCursor
    found = Position(*_PLACE.unpack(raw[1:]))
    if cursor(found) != cursor_:
        raise InvalidCursor
    return found
