"""Backups: PostgreSQL's own `pg_dump` into a file of its custom format, and how old the newest one is.

A dump has no keys in it. Keep the keys apart: with them, a dump tells who is registered.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.config import environment
from app.connections import libpq_url

OLDEST = timedelta(hours=26)
"""A backup each night, and two hours for it."""
SUFFIX = ".dump"
_UNFINISHED = ".unfinished"
_PASSWORD = "PGPASSWORD"  # noqa: S105 - the name of a variable


class BackupFailed(Exception):  # noqa: N818 - reads as what happened
    """The message says why. Nothing was left behind."""


def name_of(at: datetime) -> str:
    return f"pemudik-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}{SUFFIX}"


def make(url: str, file: Path) -> int:
    """Dump the database into a new file, which only its owner can read. Answers its bytes. Raises `BackupFailed`.

    The dump is one snapshot: registrations go on meanwhile. A file that is cut off never gets the name.
    """
    unfinished = file.with_name(file.name + _UNFINISHED)
    where, environment = _without_password(url)
    command = [program("pg_dump"), "--format=custom", "--no-password", f"--file={unfinished}", f"--dbname={where}"]
    try:
        if file.exists():
            raise BackupFailed(f"{file} is there already: name another file.")
        unfinished.touch(mode=0o600)
        done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["it does not say why"]
            raise BackupFailed(f"pg_dump failed: {said[0].removeprefix('pg_dump: ')}")
        unfinished.rename(file)
    except OSError as error:
        raise BackupFailed(f"{error.filename or file}: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def newest(folder: Path) -> datetime | None:
    """When the newest backup in `folder` was finished. None: there is none."""
    times = [file.stat().st_mtime for file in folder.glob(f"*{SUFFIX}")]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def program(name: str) -> str:
    """One of PostgreSQL's programs: of the embedded PostgreSQL, which reads older servers too, else of this machine."""
    with suppress(ImportError):
        from app.embedded import postgres  # noqa: PLC0415 - cannot be imported on Windows

        with suppress(postgres.EmbeddedFailed):
            return str(postgres.binaries() / name)
    found = shutil.which(name)
    if found is None:
        raise BackupFailed(f"There is no {name} on this machine: install PostgreSQL's client programs.")
    return found


def _without_password(url: str) -> tuple[str, Mapping[str, str]]:
    """The URL for libpq, and an environment with the password: all users of a machine see its command lines."""
    there = urlsplit(libpq_url(url))
    account, at, hosts = there.netloc.rpartition("@")
    user, _, password = account.partition(":")
    where = there._replace(netloc=f"{user}{at}{hosts}").geturl()
    return where, environment(**({_PASSWORD: unquote(password)} if password else {}))
