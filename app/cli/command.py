"""What every command needs: settings, a database that is there and migrated, and errors as one clear line."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import asyncpg
import orjson
import typer
from asyncpg import InvalidAuthorizationSpecificationError as CannotSignIn
from pydantic import ValidationError
from typer.core import TyperGroup

from app import migration
from app.config import Settings, SettingsUnusable, faults
from app.db import Database, Session
from app.errors import Refusal, RefusalError, Unavailable, accepted
from app.registry import host_clock
from app.registry.caller import Caller
from app.registry.terms.policy import HUBDAT
from app.telemetry import LONG_NUMBER, MASKED, lines_of
from app.vault.keys import KeysUnusable
from app.vault.vault import Unreadable

Result = TypeVar("Result")

OPERATOR = Caller(client_id=None, organizer=HUBDAT)
"""Whoever may run commands here has the database anyway."""

MEGABYTE = 1024 * 1024

FOREIGN = "It belongs to another program, or to a newer Pemudik: check DATABASE_URL."

Force = Annotated[bool, typer.Option("--force", help="Overwrite FILE if it is there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def content_of(file: Path, most_bytes: int) -> bytes:
    """A file that somebody names on the command line."""
    try:
        content = file.read_bytes() if file.stat().st_size <= most_bytes else None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from None
    if content is None:
        raise Failed(f"{file} is larger than {most_bytes // MEGABYTE} MB.")
    return content


def kind_of(file: Path, kinds: Sequence[str]) -> str:
    """What a file is that a command writes, by the end of its name. Standard output, `-`, is of the first kind."""
    kind = kinds[0] if str(file) == "-" else file.suffix.lower()[1:]
    if kind not in kinds:
        raise Failed(f"FILE ends with {' or '.join(f'.{one}' for one in kinds)}.")
    return kind


def put(content: bytes, file: Path, *, force: bool) -> None:
    """Into a new file, or to standard output."""
    if str(file) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        with file.open("wb" if force else "xb") as new:
            new.write(content)
    except FileExistsError:
        raise Failed(f"{file} is there already: name another file, or say --force.") from None
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.") from None


def example(command: str) -> str:
    """The last line of a command's help."""
    return f"Example: {command}"


class Failed(Exception):  # noqa: N818 - reads as what happened
    """A command cannot do its work; the message says why, and what to do."""


class Commands(TyperGroup):
    """A failure is a line on standard error and exit code 1, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            return super().invoke(ctx)
        except typer.TyperException as error:
            error.message = without_niks(error.message)
            raise
        except (typer.Exit, typer.Abort, BrokenPipeError):
            # BrokenPipeError: a reader such as `head` has read enough. typer ends quietly.
            raise
        except Exception as error:  # noqa: BLE001 - the edge
            fail(explained(error))


def explained(error: Exception) -> str:
    match error:
        case RefusalError():
            return f"{error.refusal.message('en')} ({error.refusal.code})"
        case Failed() | KeysUnusable() | SettingsUnusable() | Unreadable():
            return str(error)
        case ValidationError():
            return "; ".join(faults(error))
        case Unavailable() | OSError() | asyncpg.InterfaceError() | CannotSignIn():
            return f"The database cannot be used: {cause_of(error)}. See `pemudik doctor`."
        case asyncpg.PostgresError():
            return f"The database refused: {cause_of(error)}. See `pemudik doctor`."
    return "\n".join(["This is a bug in Pemudik:", *lines_of(error)])


def cause_of(error: BaseException) -> str:
    """What an operator can act on. PostgreSQL's detail is left out: it quotes rows."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).partition("\n")[0] or type(error).__name__


def fail(message: str) -> NoReturn:
    typer.echo(f"pemudik: {without_niks(message)}", err=True)
    raise typer.Exit(1)


def without_niks(message: str) -> str:
    """An error message repeats the words of the command, and messages are often kept: no NIK may stand in one."""
    return LONG_NUMBER.sub(MASKED, message)


# --- the database of a command ----------------------------------------------------------------------------------------


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """`DATABASE_URL`, or the URL of the embedded PostgreSQL, which runs as long as somebody uses it."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    try:
        from app.embedded import postgres  # noqa: PLC0415 - cannot be imported on Windows
    except ImportError:
        raise Failed("There is no embedded PostgreSQL for this system: set DATABASE_URL.") from None
    try:
        with postgres.running(settings.home / "postgres") as url:
            yield url
    except postgres.EmbeddedFailed as error:
        raise Failed(str(error)) from error


@asynccontextmanager
async def opened(url: str, *, migrate: bool) -> AsyncIterator[Database]:
    database = Database(url, pool_size=2)
    try:
        if migrate:
            await require_ours(database)
            await migration.upgrade(database)
        else:
            await require_migrated(database)
        await host_clock.read(database)
        yield database
    finally:
        await database.dispose()


async def require_ours(database: Database) -> None:
    """Whatever else is in that database must not be touched."""
    level = await migration.level(database)
    if level.is_foreign:
        raise Failed(f"The database is at migration {level.current}, which is none of ours. {FOREIGN}")
    if level.is_ahead and not level.is_served:
        raise Failed(
            f"The database is at migration {level.current}. Programs of migration {level.serves_from} and later can use"
            f" it; this one is of {migration.newest()}: install the version that migrated the database."
        )


async def require_migrated(database: Database) -> None:
    await require_ours(database)
    level = await migration.level(database)
    if not level.is_served:
        raise Failed(
            f"The database is at migration {level.current or 'none'}, not {migration.newest()}:"
            " run `pemudik migrate` first."
        )
    if await migration.is_restored(database):
        raise Failed("The data was restored from another database server: run `pemudik migrate` first.")


def run(work: Callable[[Database, Settings], Awaitable[Result]]) -> Result:
    """Do the work of a command in its database.

    The embedded database is ours to migrate. Any other database is migrated when its owner says so.
    """
    settings = Settings()

    async def in_database(url: str) -> Result:
        async with opened(url, migrate=settings.database_url is None) as database:
            return await work(database, settings)

    with database_url(settings) as url:
        return asyncio.run(in_database(url))


def run_in_transaction(work: Callable[[Session], Awaitable[Result | Refusal]]) -> Result:
    """Do the work of a command in one transaction. A refusal ends the command and rolls back."""

    async def in_database(database: Database, _: Settings) -> Result:
        async with database.transaction() as session:
            return accepted(await work(session))

    return run(in_database)


# --- what a command prints --------------------------------------------------------------------------------------------


def print_json(value: object) -> None:
    typer.echo(orjson.dumps(value, default=plain, option=orjson.OPT_INDENT_2).decode())


def plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns are separated by blanks: people and `awk` read that well."""
    lines = [list(heads), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def shown(cell: object) -> str:
    if isinstance(cell, list | tuple):
        return ",".join(map(str, cell)) or "-"
    return "-" if cell is None else str(cell)
