"""The addresses that only browsers open. None shows anybody: a page asks GraphQL for whom it shows."""

from __future__ import annotations

from app.auth.bearer import Bearer
from app.auth.callers import Callers, Pages
from app.auth.sessions import Sessions
from app.config import Settings
from app.db import Database
from app.registry.statistics.shelf import Shelf
from app.web import pages, signing


def of_the_pages() -> set[str]:
    database = Database("postgresql://nowhere/nothing")
    callers = Callers(Bearer(database, None, ""), Sessions(database), Pages(None))  # type: ignore[arg-type]
    return {
        route.path
        for route in [*signing.routes(database, callers, Settings()), *pages.routes(callers, Shelf(database=database))]
    }


OF_THE_PAGES = of_the_pages()
