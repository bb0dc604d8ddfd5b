"""`GET /consolidation/{date}`: an organizer's day as the registry holds it, to be compared with its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.bearer import Bearer
from app.errors import Refusal, RefusalError
from app.intake import http
from app.intake.http import AdmittedRequest, RestDoor
from app.process import Registry
from app.registry.rows import consolidation

PATH = "/consolidation/{date}"
READ, DASHBOARD = "registrants:read", "dashboard:read"
PARAMETERS = frozenset({"organizer", "season"})


def routes(registry: Registry, bearer: Bearer) -> list[Route]:
    async def answer(asked: AdmittedRequest) -> Response:
        given = asked.request.query_params
        http.only(given, PARAMETERS)
        # Who may only look on sees counts, its own organizer's as well.
        caller = asked.caller if READ in asked.principal.scopes else replace(asked.caller, owns_nothing=True)
        async with registry.database.transaction() as session:
            found = await consolidation.summary(
                session,
                registry.vault,
                caller,
                given.get("organizer") or asked.caller.organizer,
                named(asked.request),
                season=http.value(given, "season", int),
                everyone=DASHBOARD in asked.principal.scopes,
            )
        if isinstance(found, Refusal):
            raise RefusalError(found)
        return http.answered(
            {
                "organizer": found.organizer,
                "season": found.season,
                "date": found.day,
                "counts": found.counts,
                "standing": found.standing,
                "checksum": found.checksum,
            }
        )

    return [Route(PATH, RestDoor(bearer, "consolidation", answer, scopes={READ, DASHBOARD}, method="GET"))]


def named(request: Request) -> date:
    """The day in the path. Raises `RequestRefused`."""
    try:
        return date.fromisoformat(request.path_params["date"])
    except ValueError:
        raise http.bad("Tanggal ditulis 2026-03-05.", "A date is written 2026-03-05.", "date") from None
