"""The demo that a first start makes, and its clients' credentials: kept in the home folder for later starts, mode 0600.

Only the embedded default has this; a database that somebody else brings is never filled unasked.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from app import clock
from app.cli.command import OPERATOR, Failed, accepted
from app.cli.progress import bar
from app.db import Database
from app.registry import clients, demo, seasons
from app.registry.policy import HUBDAT
from app.registry.scopes import ONLY_HUBDAT, SCOPES
from app.vault import Vault

FILE = "demo-credentials.json"
ORGANIZERS = ("dishub-dki", "jasa-raharja", HUBDAT)
"""One that forfeits, one that coordinates, and the one that runs the registry."""


@dataclass(frozen=True, slots=True)
class Credentials:
    organizer: str
    client_id: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...]


async def of_demo(database: Database, vault: Vault, home: Path) -> list[Credentials]:
    """The file says that this database has our demo; each start opens the windows that have closed meanwhile."""
    file = home / FILE
    if not file.exists():
        if not await is_empty(database):
            return []
        write(file, [])
    with bar("Making the demo season") as progress:
        await demo.create(database, vault, clock.now(), progress)
    kept = read(file)
    if not kept:
        async with database.transaction() as session:
            kept = [await issue(session, organizer) for organizer in ORGANIZERS]
        write(file, kept)
    return kept


async def is_empty(database: Database) -> bool:
    async with database.transaction() as session:
        return not await seasons.all_of(session)


async def issue(session: AsyncSession, organizer: str) -> Credentials:
    scopes = [scope for scope in SCOPES if organizer == HUBDAT or scope not in ONLY_HUBDAT]
    issued = accepted(await clients.issue(session, OPERATOR, organizer, scopes, None, clock.now()))
    assert issued.secret is not None  # noqa: S101 - a client without keys of its own has one
    return Credentials(organizer, issued.client.id, issued.secret, issued.client.scopes)


def read(file: Path) -> list[Credentials]:
    try:
        return [Credentials(**{**one, "scopes": tuple(one["scopes"])}) for one in orjson.loads(file.read_bytes())]
    except (ValueError, TypeError, KeyError):
        raise Failed(f"{file} is damaged: remove it, and issue clients with `pemudik client issue`.") from None


def write(file: Path, kept: list[Credentials]) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        output.write(orjson.dumps([asdict(one) for one in kept], option=orjson.OPT_INDENT_2))
    draft.replace(file)


def welcome(url: str, shown: list[Credentials]) -> str:
    """What to paste next."""
    lines = [f"Pemudik serves at {url} (GraphQL: {url}/graphql). Ctrl-C ends it."]
    if shown:
        width = max(len(one.client_id) for one in shown)
        lines += ["", "Clients of the demo season (client_id  client_secret):"]
        lines += [f"  {one.client_id:<{width}}  {one.secret}" for one in shown]
        lines += ["", "Try it:", *tour(url, shown[0])]
    return "\n".join([*lines, ""])


def tour(url: str, one: Credentials) -> list[str]:
    asked = f"curl -s -u '{one.client_id}:{one.secret}' -d grant_type=client_credentials {url}/oauth/token"
    return [
        f"""  TOKEN=$({asked} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')""",
        f"""  curl -s {url}/graphql -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\""",
        """    -d '{"query": "{ organizers { code name } }"}'""",
    ]
