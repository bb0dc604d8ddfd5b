"""An entry of a log's chain: a seal over a stretch of rows, or the record of a month that was purged.

It is a JWS (RFC 7515) whose payload says the number, the digest of the entry before, up to which row the log is sealed,
and the digest of the list of rows, or which month was purged. So whoever changes an entry has to sign it anew, and all
that follow.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from struct import Struct
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.changes.log.feed import Position
from app.changes.seals.logs import FORM_OF_DIGESTS, SealedRow

ALGORITHM = "ES256"
TYPE = "pemudik-seal"
"""In the header: no access token is taken for a seal, nor a seal for a token."""

_LISTED = Struct(">qqi32s")

Jwk = Mapping[str, Any]


class NotSealed(Exception):  # noqa: N818 - an outcome
    """What was given is no entry, or nobody with that key signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """The record of a month that is dropped."""

    first: int
    end: int
    """The months from `first` on, `end` left out, as in `registry.log_months`."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealEntry:
    log: str
    number: int
    at: datetime
    before: str | None
    """The digest of the entry before. None: it is the first one."""
    through: Position
    """The last row that is sealed."""
    rows: int = 0
    listed: str | None = None
    """The digest of the list of rows. None: the record of a purge."""
    purged: Purged | None = None

    def signed(self, key: Jwk) -> str:
        header = {"alg": ALGORITHM, "kid": key["kid"], "typ": TYPE}
        return jws.serialize_compact(header, orjson.dumps(self._payload()), ECKey.import_key(dict(key)))

    def _payload(self) -> dict[str, object]:
        said: dict[str, object] = {
            "log": self.log,
            "number": self.number,
            "at": self.at.isoformat(),
            "before": self.before,
            "through": [self.through.xact_id, self.through.id],
        }
        if self.purged is not None:
            return said | {"purged": [self.purged.first, self.purged.end, self.purged.rows]}
        return said | {"form": FORM_OF_DIGESTS, "rows": self.rows, "listed": self.listed}


def digest(signed: str) -> str:
    """By which the entry behind names this one."""
    return sha256(signed.encode()).hexdigest()


def key_id(signed: str) -> str:
    """Which key is said to have signed. Raises `NotSealed`."""
    try:
        return str(jws.extract_compact(signed.encode()).headers()["kid"])
    except (JoseError, ValueError, LookupError, TypeError):
        raise NotSealed from None


def opened(signed: str, key: Jwk) -> SealEntry:
    """What was signed with `key`. Raises `NotSealed`."""
    try:
        found = jws.deserialize_compact(signed, ECKey.import_key(dict(key)), algorithms=[ALGORITHM])
        if found.headers().get("typ") != TYPE:
            raise NotSealed
        return _entry(orjson.loads(found.payload))
    except (JoseError, ValueError, LookupError, TypeError):
        raise NotSealed from None


def _entry(said: dict[str, Any]) -> SealEntry:
    purged = None
    if "purged" in said:
        first, end, rows = said["purged"]
        purged = Purged(first=first, end=end, rows=rows)
    elif said["form"] != FORM_OF_DIGESTS:
        raise NotSealed
    return SealEntry(
        log=said["log"],
        number=said["number"],
        at=datetime.fromisoformat(said["at"]),
        before=said["before"],
        through=Position(*said["through"]),
        rows=said.get("rows", 0),
        listed=said.get("listed"),
        purged=purged,
    )


def packed(rows: Sequence[SealedRow]) -> tuple[bytes, str]:
    """The list of a seal as it is kept, and its digest."""
    listed = b"".join(_LISTED.pack(*row) for row in rows)
    return zlib.compress(listed, 1), sha256(listed).hexdigest()


def unpacked(kept: bytes, most: int) -> tuple[list[SealedRow], str]:
    """The list of a seal of up to `most` rows, and its digest. Raises `NotSealed`."""
    try:
        opener = zlib.decompressobj()
        listed = opener.decompress(kept, most * _LISTED.size + 1)
        if len(listed) % _LISTED.size or opener.unconsumed_tail:
            raise NotSealed
        return [SealedRow(*one) for one in _LISTED.iter_unpack(listed)], sha256(listed).hexdigest()
    except zlib.error:
        raise NotSealed from None


def public(key: Jwk) -> dict[str, Any]:
    """The public half of a signing key, by which anybody verifies."""
    return {**ECKey.import_key(dict(key)).as_dict(private=False), "kid": key["kid"]}
