"""What must be there before a nation depends on a server: `pemudik doctor --production`."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from app.config import Settings
from app.db import Database
from app.operating import backup
from app.operating.findings import Finding, good, wrong
from app.registry.log_months import TABLES
from app.sql import statement

TLS_WITHIN_SECONDS = 5.0
FREE_SHARE = 0.1
"""Of a disk."""


class _ServerRole(NamedTuple):
    name: str
    is_superuser: bool
    changes_tables: bool
    changes_logs: bool


_ROLE = statement(
    f"""
    SELECT CAST(rolname AS text) AS name, rolsuper AS is_superuser,
           pg_has_role(r.oid, c.relowner, 'MEMBER') AS changes_tables,
           {" OR ".join(f"has_table_privilege(r.oid, '{log}', 'DELETE')" for log in TABLES.values())} AS changes_logs
    FROM pg_roles r CROSS JOIN pg_class c WHERE rolname = current_user AND c.oid = CAST('registrant' AS regclass)
    """,
    _ServerRole,
)
_SYNCHRONOUS = statement("SELECT current_setting('synchronous_standby_names')", str)
# Others' rows of this view are hidden from a role without pg_read_all_stats: then the count is 0.
_STANDBYS = statement("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')", int)


async def look(database: Database, settings: Settings, now: datetime) -> list[Finding]:
    return [
        await role(database),
        await standby(database),
        *await addresses(settings.public_url),
        backups(settings.backups, now),
        *disks({settings.home, settings.backups or settings.home}),
        proxies(settings),
        demo(settings),
    ]


async def role(database: Database) -> Finding:
    async with database.transaction() as session:
        mine = await session.one(_ROLE)
    if mine.is_superuser or mine.changes_tables or mine.changes_logs:
        may = "do everything" if mine.is_superuser else "change tables" if mine.changes_tables else "change the logs"
        todo = "Let servers connect as another role than the owner: `pemudik database grant ROLE`."
        return wrong("role", f"The server connects as {mine.name}, who may {may}.", todo)
    return good("role", f"The server connects as {mine.name}, who may change neither tables nor logs.")


async def standby(database: Database) -> Finding:
    async with database.transaction() as session:
        names, there = await session.one(_SYNCHRONOUS), await session.one(_STANDBYS)
    if not names or not there:
        todo = "Add a synchronous standby (synchronous_standby_names): without one, a failover loses registrations."
        return wrong("standby", "No synchronous standby has what is acknowledged.", todo)
    return good("standby", f"{there} synchronous standbys have what is acknowledged.")


async def addresses(public_url: str | None) -> list[Finding]:
    if public_url is None:
        return [wrong("public URL", "It is not set.", "Set PEMUDIK_PUBLIC_URL: tokens are for that address alone.")]
    there = urlsplit(public_url)
    if there.scheme != "https" or not there.hostname:
        return [wrong("public URL", f"{public_url} is no https address.", "Put TLS in front: see deploy/.")]
    found = good("public URL", f"{public_url} is what clients call.")
    return [found, await tls(there.hostname, there.port or 443)]


async def tls(host: str, port: int) -> Finding:
    """Whether somebody answers there with a certificate that clients trust."""
    try:
        async with asyncio.timeout(TLS_WITHIN_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except (OSError, TimeoutError) as error:
        why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else type(error).__name__
        return wrong("TLS", f"{host}:{port} does not answer as clients need it: {why}.", "See deploy/ for a proxy.")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return good("TLS", f"{host}:{port} answers with a trusted certificate.")


def backups(folder: Path | None, now: datetime) -> Finding:
    if folder is None:
        todo = "Set PEMUDIK_BACKUPS to the folder of `pemudik backup`, and run that each night."
        return wrong("backups", "Nobody knows where they are.", todo)
    at = backup.newest(folder) if folder.is_dir() else None
    if at is None or now - at > backup.OLDEST:
        age = "There is none" if at is None else f"The newest is of {at.isoformat(timespec='minutes')}"
        return wrong("backups", f"{age} in {folder}.", "Run `pemudik backup` each night.")
    return good("backups", f"The newest is of {at.isoformat(timespec='minutes')}.")


def disks(folders: set[Path]) -> list[Finding]:
    found = []
    for folder in sorted(folders):
        there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
        usage = shutil.disk_usage(there)
        free = f"{usage.free / usage.total:.0%} of the disk of {folder} is free"
        if usage.free < FREE_SHARE * usage.total:
            found.append(wrong("disk", f"{free}.", "Make room. The database's own disk: watch it on its machine."))
        else:
            found.append(good("disk", f"{free}; the database's own disk is watched on its machine."))
    return found


def proxies(settings: Settings) -> Finding:
    if not settings.networks_of_proxies:
        todo = "Set PEMUDIK_TRUSTED_PROXIES to the addresses of the proxies: else all callers count as one."
        return wrong("proxies", "None is trusted, so the address of a caller is that of the proxy.", todo)
    return good("proxies", f"{settings.trusted_proxies} say who calls.")


def demo(settings: Settings) -> Finding:
    on = [
        name
        for name, is_on in (
            ("PEMUDIK_OPEN_SCHEMA", settings.open_schema),
            ("PEMUDIK_WEBHOOKS_TO_PRIVATE", settings.webhooks_to_private),
        )
        if is_on
    ]
    if on:
        return wrong("for tests", f"{' and '.join(on)} is for demos and tests.", "Leave it out.")
    return good("for tests", "No setting of demos and tests is on.")
