"""`GET /data/{season}/`: the page that explains the files beside it, to anybody (`intake.doors.figures`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import Language
from app.intake import http
from app.intake.doors import figures
from app.language import day
from app.registry.statistics import public_files
from app.registry.statistics.public_files import COLUMNS, TABLES, Table
from app.registry.statistics.shelf import ListedFile, Shelf
from app.web import shells, words
from app.web.shells import Markup, Reader


def routes(shelf: Shelf) -> list[Route]:
    async def show(request: Request) -> Response:
        return await shells.guarded(request, lambda: page(shelf, request))

    return [Route(figures.FOLDER, show, methods=["GET"])]


async def page(shelf: Shelf, request: Request) -> Response:
    season = figures.year(request)
    files = [] if season is None else await shelf.of_season(season)
    if not files:
        return await http.no_such_address(request, Exception())
    reader = Reader(words.chosen(request.headers.get))
    return shells.answer(
        shells.opened(reader, f"{words.WORDS[reader.language]['data.title']} {season}", main(reader, files))
    )


def main(reader: Reader, files: Sequence[ListedFile]) -> Markup:
    language, first = reader.language, files[0]
    until = words.WORDS[language]["data.final" if first.final else "data.until"]
    return shells.filled(
        "data",
        language,
        season=str(first.season),
        until=until.replace("{day}", day(first.until, language)),
        tables=shells.joined(part for table in TABLES for part in told(table, language)),
    )


def told(table: Table, language: Language) -> Iterator[Markup]:
    """Its files, and what its columns mean."""
    place = words.LANGUAGES.index(language)
    links = ", ".join(
        f'<a href="{name}">{name}</a>' for name in public_files.NAMES if name.startswith(f"{table.name}.")
    )
    yield Markup(f"<h3>{escape((table.indonesian, table.english)[place])}</h3><p>{links}</p>")
    column, meaning = (escape(words.WORDS[language][key]) for key in ("data.column", "data.meaning"))
    heads = f'<tr><th scope="col">{column}</th><th scope="col">{meaning}</th></tr>'
    yield Markup(f"<table><thead>{heads}</thead><tbody>")
    for name in table.columns:
        yield Markup(f"<tr><td><code>{name}</code></td><td>{escape(COLUMNS[name][place])}</td></tr>")
    yield Markup("</tbody></table>")
