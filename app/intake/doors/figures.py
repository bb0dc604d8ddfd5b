"""`GET /data/{season}/{file}`: figures for everybody, without a token. Every server answers the same bytes.

Whoever asks costs no work of the database (`statistics.shelf`), and a browser or a proxy keeps what it has got.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.edge import RequestRefused
from app.errors import Unavailable
from app.intake import http
from app.intake.http import JSON
from app.language import language_of
from app.registry.statistics.shelf import Ready, Shelf

FOLDER = "/data/{season}/"
PATH = f"{FOLDER}{{file}}"
CSV = "text/csv"
KEPT = "public, max-age=300"
"""Files change once a day; whoever holds a file asks after five minutes whether it is still the same."""
_YEAR = re.compile(r"\d{4}", re.ASCII)


def routes(shelf: Shelf) -> list[Route]:
    async def answer(request: Request) -> Response:
        try:
            return await file(shelf, request)
        except (RequestRefused, Unavailable) as error:
            request.state.outcome, response = http.failed(
                error, language_of(request.headers.get("accept-language", ""))
            )
            response.headers["cache-control"] = "no-store"
            return response

    return [Route(PATH, answer, methods=["GET"])]


async def file(shelf: Shelf, request: Request) -> Response:
    """Raises `RequestRefused`, `Unavailable`."""
    http.only(request.query_params, ())
    season, name = year(request), request.path_params["file"]
    found = None if season is None else await shelf.find(season, name)
    if found is None:
        return await http.no_such_address(request, Exception())
    return _sent(found, name, request.headers.get("if-none-match", ""))


def year(request: Request) -> int | None:
    """The season in the path. None: no season is called so."""
    text = request.path_params["season"]
    return int(text) if _YEAR.fullmatch(text) else None


def _sent(found: Ready, name: str, known: str) -> Response:
    tag = f'"{found.digest}"'
    headers = {"ETag": tag, "Cache-Control": KEPT}
    if tag in known or known.strip() == "*":
        return Response(None, 304, headers)
    media = f"{CSV}; charset=utf-8; header=present" if name.endswith(".csv") else JSON
    return Response(found.content, headers={**headers, "Content-Type": media})
