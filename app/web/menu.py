"""Which pages there are, in the order of the menu, and who may open which: whoever holds a scope of its content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.registry.clients.scopes import (
    CLIENTS_WRITE,
    DASHBOARD_READ,
    HUBDAT_ADMIN,
    POSKO_ACT,
    REGISTRANTS_READ,
    REGISTRANTS_WRITE,
)
from app.registry.clients.sign_in import SignedIn

GROUPS = ("watch", "decide", "do")


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    icon: str
    group: str
    scopes: frozenset[str]
    one: str | None = None
    """The template and the script of a single item, which stands below the page's path under its id."""
    named: str = "uuid"
    """What the id of a single item is, as Starlette calls it: `uuid`, or `str` for a code."""

    @property
    def path(self) -> str:
        return f"/{self.name}"


PAGES: Sequence[Page] = (
    Page("ringkasan", "home", "watch", frozenset({DASHBOARD_READ, REGISTRANTS_READ})),
    Page("pendaftar", "people", "watch", frozenset({DASHBOARD_READ, REGISTRANTS_READ}), one="pendaftar-satu"),
    Page("rute", "route", "watch", frozenset({DASHBOARD_READ, REGISTRANTS_READ}), one="rute-satu"),
    Page(
        "penyelenggara",
        "org",
        "watch",
        frozenset({DASHBOARD_READ, REGISTRANTS_READ, HUBDAT_ADMIN}),
        one="penyelenggara-satu",
        named="str",
    ),
    Page("laporan", "sheet", "watch", frozenset({DASHBOARD_READ, REGISTRANTS_READ})),
    Page("kasus", "case", "decide", frozenset({REGISTRANTS_READ, HUBDAT_ADMIN})),
    Page("blokir", "block", "decide", frozenset({HUBDAT_ADMIN})),
    Page("telusuri", "search", "decide", frozenset({HUBDAT_ADMIN})),
    Page("posko", "gate", "do", frozenset({POSKO_ACT, REGISTRANTS_WRITE})),
    Page("unggah", "upload", "do", frozenset({REGISTRANTS_WRITE})),
    Page("integrasi", "plug", "do", frozenset({CLIENTS_WRITE})),
)


def pages_of(person: SignedIn) -> list[Page]:
    return [page for page in PAGES if page.scopes.intersection(person.scopes)]
