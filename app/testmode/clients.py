"""Test clients: issued in an organizer's test registry, which the first of them makes.

By the command line, or by a live client with `clients:write` (the page Integrasi): `POST /uji/<organizer>/klien`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from starlette.responses import Response
from starlette.routing import Route

from app import clock
from app.auth.callers import Callers
from app.config import Settings
from app.db import Database, Session
from app.errors import NotYours, Refusal, RefusalError, refused_by, refuses
from app.intake.http import AdmittedRequest, RestDoor, answered, in_time, route
from app.process import Process
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from app.registry.clients.scopes import CLIENTS_WRITE, HUBDAT_ADMIN, ONLY_HUBDAT, SCOPES
from app.registry.terms.policy import HUBDAT
from app.testmode import making, seeding
from app.testmode.control import on_same_server

PATH = "/uji/{organizer}/klien"
ISSUED_WITHIN_SECONDS = 120.0
"""The first test client of a server makes the template: that took 17 seconds on two busy cores."""
OPERATOR = Caller(client_id=None, organizer=HUBDAT)


def issuer_of(settings: Settings, organizer: str) -> str:
    return f"{settings.issuer}/uji/{organizer}"


def scopes_of(organizer: str) -> list[str]:
    """All that a client of the organizer may do: it is tried on nobody."""
    return [scope for scope in SCOPES if organizer == HUBDAT or scope not in ONLY_HUBDAT]


async def issue(url: str, live: Database, organizer: str, scopes: Sequence[str] = ()) -> Issued | Refusal:
    """A test client of an organizer of the live registry, which is only read. Raises `RefusalError`, `LiveDatabase`."""
    async with live.transaction() as session:
        owner = await seeding.owner_in(session, organizer)
    listed = await making.made(url, owner)
    database = Database(on_same_server(url, listed.database), pool_size=2)

    async def work(session: Session) -> Issued | Refusal:
        wanted = scopes or scopes_of(organizer)
        return await clients.issue(session, OPERATOR, organizer, wanted, None, clock.now() + listed.ahead, own=None)

    try:
        return await database.attempt(work)
    finally:
        await database.dispose()


@refuses(NotYours)
def judge(caller: Caller, organizer: str, *, admin: bool) -> NotYours | None:
    return None if admin or organizer == caller.organizer else NotYours("organizer")


REFUSED: Mapping[str, Collection[type[Refusal]]] = MappingProxyType(
    {f"POST {PATH}": refused_by(judge, seeding.owner_in)}
)
"""What the door answers in place of a client."""


def routes(process: Process, callers: Callers, settings: Settings) -> list[Route]:
    """Of the live registry. None where there is no test mode."""
    if not settings.with_test or settings.uji_database_url is None:
        return []
    url = settings.uji_database_url.get_secret_value()

    async def made(client: str, organizer: str) -> Issued | Refusal:
        async with in_time(settings, ISSUED_WITHIN_SECONDS), process.turns.turn(client, making.COST):
            return await issue(url, process.database, organizer)

    async def answer(request: AdmittedRequest) -> Response:
        organizer: str = request.request.path_params["organizer"]
        refused = judge(request.caller, organizer, admin=HUBDAT_ADMIN in request.principal.scopes)
        issued = refused or await made(request.client, organizer)
        if isinstance(issued, Refusal):
            raise RefusalError(issued)
        told = {"clientId": issued.client.id, "clientSecret": issued.secret, "scopes": issued.client.scopes}
        return answered({**told, "issuer": issuer_of(settings, organizer)})

    return [route(PATH, RestDoor(callers, "test_client", answer, scopes={CLIENTS_WRITE, HUBDAT_ADMIN}))]
