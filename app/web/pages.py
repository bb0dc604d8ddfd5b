"""The pages over HTTP. A GET shows, and changes nothing; it takes the cookie only to know whose menu to show.

What a page shows comes from `/graphql`, under the rights of whoever is signed in. The shell holds nothing but that
person's own address, role and organizer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.auth.callers import Callers
from app.intake import http
from app.registry.clients.sign_in import SignedIn
from app.registry.statistics.shelf import Shelf
from app.web import assets, charts, client_files, guide_pages, oidc, open_data, shells, words
from app.web.menu import PAGES, Page, pages_of
from app.web.shells import Reader
from app.web.signing import SIGN_IN_PATH

Get = Callable[[Request], Awaitable[Response]]


def routes(callers: Callers, shelf: Shelf, *, provider: bool = False) -> list[Route]:
    """`provider`: an OpenID provider is named in the settings."""
    doors = (SIGN_IN_PATH, oidc.PATH) if provider else (SIGN_IN_PATH,)
    return [
        *(Route(path, sign_in("provider" if provider else "link"), methods=["GET"]) for path in doors),
        *(route for page in PAGES for route in routes_of(callers, page)),
        *open_data.routes(shelf),
        *guide_pages.routes(),
        *client_files.routes(),
        *assets.routes(),
    ]


def routes_of(callers: Callers, page: Page) -> Iterator[Route]:
    yield Route(page.path, shown(callers, page, page.name), methods=["GET"])
    if page.one is not None:
        yield Route(f"{page.path}/{{id:{page.named}}}", shown(callers, page, page.one), methods=["GET"])


def front(callers: Callers, document: Callable[[], Response]) -> Route:
    """`/`: a browser goes on to the pages; a program gets the short `document` that says where things are."""
    program = http.open_route("/", document).endpoint

    async def answer(request: Request) -> Response:
        is_browser = "text/html" in request.headers.get("accept", "")
        response = await (
            shells.guarded(request, lambda: first_page(callers, request)) if is_browser else program(request)
        )
        response.headers["vary"] = "Accept"
        return response

    return Route("/", answer, methods=["GET"])


async def first_page(callers: Callers, request: Request) -> Response:
    person = await who(callers, request)
    if person is None:
        return go(SIGN_IN_PATH)
    return go(pages_of(person)[0].path)


def sign_in(way: str) -> Get:
    """`way`: by an account of the provider, or by a link that somebody has sent."""

    async def show(request: Request) -> Response:
        reader = Reader(words.chosen(request.headers.get))
        ways = shells.filled(f"masuk-{way}", reader.language)
        return shells.answer(shells.door(reader, "masuk", shells.filled("masuk", reader.language, ways=ways)))

    return show


def shown(callers: Callers, page: Page, name: str) -> Get:
    """`name` is that of its template and of its script."""

    async def show(request: Request) -> Response:
        return await shells.guarded(request, lambda: page_for(callers, page, name, request))

    return show


async def page_for(callers: Callers, page: Page, name: str, request: Request) -> Response:
    person = await who(callers, request)
    if person is None:
        return go(SIGN_IN_PATH)
    reader = Reader(words.chosen(request.headers.get), person)
    if page not in pages_of(person):
        return shells.answer(shells.framed(reader, None, shells.filled("forbidden", reader.language), "frame"), 403)
    main = shells.filled(name, reader.language, **charts.of(name, reader.language))
    return shells.answer(shells.framed(reader, page, main, name))


async def who(callers: Callers, request: Request) -> SignedIn | None:
    cookie = callers.pages.cookie_in(request.headers.get)
    return None if cookie is None else await callers.sessions.who(cookie)


def go(path: str) -> Response:
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})
