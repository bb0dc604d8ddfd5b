"""What is in a test registry from the start: a season, its owner with routes, two made-up organizers and their people.

All of it is made by the use cases of the registry itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from app.clock import start_of_wib_day, wib_day
from app.db import Session
from app.errors import NotFound, RefusalError, accepted, refuses
from app.models.enums import Direction, IdentityDocument, Mode, PlaceKind, Service
from app.registry.caller import Caller
from app.registry.niks import blocks
from app.registry.registrants import submission
from app.registry.registrants.submission import Submission
from app.registry.routes import saving, terminals
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.routes.terminals import TerminalInput
from app.registry.terms import organizers, seasons, windows
from app.registry.terms.organizers import OrganizerInput
from app.registry.terms.policy import HUBDAT, PolicyInput
from app.registry.terms.windows import WindowInput
from app.testmode import niks
from app.vault.vault import Vault

SEASON_LASTS = timedelta(days=60)
"""At least, from the day on which the test registry is made."""
AT_MOST = timedelta(days=300)
"""A window opens at most 13 months before the end of its season."""
OPENED = timedelta(days=10)
"""So long ago registration has opened."""
DEPARTS_AFTER = timedelta(days=21)
"""After a deadline of H+7, and H+14 as well."""
AT = timedelta(hours=9)
STAY = timedelta(days=8)
QUOTA = 2_000
MINISTRY = OrganizerInput(code=HUBDAT, name="Ditjen Hubdat")
OTHERS = (
    OrganizerInput(code="uji-dishub-contoh", name="Dinas Perhubungan Provinsi Contoh (uji)"),
    OrganizerInput(code="uji-bumn-contoh", name="BUMN Contoh (uji)"),
)
TERMINALS = (
    TerminalInput(
        code="uji-jakarta", name="Terminal Uji Jakarta", city="Kota Jakarta Timur", kind=PlaceKind.TERMINAL,
        region_code="3175",
    ),
    TerminalInput(
        code="uji-yogyakarta", name="Terminal Uji Yogyakarta", city="Kota Yogyakarta", kind=PlaceKind.TERMINAL,
        region_code="3471",
    ),
    TerminalInput(
        code="uji-semarang", name="Terminal Uji Semarang", city="Kota Semarang", kind=PlaceKind.TERMINAL,
        region_code="3374",
    ),
)  # fmt: skip
H_PLUS_7 = PolicyInput(verify_within_days=7)
REASON = "Contoh pada mode uji"


@dataclass(frozen=True, slots=True)
class Owner:
    """The organizer whose test registry it is, as it is called in the live one."""

    code: str
    name: str
    members: Sequence[tuple[str, str]] = ()
    """Code and name of each organizer that it coordinates."""

    @property
    def all(self) -> list[OrganizerInput]:
        """With a deadline of seven days, so that everybody can see H+7."""
        own = OrganizerInput(code=self.code, name=self.name, coordinator=None, policy=H_PLUS_7)
        return [own, *(replace(own, code=code, name=name, coordinator=self.code) for code, name in self.members)]


@refuses(NotFound)
async def owner_in(session: Session, code: str) -> Owner:
    """As a registry has it. Raises `RefusalError`."""
    found = {one.code: one for one in await organizers.all_of(session, season=0)}
    if code not in found:
        raise RefusalError(NotFound("organizer"))
    return Owner(code, found[code].name, [(one, found[one].name) for one in found[code].members])


async def seed(session: Session, vault: Vault, owner: Owner, now: datetime) -> None:
    everybody = [*owner.all, *OTHERS]
    caller = Caller(None, HUBDAT, frozenset(one.code for one in everybody))
    today, began = wib_day(now), now - OPENED
    season = (today + SEASON_LASTS).year
    accepted(await seasons.save(session, caller, season, min(date(season, 12, 31), today + AT_MOST), began))
    if owner.code != HUBDAT:
        accepted(await organizers.save(session, caller, MINISTRY, season, began))
    for one in everybody:
        accepted(await organizers.save(session, caller, one, season, began))
        accepted(await windows.save(session, caller, WindowInput(organizer=one.code, opens_at=began), season, began))
    for terminal in await terminals.save(session, caller, TERMINALS, began, admin=True):
        accepted(terminal)
    offered = [route for one in everybody for route in _routes(one.code, season, now)]
    saved = [accepted(route) for route in await saving.save(session, caller, offered, began)]
    elsewhere = [route.id for route in saved if _is_for_others(route)]
    for verdict in await submission.submit(session, vault, list(_people(caller, elsewhere)), now):
        accepted(verdict)
    for nik in niks.BLOCKED:
        accepted(await blocks.block(session, vault, caller, nik, REASON, 1, now))


def _is_for_others(route: Route) -> bool:
    home = (route.direction, route.service) == (Direction.MUDIK, Service.PASSENGER)
    return home and route.organizer == OTHERS[0].code


def _routes(organizer: str, season: int, now: datetime) -> Iterator[RouteInput]:
    leaves = start_of_wib_day(wib_day(now) + DEPARTS_AFTER) + AT
    jakarta, *destinations = (terminal.code for terminal in TERMINALS)
    for city in destinations:
        there = city.removeprefix("uji-").title()
        for direction, service, mode in (
            (Direction.MUDIK, Service.PASSENGER, Mode.BUS),
            (Direction.BALIK, Service.PASSENGER, Mode.BUS),
            (Direction.MUDIK, Service.MOTORCYCLE, Mode.TRUCK),
        ):
            home = direction == Direction.MUDIK
            name = f"Jakarta – {there} (uji)" if home else f"{there} – Jakarta (uji)"
            yield RouteInput(
                name=name if service == Service.PASSENGER else f"Motor {name}",
                direction=direction,
                service=service,
                mode=mode,
                origin=jakarta if home else city,
                destination=city if home else jakarta,
                departs_at=leaves if home else leaves + STAY,
                quota=QUOTA,
                season=season,
                organizer=organizer,
            )


def _people(caller: Caller, routes: Sequence[UUID]) -> Iterator[Submission]:
    """Whose NIKs the table says to be registered elsewhere."""
    for number, nik in enumerate(niks.REGISTERED_ELSEWHERE):
        yield Submission(
            caller=caller,
            nik=nik,
            name=f"Warga Uji {chr(ord('A') + number)}",
            route_id=routes[number % len(routes)],
            identity_document=IdentityDocument.KTP,
            member=OTHERS[0].code,
        )
