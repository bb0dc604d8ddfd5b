"""The demo that a first start makes, and its clients' credentials, kept in the home folder with mode 0600.

Only the embedded database and that of `serve --demo` are filled, and only while they are empty.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

from app import clock
from app.cli.command import OPERATOR, Failed
from app.cli.progress import bar
from app.cli.staff import link_of
from app.db import Database, Session
from app.demo import demo
from app.errors import accepted
from app.models.enums import StaffRole
from app.registry.clients import clients, sign_in, staff
from app.registry.clients.scopes import CLIENTS_WRITE, ONLY_HUBDAT, SCOPES
from app.registry.terms import seasons
from app.registry.terms.policy import HUBDAT
from app.vault.vault import Vault

FILE = "demo-credentials.json"
STAFF = (
    ("operator@hubdat.example", HUBDAT, StaffRole.OPERATOR),
    ("viewer@hubdat.example", HUBDAT, StaffRole.VIEWER),
    ("organizer@dishub-dki.example", "dishub-dki", StaffRole.ORGANIZER),
    ("posko@dishub-dki.example", "dishub-dki", StaffRole.POSKO),
)
"""One person for each role, who does not exist."""
ORGANIZERS = ("dishub-dki", "ahm", "jasa-raharja", HUBDAT)
"""An organizer that forfeits, another that does not, a coordinator, and the operator of the registry."""


@dataclass(frozen=True, slots=True)
class Credentials:
    organizer: str
    client_id: str
    secret: str = field(repr=False)
    scopes: list[str]


async def of_demo(database: Database, vault: Vault, home: Path) -> list[Credentials]:
    """Make the demo in an empty database; at later starts, open the windows that have closed meanwhile."""
    file = home / FILE
    kept = await standing(database, read(file))
    if not await may_fill(database):
        return []
    with bar("Making the demo season") as progress:
        accepted(await demo.create(database, vault, clock.now(), progress))
    if not kept:
        async with database.transaction() as session:
            kept = [await issue(session, organizer) for organizer in ORGANIZERS]
        write(file, kept)
    return kept


async def standing(database: Database, kept: list[Credentials]) -> list[Credentials]:
    """The credentials that this database knows: the file may belong to another database."""
    async with database.transaction() as session:
        known = {client.id for client in await clients.all_of(session) if client.revoked_at is None}
    return [one for one in kept if one.client_id in known]


async def may_fill(database: Database) -> bool:
    """Whether the database is empty, or was filled by a demo."""
    async with database.transaction() as session:
        return await demo.is_there(session) or not await seasons.all_of(session)


async def issue(session: Session, organizer: str) -> Credentials:
    scopes = [scope for scope in SCOPES if organizer == HUBDAT or scope not in ONLY_HUBDAT | {CLIENTS_WRITE}]
    issued = accepted(await clients.issue(session, OPERATOR, organizer, scopes, None, clock.now(), own=None))
    assert issued.secret is not None  # noqa: S101 - a client without keys of its own has one
    return Credentials(organizer, issued.client.id, issued.secret, issued.client.scopes)


def read(file: Path) -> list[Credentials]:
    try:
        return [Credentials(**one) for one in orjson.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError):
        raise Failed(f"{file} is damaged: remove it, and issue clients with `pemudik client issue`.") from None


def write(file: Path, kept: list[Credentials]) -> None:
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
        output.write(orjson.dumps([asdict(one) for one in kept], option=orjson.OPT_INDENT_2))
    draft.replace(file)


async def links(database: Database, issuer: str) -> list[tuple[str, str]]:
    """A role and a new link of each person of the demo: who opens the pages, signs in as one of them."""
    made = []
    async with database.transaction() as session:
        for email, organizer, role in STAFF:
            if await staff.find(session, email) is None:
                accepted(await staff.add(session, OPERATOR, email, organizer, role, clock.now()))
            token = accepted(await sign_in.make_link(session, email, clock.now()))
            made.append((f"{role} ({organizer})", link_of(issuer, token)))
    return made


def pages(made: list[tuple[str, str]]) -> str:
    """How to open the pages."""
    lines = [f"  {who:<24}{link}" for who, link in made]
    more = "Each is good once, for 15 minutes. More: pemudik sign-in-link EMAIL, for whom `pemudik staff list` names."
    return "\n".join(["The pages, one link for each role:", "", *lines, "", more, ""])


def welcome(url: str, shown: list[Credentials], *, with_test: bool = False) -> str:
    """What to paste next."""
    lines = [f"Pemudik serves at {url} (GraphQL: {url}/graphql). Ctrl-C ends it."]
    if shown:
        lines += ["", "Paste this into another terminal, then follow the tour in README.md:", ""]
        lines += [f"  export PEMUDIK={url}", *(exported(one) for one in shown)]
    if with_test:
        client = f"pemudik client issue {ORGANIZERS[0]} --test"
        lines += ["", f"Test mode, where nothing is real: {client}, then {url}/uji/{ORGANIZERS[0]}/graphql."]
    return "\n".join([*lines, ""])


def exported(one: Credentials) -> str:
    name = one.organizer.upper().replace("-", "_")
    return f"  export {name}_ID={one.client_id} {name}_SECRET={one.secret}"
