"""People of every organizer, one of each way that a registration can go, and every word that tells who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from app.changes.log import cursors, feed
from app.graphql.paging import cursor_of
from app.models.enums import CaseState, ImportMode, RegistrantStatus
from app.registry import erasure
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.erasure import Erased
from app.registry.imports import absentees, job_runs, jobs
from app.registry.imports.jobs import Job, Order
from app.registry.registrants import cases, motorcycles
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.view import View
from app.registry.webhooks import deliveries, webhooks
from app.registry.webhooks.webhooks import Saved, WebhookInput
from tests import queries
from tests import world as worlds
from tests.world import NOW, World, nik_of, someone

UNKNOWN = UUID(int=0)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def surname(number: int) -> str:
    """A word that nobody else is called, of one length for all, so that none is a part of another."""
    digits = [number // 26**place % 26 for place in range(4)]
    return "Wira" + "".join(LETTERS[digit] for digit in digits)


@dataclass(slots=True)
class Person:
    organizer: str
    kind: str
    number: int
    nik: str
    name: str
    reference: str
    plate: str
    registration_number: str
    id: UUID = UNKNOWN
    return_id: UUID | None = None
    before: tuple[str, ...] = ()
    """What was written of this person before a correction."""

    @property
    def service(self) -> str:
        return "MOTORCYCLE" if self.kind == "motorcycle" else "PASSENGER"

    @property
    def words(self) -> frozenset[str]:
        """What tells who this is, as people write it."""
        written = {self.nik, surname(self.number), self.reference, self.plate, self.registration_number, *self.before}
        return frozenset(written)

    @property
    def keys(self) -> frozenset[str]:
        """Ids and the cursors that are made of them."""
        ids = [one for one in (self.id, self.return_id) if one is not None]
        return frozenset(key for one in ids for key in (str(one), cursor_of(one)))

    def refs(self) -> list[dict[str, object]]:
        """The three ways to name this person, as GraphQL's `RegistrantRef`."""
        return [
            {"id": str(self.id)},
            {"reference": self.reference},
            {"nik": {"nik": self.nik, "direction": "MUDIK", "service": self.service}},
        ]


def person(organizer: str, kind: str, number: int) -> Person:
    return Person(
        organizer,
        kind,
        number,
        nik_of(number),
        f"Slamet {surname(number)}",
        f"PNR7-{number:06}",
        f"AD {number:06} ZX",
        f"STNK-{number:06}",
    )


@dataclass(slots=True)
class Society:
    """A world in which every organizer has its people and routes."""

    world: World
    people: list[Person] = field(default_factory=list)
    routes: dict[str, dict[str, UUID]] = field(default_factory=dict)
    webhooks: dict[str, UUID] = field(default_factory=dict)
    jobs: dict[str, UUID] = field(default_factory=dict)
    case: UUID = UNKNOWN
    cursors: list[str] = field(default_factory=list)
    """Of every row of the change log, whosever it is."""

    def of(self, organizer: str, kind: str) -> Person:
        [found] = [one for one in self.people if (one.organizer, one.kind) == (organizer, kind)]
        return found

    def foreign_to(self, caller: Caller) -> list[Person]:
        return [one for one in self.people if not caller.owns(one.organizer)]

    def owned_by(self, caller: Caller) -> list[Person]:
        return [one for one in self.people if caller.owns(one.organizer)]

    @asynccontextmanager
    async def untouched(self, caller: Caller) -> AsyncIterator[None]:
        """What happens inside changes no registrant and no route of anybody that `caller` does not own."""
        before = await self._rows(caller)
        yield
        assert await self._rows(caller) == before

    async def _rows(self, caller: Caller) -> list[str]:
        own = sorted(caller.organizers)
        return [
            row.text
            for table in ("registrant", "route", "webhook")
            for row in await self.world.run(
                f"SELECT t::text AS text FROM {table} t WHERE organizer_code <> ALL(:own) ORDER BY id", own=own
            )
        ]


async def settle(world: World) -> Society:
    """Routes and people for everybody; one NIK that two organizers claim, and the case of it."""
    society = Society(world)
    for place, caller in enumerate(worlds.CALLERS):
        await _offer(society, caller)
        await _listen(society, caller)
        for offset, kind in enumerate(KINDS):
            one = person(caller.organizer, kind, 100_000 + place * 7_000 + offset * 31)
            await KINDS[kind](society, caller, one)
            society.people.append(one)
    await _dispute(society)
    for caller in worlds.CALLERS:
        await _compare(society, caller)
    log = await world.run(f"SELECT xact_id::text::bigint, id, {feed.MARK}, at FROM change c ORDER BY id")
    society.cursors = [cursors.cursor(feed.Position(*row)) for row in log]
    return society


async def _offer(society: Society, caller: Caller) -> None:
    code, world = caller.organizer, society.world
    society.routes[code] = {
        "home": await world.route(f"{code} home", organizer=code),
        "back": await world.way_back(f"{code} back", organizer=code),
        "truck": await world.route(f"{code} truck", organizer=code, service="MOTORCYCLE"),
    }


async def _listen(society: Society, caller: Caller) -> None:
    """A webhook, and one delivery that has ended: nothing is to be sent."""
    given = WebhookInput(f"https://hook-of-{caller.organizer}.example/", ["import.finished"])
    async with society.world.database.transaction() as session:
        saved = await webhooks.save(session, society.world.vault, caller, given, NOW)
        assert isinstance(saved, Saved)
        await deliveries.send_test(session, caller, saved.webhook.id, NOW)
        await queries.run(
            session, "UPDATE webhook_delivery SET state = 'FAILED', finished_at = :now, due_at = NULL", {"now": NOW}
        )
    society.webhooks[caller.organizer] = saved.webhook.id


async def _compare(society: Society, caller: Caller) -> None:
    """A snapshot that named nobody: all of the organizer's people are missing from it."""
    later, runner = NOW + timedelta(hours=1), uuid7()
    order = Order(caller=caller, mode=ImportMode.SNAPSHOT, covers=(caller.organizer,))
    async with society.world.database.transaction() as session:
        job = await jobs.create(session, society.world.vault, order, [], later)
        assert isinstance(job, Job)
        assert await job_runs.claim(session, runner, later, job.id)
        found = await absentees.find(session, caller, job)
        await job_runs.finish(session, job, runner, later, missing=found)
    society.jobs[caller.organizer] = job.id


async def _submit(society: Society, caller: Caller, one: Person, route: str = "home", *, back: bool = False) -> None:
    routes = society.routes[caller.organizer]
    accepted = await society.world.accepted(
        someone(
            caller,
            routes[route],
            nik=one.nik,
            name=one.name,
            reference=one.reference,
            return_route_id=routes["back"] if back else None,
            motorcycle=Motorcycle(one.plate, one.registration_number) if route == "truck" else None,
        )
    )
    one.id = accepted.view.id
    one.return_id = accepted.return_view.id if accepted.return_view else None


async def _registered(society: Society, caller: Caller, one: Person) -> None:
    await _submit(society, caller, one)


async def _pair(society: Society, caller: Caller, one: Person) -> None:
    await _submit(society, caller, one, back=True)


async def _motorcycle(society: Society, caller: Caller, one: Person) -> None:
    await _submit(society, caller, one, "truck")
    async with society.world.database.transaction() as session:
        [given] = await motorcycles.hand_over(session, society.world.vault, caller, [Ref(id=one.id)], None, NOW)
    assert isinstance(given, View)


async def _verified(society: Society, caller: Caller, one: Person) -> None:
    await _submit(society, caller, one)
    await society.world.moved(one.id, RegistrantStatus.VERIFIED, caller, posko="Posko Pulo Gebang")


async def _departed(society: Society, caller: Caller, one: Person) -> None:
    await _verified(society, caller, one)
    await society.world.moved(one.id, RegistrantStatus.DEPARTED, caller)


async def _no_show(society: Society, caller: Caller, one: Person) -> None:
    await _verified(society, caller, one)
    await society.world.moved(one.id, RegistrantStatus.NO_SHOW, caller)


async def _cancelled(society: Society, caller: Caller, one: Person) -> None:
    """With a reason that names the person, as clerks write them."""
    await _submit(society, caller, one, back=True)
    await society.world.moved(one.id, RegistrantStatus.CANCELLED, caller, reason=f"Permintaan keluarga {one.name}")


async def _forfeited(society: Society, caller: Caller, one: Person) -> None:
    await _submit(society, caller, one)
    await society.world.moved(one.id, RegistrantStatus.FORFEITED, caller)


async def _corrected(society: Society, caller: Caller, one: Person) -> None:
    wrong = person(one.organizer, one.kind, one.number + 1)
    await _submit(society, caller, wrong)
    async with society.world.database.transaction() as session:
        right = await corrections.correct(
            session,
            society.world.vault,
            caller,
            Ref(id=wrong.id),
            Correction(reason="Salah ketik petugas", nik=one.nik, name=one.name, reference=one.reference),
            NOW,
        )
    assert isinstance(right, View)
    one.id, one.before = wrong.id, (wrong.nik, surname(wrong.number), wrong.reference)


async def _erased(society: Society, caller: Caller, one: Person) -> None:
    await _submit(society, caller, one, "truck")
    async with society.world.database.transaction() as session:
        gone = await erasure.erase(
            session, society.world.vault, worlds.HUBDAT, Ref(id=one.id), "Permintaan pemilik data", NOW
        )
    assert isinstance(gone, Erased)


KINDS = {
    "registered": _registered,
    "pair": _pair,
    "motorcycle": _motorcycle,
    "verified": _verified,
    "departed": _departed,
    "no-show": _no_show,
    "cancelled": _cancelled,
    "forfeited": _forfeited,
    "corrected": _corrected,
    "erased": _erased,
    "claimed": _registered,
}


async def _dispute(society: Society) -> None:
    """The NIK that DKI holds, DJKA brought as well, under another name."""
    claimed = society.of("dishub-dki", "claimed")
    await society.world.submit(
        someone(worlds.DJKA, society.routes["djka"]["home"], nik=claimed.nik, name="Orang Lain Sekali")
    )
    async with society.world.database.transaction() as session:
        [case] = await cases.page(session, CaseState.OPEN, after=None, first=1)
    society.case = case.id


def found_in(text: str, words: Collection[str]) -> Iterator[str]:
    """Which of `words` stand in `text`."""
    return (word for word in sorted(words) if word in text)
