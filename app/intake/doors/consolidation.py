"""`GET /consolidation/{date}`: one day of an organizer as the registry holds it, to be compared with its own list."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.callers import Callers
from app.config import Settings
from app.errors import Refusal, RefusalError
from app.intake import http
from app.intake.http import AdmittedRequest, RestDoor
from app.process import Process
from app.registry.clients.scopes import DASHBOARD_READ, REGISTRANTS_READ
from app.registry.rows import consolidation
from app.registry.rows.consolidation import Summary
from app.registry.values import calendar

PATH = "/consolidation/{date}"
COST_OF_A_DAY = 10_000
"""What a turn costs, in units of CPU: 12,000 registrants are opened for the checksum, in parts between which others are
answered.
"""
PARAMETERS = frozenset({"organizer", "season"})


def routes(process: Process, callers: Callers, settings: Settings) -> list[Route]:
    async def answer(asked: AdmittedRequest) -> Response:
        async with http.in_time(settings), process.turns.turn(asked.client, COST_OF_A_DAY):
            found = await summary_of(process, asked)
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

    scopes = {REGISTRANTS_READ, DASHBOARD_READ}
    door = RestDoor(callers, "consolidation", answer, scopes=scopes, method="GET", parameters=PARAMETERS)
    return [http.route(PATH, door)]


async def summary_of(process: Process, asked: AdmittedRequest) -> Summary:
    """Raises `RequestRefused`, `RefusalError`."""
    given = asked.request.query_params
    # A client of the dashboard sees counts only, also of its own organizer.
    may_read = REGISTRANTS_READ in asked.principal.scopes
    async with process.database.transaction() as session:
        found = await consolidation.summary(
            session,
            process.vault,
            asked.caller if may_read else replace(asked.caller, owns_nothing=True),
            given.get("organizer") or asked.caller.organizer,
            named(asked.request),
            season=http.value(given, "season", calendar.season, http.A_SEASON),
            everyone=DASHBOARD_READ in asked.principal.scopes,
        )
    if isinstance(found, Refusal):
        raise RefusalError(found)
    return found


def named(request: Request) -> date:
    """The day in the path. Raises `RequestRefused`."""
    try:
        return calendar.day(request.path_params["date"])
    except ValueError:
        raise http.bad(
            f"Tanggal ditulis 2026-03-05, tahun {calendar.YEARS}.",
            f"A date is written 2026-03-05, in the years {calendar.YEARS}.",
            "date",
        ) from None
