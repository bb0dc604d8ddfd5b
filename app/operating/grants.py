"""What the role of servers may do in a database that another role owns: what the rules need, and nothing to the tables.

The owner migrates. The server's role reads and writes rows. It cannot alter, drop or truncate a table, make a function
or switch off a trigger. Of the logs it may insert rows and nothing else, but for two things: it may empty personal
columns, which triggers allow and nothing more (`keep_change` and its like), and it may make and drop months by
functions that run as the owner and judge for themselves (`log_make_months`, `log_drop_month`; `delivery_drop_month` for
deliveries, which are no log).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.db import Session
from app.models.enums import Log
from app.models.personal_columns import PERSONAL_COLUMNS
from app.registry.log_months import TABLES
from app.sql import statement

SALTED_BY = "client_id"
"""A row from before salts gets one when this column is written again as it is: see `app.changes.seals.logs`."""
APPENDED = {*TABLES.values(), "log_seal", "log_key"}
WIPED = {log: (*PERSONAL_COLUMNS[log], SALTED_BY) for log in TABLES.values()}
PURGED = (TABLES[Log.ACCESS], TABLES[Log.READS])
FUNCTIONS = (
    "log_make_months(text, timestamptz, int)",
    "log_drop_month(text, text, xid8, bigint)",
    "log_shift()",
    "log_transaction(xid8)",
    "delivery_drop_month(text)",
)
MIGRATIONS = "alembic_version"


class RoleUnusable(Exception):  # noqa: N818 - a state
    """Nothing can be taken from this role; the message says why."""


class _GrantedRole(NamedTuple):
    quoted: str
    is_superuser: bool
    owns: bool
    """It is, or is a member of, the role to whom the tables belong."""


_ROLE = statement(
    """
    SELECT quote_ident(rolname) AS quoted, rolsuper AS is_superuser, pg_has_role(r.oid, c.relowner, 'MEMBER') AS owns
    FROM pg_roles r CROSS JOIN pg_class c WHERE rolname = :role AND c.oid = CAST('registrant' AS regclass)
    """,
    _GrantedRole,
)
_TABLES = statement(
    """
    SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = CAST('public' AS regnamespace) AND relkind IN ('r', 'p') AND NOT relispartition
    """,
    str,
)
# Whoever may register people in a database that is not its own is a server.
_SERVERS = statement(
    """
    SELECT DISTINCT CAST(grantee AS text) FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND table_name = 'registrant' AND privilege_type = 'INSERT'
        AND grantee <> 'PUBLIC' AND grantee <> current_user
    """,
    str,
)
_SEES_OTHERS = statement("SELECT pg_has_role(:role, 'pg_read_all_stats', 'USAGE')", bool)
_MAY_GRANT = statement(
    "SELECT rolsuper OR pg_has_role(rolname, 'pg_read_all_stats', 'MEMBER WITH ADMIN OPTION')"
    " FROM pg_roles WHERE rolname = current_user",
    bool,
)


async def grant(session: Session, role: str) -> bool:
    """Let `role` do what a server does, and nothing else. Answers whether it sees who holds back the feed.

    Raises `RoleUnusable`. A second time changes nothing.
    """
    found = await session.first(_ROLE, role=role)
    if found is None:
        raise RoleUnusable(f"There is no role {role}: CREATE ROLE … LOGIN PASSWORD … makes it.")
    if found.is_superuser or found.owns:
        why = "is a superuser" if found.is_superuser else "owns the tables"
        raise RoleUnusable(f"{role} {why}, so nothing can be taken from it: name another role for the server.")
    for granted in _grants(found.quoted, await session.rows(_TABLES)):
        await session.run(statement(granted))
    if await session.one(_MAY_GRANT):
        await session.run(statement(f"GRANT pg_read_all_stats TO {found.quoted}"))
    return await session.one(_SEES_OTHERS, role=role)


async def renew(session: Session) -> None:
    """After a migration: what servers may do is the same of new tables."""
    for role in await session.rows(_SERVERS):
        await grant(session, role)


def _grants(role: str, tables: Sequence[str]) -> Iterator[str]:
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"REVOKE ALL ON SCHEMA public FROM {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT SELECT ON {MIGRATIONS} TO {role}"
    for table in sorted({*tables} - {MIGRATIONS}):
        rights = "SELECT, INSERT" if table in APPENDED else "SELECT, INSERT, UPDATE, DELETE"
        yield f"GRANT {rights} ON {table} TO {role}"
    for log, columns in WIPED.items():
        yield f"GRANT UPDATE ({', '.join(columns)}) ON {log} TO {role}"
    # The purge looks into the default partitions by itself.
    for log in PURGED:
        yield f"GRANT SELECT, UPDATE ({', '.join(WIPED[log])}) ON {log}_default TO {role}"
    for function in FUNCTIONS:
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {role}"
