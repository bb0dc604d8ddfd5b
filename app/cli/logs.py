"""`pemudik log …`: whether the logs are as they were when they were sealed.

`pemudik statistics …`: what is counted from the change log, and counting it anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from app import clock
from app.changes.log import tallies
from app.changes.seals import logs, verifying
from app.changes.seals.verifying import Expected, Fault, SealFinding, Verified
from app.cli.command import MEGABYTE, AsJson, Failed, content_of, example, print_json, print_table, run
from app.cli.progress import bar
from app.config import Settings
from app.db import Database
from app.models.enums import Log
from app.registry.statistics import counting
from app.registry.statistics import statistics as reading
from app.registry.statistics.counting import Cell, Counts, FiguresHead
from app.registry.statistics.questions import Part, Question, Selection
from app.vault.keys import Jwk
from app.vault.vault import open_vault

log = typer.Typer(help="Prove that the logs are as they were written.", no_args_is_help=True)

EXIT_CODE_OF_TAMPERED = 3
"""The exit code of `verify` when something is wrong. 1: it could not be found out."""
SENTENCES = {
    Fault.CHANGED: "the row was changed",
    Fault.LEFT_OUT: "the row was left out",
    Fault.PUT_IN: "the row was put in",
    Fault.SEAL_CHANGED: "the seal was changed, or another key signed it",
    Fault.SEAL_MISSING: "the seal is missing",
    Fault.KEY_UNKNOWN: "the seal was signed by a key that is not known",
    Fault.PURGE_DIFFERS: "not exactly the rows are missing that this purge dropped",
}


@log.command(epilog=example("pemudik log verify --log changes --seal changes:41:9f86d081…"))
def verify(
    only: Annotated[Log | None, typer.Option("--log", help="One log alone: changes, access or reads.")] = None,
    start: Annotated[int, typer.Option("--from", min=1, help="From this seal on; the seals before are believed.")] = 1,
    seals: Annotated[
        list[str] | None,
        typer.Option("--seal", metavar="LOG:NUMBER:DIGEST", help="A seal that was noted down elsewhere must be there."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="Trust this JWK Set (as of /oauth/jwks), in place of the own keys.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell the first row that was changed, left out or put in since it was sealed.

    It reads the logs, the seals and the public keys, so it works on a restored dump, too. The exit code is 0 when all
    is as it was, 3 when something is wrong, and 1 when that could not be found out. Of rows that are not sealed yet
    nothing is proven; they are sealed within a minute. To prove that the end of a log is there, name a seal that the
    server's log told.
    """
    noted = [expected(one) for one in seals or ()]
    for _, seal in noted:
        if seal.number < start:
            raise Failed(f"Seal {seal.number} is not read from seal {start} on: leave --from out.")
    chosen = [one for one in logs.LOGS if only in {None, one.name}]

    async def work(database: Database, settings: Settings) -> list[Verified]:
        trusted = open_vault(settings).signing if keys is None else key_set(keys)
        found = []
        for one in chosen:
            async with database.transaction() as session:
                wanted = [seal for name, seal in noted if name == one.name]
                found.append(await verifying.verify(session, one, trusted, start=start, expected=wanted))
        return found

    verified = run(work)
    if as_json:
        print_json(verified)
    else:
        print_verified(verified)
    if any(one.finding for one in verified):
        raise typer.Exit(EXIT_CODE_OF_TAMPERED)


def expected(text: str) -> tuple[str, Expected]:
    name, _, rest = text.partition(":")
    number, _, digest = rest.partition(":")
    if name not in set(Log) or not number.isdecimal() or not digest:
        raise Failed(f"A seal is LOG:NUMBER:DIGEST, such as changes:41:9f86d081…; this is none: {text}")
    return name, Expected(int(number), digest)


def key_set(file: Path) -> list[Jwk]:
    try:
        found: list[Any] = json.loads(content_of(file, MEGABYTE))["keys"]
        return [{**one, "kid": one["kid"]} for one in found]
    except (ValueError, LookupError, TypeError):
        raise Failed(f"{file} is no JWK Set with a kid for each key.") from None


def print_verified(verified: list[Verified]) -> None:
    heads = ["log", "seals", "rows", "erased in", "purged", "not sealed", "last seal"]
    print_table(heads, [line(one) for one in verified])
    for one in verified:
        if one.finding:
            typer.echo(f"{one.log}: {sentence(one.finding)}")


def line(one: Verified) -> list[object]:
    head = f"{one.head}:{one.head_digest}" if one.head_digest else None
    waiting = f"{one.unsealed}{'+' if one.unsealed == logs.MOST_COUNTED else ''}"
    return [one.log, one.seals, one.rows, one.wiped, one.purged, None if one.finding else waiting, head]


def sentence(found: SealFinding) -> str:
    where = f"seal {found.seal}"
    if found.row is not None:
        where += f", row {found.row.id} of transaction {found.row.xact_id}"
    if found.month:
        where += f", month {found.month // 100}-{found.month % 100:02}"
    return f"{SENTENCES[found.fault]} ({where})."


# --- statistics -------------------------------------------------------------------------------------------------------

statistics = typer.Typer(help="Show the figures of a season, or count them anew.", no_args_is_help=True)

CUT_OFF = "A purge has dropped months of the change log: what was counted from them cannot be counted again."
COLUMNS = ("registered", "verified", "departed", "forfeited", "cancelled", "no_show", "quota", "remaining")


@statistics.command(epilog=example("pemudik statistics show --season 2026"))
def show(
    season: Annotated[int | None, typer.Option(help="The programme year; left out: the current one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print people by status, and the seats left, by organizer."""
    head, cells = run(partial(read_cells, Selection(season=season)))
    parts = counting.by(lambda cell: cell.organizer, cells)
    whole = counting.total(cell.counts for cell in cells)
    if as_json:
        organizers = {code: _plain(counts) for code, counts in parts.items()}
        print_json({**asdict(head), "total": _plain(whole), "organizers": organizers})
        return
    rows = [*parts.items(), ("all", whole)]
    print_table(["organizer", *COLUMNS], [[code, *(getattr(counts, one) for one in COLUMNS)] for code, counts in rows])
    typer.echo(f"Season {head.season} as of {head.as_of.isoformat(timespec='seconds')}.")


async def read_cells(selection: Selection, database: Database, _: Settings) -> tuple[FiguresHead, list[Cell]]:
    questions = [Question(selection, Part.HEAD), Question(selection, Part.CELLS)]
    async with database.transaction() as session:
        head, cells = await reading.read(session, questions, clock.now())
    return head, cells


@statistics.command(epilog=example("pemudik statistics rebuild"))
def rebuild() -> None:
    """Forget the figures and count the whole change log again.

    Servers may go on. Until the count is done the figures say of which time they are. When a purge has dropped months
    of the log, it refuses, and the figures stay.
    """

    async def work(database: Database, _: Settings) -> int:
        with bar("Counting") as progress:
            try:
                return await tallies.rebuild(database, clock.now, progress)
            except tallies.LogCutOff:
                raise Failed(CUT_OFF) from None

    typer.echo(f"Counted anew, up to change {run(work)}.")


def _plain(counts: Counts) -> dict[str, Any]:
    return {one: getattr(counts, one) for one in (*COLUMNS, "taken", "fill")}
