"""Staff: the people who may sign in to the pages, each known by e-mail, each with one role.

A person acts as a client of its own: with the scopes of the role, under its own id in the change log. The id tells
nobody who the person is; the list of staff does. A removed person stays in the list, so that the log can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, refuses
from app.models.enums import ChangeKind, StaffRole
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients.clients import new_id
from app.registry.clients.scopes import (
    CLIENTS_WRITE,
    DASHBOARD_READ,
    NIK_CHECK,
    POSKO_ACT,
    REGISTRANTS_READ,
    REGISTRANTS_WRITE,
    ROUTES_WRITE,
    SCOPES,
    for_client_of,
)
from app.sql import statement

SCOPES_OF: Mapping[StaffRole, tuple[str, ...]] = MappingProxyType(
    {
        StaffRole.OPERATOR: tuple(SCOPES),
        StaffRole.ORGANIZER: (NIK_CHECK, REGISTRANTS_WRITE, REGISTRANTS_READ, ROUTES_WRITE, CLIENTS_WRITE),
        StaffRole.POSKO: (POSKO_ACT,),
        StaffRole.VIEWER: (DASHBOARD_READ,),
    }
)
"""What a role may do is what a client with these scopes may do. Those of operator and viewer are for Hubdat alone."""

CHECKS_AT_ONCE = 100
CHECKS_PER_SECOND = 1
"""Of a person, who types NIKs."""
LONGEST_EMAIL = 254
"""RFC 5321 §4.5.3.1.3."""

_EMAIL = re.compile(r"(?!.*\d{16})[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+")
_COLUMNS = """
    staff.id, staff.email, client.organizer_code AS organizer, staff.role, staff.added_at, staff.last_signed_in_at,
    staff.removed_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffPerson:
    id: str
    email: str
    organizer: str
    role: str
    added_at: datetime
    last_signed_in_at: datetime | None
    removed_at: datetime | None


_FIND = statement(
    f"""
    SELECT {_COLUMNS} FROM staff JOIN client ON client.id = staff.id
    WHERE staff.email = :email AND staff.removed_at IS NULL
    FOR NO KEY UPDATE OF staff
    """,
    StaffPerson,
)
_ALL = statement(
    f"""
    SELECT {_COLUMNS} FROM staff JOIN client ON client.id = staff.id
    WHERE staff.removed_at IS NULL OR CAST(:removed AS boolean)
    ORDER BY client.organizer_code, staff.email, staff.added_at
    """,
    StaffPerson,
)
_ADD = statement(
    f"""
    WITH client AS (
        INSERT INTO client (id, organizer_code, scopes, check_capacity, check_refill, issued_at)
        SELECT :id, code, CAST(:scopes AS text[]), :capacity, :refill, :now FROM organizer WHERE code = :organizer
        RETURNING id, organizer_code
    ), budget AS (
        INSERT INTO check_budget (client_id, tokens, refilled_at) SELECT id, :capacity, :now FROM client
    ), staff AS (
        INSERT INTO staff (id, email, role, added_at) SELECT id, :email, :role, :now FROM client RETURNING *
    )
    SELECT {_COLUMNS} FROM staff JOIN client ON client.id = staff.id
    """,
    StaffPerson,
)
_REMOVE = statement("UPDATE staff SET removed_at = :now WHERE id = :id")
_REVOKE = statement("UPDATE client SET revoked_at = :now WHERE id = :id")
_END_SESSIONS = statement("DELETE FROM staff_session WHERE staff_id = :id")
_DROP_LINKS = statement("DELETE FROM sign_in_link WHERE staff_id = :id")


@refuses(InvalidValue, NotFound)
async def add(
    session: Session, caller: Caller, email: str, organizer: str, role: str, now: datetime
) -> StaffPerson | Refusal:
    """Somebody new, who may sign in from now on."""
    address = addressed(email)
    if isinstance(address, InvalidValue):
        return address
    if role not in set(StaffRole):
        known = ", ".join(StaffRole)
        return InvalidValue("role", f"Peran yang ada: {known}.", f"The roles are: {known}.")
    if isinstance(for_client_of(organizer, SCOPES_OF[StaffRole(role)]), Refusal):
        return InvalidValue(
            "role", f"Peran {role} hanya untuk orang Hubdat.", f"The role {role} is for people of hubdat alone."
        )
    if await find(session, address) is not None:
        return InvalidValue(
            "email",
            "Alamat ini sudah terdaftar; keluarkan dulu untuk mengubah perannya.",
            "This address is in the list; remove it first to change its role.",
        )
    added = await session.first(
        _ADD,
        id=new_id("staff", 12),
        email=address,
        organizer=organizer,
        role=role,
        scopes=list(SCOPES_OF[StaffRole(role)]),
        capacity=CHECKS_AT_ONCE,
        refill=CHECKS_PER_SECOND,
        now=now,
    )
    if added is None:
        return NotFound("organizer")
    await _log(session, ChangeKind.STAFF_ADDED, caller, added, now)
    return added


@refuses(InvalidValue, NotFound)
async def remove(session: Session, caller: Caller, email: str, now: datetime) -> StaffPerson | Refusal:
    """The person may not sign in any more; the sessions end within a second, as a revoked client does."""
    address = addressed(email)
    if isinstance(address, InvalidValue):
        return address
    person = await find(session, address)
    if person is None:
        return NotFound("email", what="staff")
    for ending in (_END_SESSIONS, _DROP_LINKS):
        await session.run(ending, id=person.id)
    for change in (_REMOVE, _REVOKE):
        await session.run(change, id=person.id, now=now)
    await _log(session, ChangeKind.STAFF_REMOVED, caller, person, now)
    return person


async def find(session: Session, email: str) -> StaffPerson | None:
    """Locks the person: who is removed, or gets a link or a session, does so one after the other."""
    return await session.first(_FIND, email=email)


async def all_of(session: Session, *, removed: bool = False) -> list[StaffPerson]:
    """Everybody who may sign in, by organizer and address; with `removed` also those who were removed."""
    return await session.rows(_ALL, removed=removed)


@refuses(InvalidValue)
def addressed(email: str) -> str | InvalidValue:
    """The address as it is compared: in small letters."""
    address = email.strip().lower()
    if len(address) > LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        return InvalidValue("email", "Tulis satu alamat surel.", "Write one e-mail address.")
    return address


async def _log(session: Session, kind: ChangeKind, caller: Caller, person: StaffPerson, now: datetime) -> None:
    facts: dict[str, object] = {"staff": person.id, "role": person.role}
    if kind == ChangeKind.STAFF_REMOVED:
        facts = {"staff": person.id, "role": None, "was": {"role": person.role}}
    entry = change_log.Entry(kind=kind, organizer=person.organizer, client_id=caller.client_id, facts=facts)
    await change_log.append(session, [entry], now)
