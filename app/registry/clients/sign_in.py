"""Signing in without a password: a link that somebody of the staff gets, good once and for 15 minutes; then a session.

Tokens have 256 random bits; only their SHA-256 is kept. A session is begun under a new token each time, so that nobody
can prepare the token of somebody else's session.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, refuses
from app.registry.clients import staff
from app.registry.clients.clients import digest
from app.sql import statement

LINK_GOOD_FOR = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=8)
"""A shift. Whoever works longer signs in again."""


@dataclass(frozen=True, slots=True)
class Token:
    """Shown now and never again."""

    text: str = field(repr=False)
    ends_at: datetime


class LinkHolder(NamedTuple):
    """For whom a link is."""

    email: str
    role: str
    organizer: str
    organizer_name: str
    ends_at: datetime


class SignedIn(NamedTuple):
    """Whose session it is, and what the person may do now."""

    id: str
    email: str
    role: str
    organizer: str
    organizer_name: str
    scopes: list[str]
    members: list[str]
    ends_at: datetime


_ADD_LINK = statement("INSERT INTO sign_in_link (digest, staff_id, ends_at) VALUES (:digest, :staff_id, :ends_at)")
_FORGET_LINKS = statement("DELETE FROM sign_in_link WHERE staff_id = :staff_id OR ends_at <= :now")
_FORGET_SESSIONS = statement("DELETE FROM staff_session WHERE ends_at <= :now")
_HOLDER = statement(
    """
    SELECT staff.email, staff.role, organizer.code AS organizer, organizer.name AS organizer_name, link.ends_at
    FROM sign_in_link link
    JOIN staff ON staff.id = link.staff_id AND staff.removed_at IS NULL
    JOIN client ON client.id = staff.id JOIN organizer ON organizer.code = client.organizer_code
    WHERE link.digest = :digest AND link.ends_at > :now
    """,
    LinkHolder,
)
_LOCK_HOLDER = statement(
    """
    SELECT staff.id FROM staff JOIN sign_in_link link ON link.staff_id = staff.id
    WHERE link.digest = :digest AND link.ends_at > :now AND staff.removed_at IS NULL
    FOR NO KEY UPDATE OF staff
    """,
    str,
)
_USE_LINK = statement("DELETE FROM sign_in_link WHERE digest = :digest")
_BEGIN = statement(
    """
    WITH who AS (UPDATE staff SET last_signed_in_at = :now WHERE id = :staff_id RETURNING id)
    INSERT INTO staff_session (digest, staff_id, began_at, ends_at) SELECT :digest, id, :now, :ends_at FROM who
    """
)
_END = statement("DELETE FROM staff_session WHERE digest = :digest")
_WHO = statement(
    """
    SELECT staff.id, staff.email, staff.role, organizer.code AS organizer, organizer.name AS organizer_name,
           client.scopes, ARRAY(SELECT code FROM organizer WHERE coordinator_code = client.organizer_code) AS members,
           standing.ends_at
    FROM staff_session standing
    JOIN staff ON staff.id = standing.staff_id AND staff.removed_at IS NULL
    JOIN client ON client.id = staff.id AND client.revoked_at IS NULL
    JOIN organizer ON organizer.code = client.organizer_code
    WHERE standing.digest = :digest AND standing.ends_at > :now
    """,
    SignedIn,
)


@refuses(InvalidValue, NotFound)
async def make_link(session: Session, email: str, now: datetime) -> Token | Refusal:
    """A new link for somebody of the staff. The one before it, if it was not used, ends."""
    address = staff.addressed(email)
    if isinstance(address, InvalidValue):
        return address
    person = await staff.find(session, address)
    if person is None:
        return NotFound("email", what="staff")
    await session.run(_FORGET_LINKS, staff_id=person.id, now=now)
    link = Token(secrets.token_urlsafe(32), now + LINK_GOOD_FOR)
    await session.run(_ADD_LINK, digest=digest(link.text), staff_id=person.id, ends_at=link.ends_at)
    return link


async def holder_of(session: Session, link: str, now: datetime) -> LinkHolder | None:
    """For whom the link is. Looking does not use it up. None: it is used, late, or none of ours."""
    return await session.first(_HOLDER, digest=digest(link), now=now)


async def redeem(session: Session, link: str, now: datetime) -> Token | None:
    """Begin a session. None: the link is used, late, or none of ours. Of two that come at once, one gets a session."""
    # The person is locked before the link, as whoever removes the person does.
    staff_id = await session.first(_LOCK_HOLDER, digest=digest(link), now=now)
    if staff_id is None or not await session.run(_USE_LINK, digest=digest(link)):
        return None
    return await _begin(session, staff_id, now)


async def begin_for(session: Session, email: str, now: datetime) -> Token | None:
    """Begin a session of whoever has this e-mail, as a provider has verified. None: nobody of the staff."""
    address = staff.addressed(email)
    person = None if isinstance(address, InvalidValue) else await staff.find(session, address)
    return None if person is None else await _begin(session, person.id, now)


async def _begin(session: Session, staff_id: str, now: datetime) -> Token:
    await session.run(_FORGET_SESSIONS, now=now)
    token = Token(secrets.token_urlsafe(32), now + SESSION_LASTS)
    await session.run(_BEGIN, digest=digest(token.text), staff_id=staff_id, now=now, ends_at=token.ends_at)
    return token


async def end(session: Session, token: str) -> None:
    """Sign out. Ending a session again changes nothing."""
    await session.run(_END, digest=digest(token))


async def who(session: Session, token: str, now: datetime) -> SignedIn | None:
    return await session.first(_WHO, digest=digest(token), now=now)
