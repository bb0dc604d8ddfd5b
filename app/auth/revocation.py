"""A client ends an access token of its own before its time (RFC 7009): one that leaked, or one of a process that ended.

A token is signed and not stored, so what is stored is its `jti`, until the token would have expired. `auth.bearer`
reads a client's revoked tokens whenever it looks at the client.
"""

from __future__ import annotations

from datetime import datetime

from app.db import Session
from app.errors import Unavailable
from app.sql import statement

MOST_REVOKED = 1_000
"""One client has at most so many revoked tokens at a time: each look at the client reads all of them."""
AGAIN_AFTER_SECONDS = 15 * 60
"""After this time every token has expired."""

_REVOKE = statement(
    """
    INSERT INTO revoked_token (client_id, jti, expires_at) VALUES (:client_id, :jti, :expires_at)
    ON CONFLICT DO NOTHING
    """
)
_OTHERS = statement("SELECT count(*) FROM revoked_token WHERE client_id = :client_id AND jti <> :jti", int)
_FORGET = statement(
    """
    DELETE FROM revoked_token WHERE (client_id, jti) IN (
        SELECT client_id, jti FROM revoked_token WHERE expires_at < :now
        ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED
    )
    """
)


async def revoke(session: Session, client_id: str, jti: str, expires_at: datetime, now: datetime) -> None:
    """Revoking a token again changes nothing. Raises `Unavailable`: the client has revoked too many."""
    await session.run(_FORGET, now=now)
    if await session.one(_OTHERS, client_id=client_id, jti=jti) >= MOST_REVOKED:
        raise Unavailable(AGAIN_AFTER_SECONDS)
    await session.run(_REVOKE, client_id=client_id, jti=jti, expires_at=expires_at)
