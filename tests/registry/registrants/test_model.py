"""Random lives of few people with three organizers: after every step the registry is as the plain model says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from app.clock import wib_day
from app.db import Session
from app.errors import NikAlreadyRegistered, Refusal, TransitionNotAllowed
from app.models.enums import RegistrantStatus
from app.registry import erasure
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.erasure import Erased
from app.registry.niks import blocks, check
from app.registry.niks.check import Check
from app.registry.registrants import lifecycle, motorcycles, submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.submission import Accepted
from app.registry.routes import quota_releases
from app.registry.routes import route as routes
from app.registry.sweep import Swept
from app.vault.vault import Vault
from tests import queries
from tests.concurrency.agreement import exceptions
from tests.examples import given, lives
from tests.registry.registrants.model import Booked, Given, Model, No, Person, Way
from tests.registry.stage import LIMITED, TERMS, WAYS, Stage, built
from tests.world import DJKA, DKI, HUBDAT, LEAVES, NOW, nik_of, someone

CALLERS = {caller.organizer: caller for caller in (HUBDAT, DJKA, DKI)}
OPERATOR = Caller(None, "hubdat")
NAMES = ("Warga Contoh", "Bambang Sutrisno")
NIKS = range(5)
DIRECTIONS_AND_SERVICES = [(way, service) for way in ("MUDIK", "BALIK") for service in ("PASSENGER", "MOTORCYCLE")]

# Hypothesis likes the first and the last of what it chooses from, so what is to be rare stands in between.
one_in_eight = st.sampled_from([False] * 4 + [True] + [False] * 3)
NOBODY = 12
anybody = st.integers(0, 22)
niks = st.sampled_from(NIKS)


@st.composite
def registrations(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly sensible ones: an organizer's own route, and a way back beside a way home."""
    way = draw(st.sampled_from(WAYS))
    backs = [other for other in WAYS if other.organizer == way.organizer and other.direction == "BALIK"]
    goes_home = way.direction == "MUDIK" or draw(one_in_eight)
    return {
        "organizer": draw(st.sampled_from(list(CALLERS))) if draw(one_in_eight) else way.organizer,
        "nik": draw(niks),
        "name": NAMES[draw(one_in_eight)],
        "way": way,
        "back": draw(st.sampled_from([None, *backs])) if goes_home else None,
        "days_ago": draw(st.sampled_from([0, 0, 0, 0, 1, 9])),
    }


targets = st.sampled_from(["VERIFIED"] * 4 + ["DEPARTED"] * 2 + ["CANCELLED"])
STEPS: dict[str, tuple[int, st.SearchStrategy[dict[str, Any]]]] = {
    "submit": (10, st.fixed_dictionaries({"wanted": st.lists(registrations(), min_size=1, max_size=3)})),
    "move": (
        8,
        st.fixed_dictionaries(
            {
                "steps": st.lists(st.tuples(anybody, targets), min_size=1, max_size=3),
                "ill": one_in_eight,
                "stranger": one_in_eight,
            }
        ),
    ),
    "wait": (4, st.fixed_dictionaries({"hours": st.sampled_from([1, 14, 24, 60, 170, 340])})),
    "wait_for_it": (3, st.fixed_dictionaries({"microseconds": st.sampled_from([0, 1])})),
    "sweep": (3, st.just({})),
    "correct": (3, st.fixed_dictionaries({"who": anybody, "nik": niks, "stranger": one_in_eight})),
    "hand_over": (2, st.fixed_dictionaries({"who": anybody})),
    "release": (
        2,
        st.fixed_dictionaries(
            {
                "way": st.sampled_from(LIMITED),
                "seats": st.sampled_from([-1, 1, 2]),
                "later": st.sampled_from([0, 0, 5, 40]),
            }
        ),
    ),
    "lift": (1, st.fixed_dictionaries({"nik": niks})),
    "block": (1, st.fixed_dictionaries({"nik": niks})),
    "erase": (1, st.fixed_dictionaries({"who": anybody})),
}
WEIGHTED = [name for name, (weight, _) in STEPS.items() for _ in range(weight)]
LIVES = st.lists(
    st.sampled_from(WEIGHTED).flatmap(lambda name: st.tuples(st.just(name), STEPS[name][1])), min_size=35, max_size=45
)


class Lives:
    """The same steps for the registry and for the model."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.now: datetime = NOW
        self.model = Model(NOW, LEAVES, TERMS, WAYS)
        stage.runner.run(stage.clear())

    # --- what organizers do ---

    def submit(self, wanted: list[dict[str, Any]]) -> None:
        registrations = [
            Given(one["organizer"], one["nik"], one["name"], one["way"], one["back"], self.days_ago(one["days_ago"]))
            for one in wanted
        ]
        expected = [self.model.submit(one, self.now) for one in registrations]
        sent = [self.submission(one) for one in registrations]
        verdicts = self.stage.run(lambda session: submission.submit(session, self.vault, sent, self.now))
        for verdict, wish in zip(verdicts, expected, strict=True):
            if isinstance(wish, No):
                self.same_refusal(verdict, wish)
            else:
                self.same_booking(verdict, wish)

    def move(self, steps: list[tuple[int, str]], ill: bool, stranger: bool) -> None:
        first = self.person(steps[0][0])
        caller = self.caller_for(first, stranger=stranger)
        people = [(first, steps[0][1])]
        people += [(self.person(who, caller.organizer), to) for who, to in steps[1:]]
        moves = [
            lifecycle.Move(
                caller=caller,
                ref=self.ref(one),
                to=RegistrantStatus(status),
                reason="Permintaan peserta",
                healthy=not ill,
            )
            for one, status in people
        ]
        expected = [self.model.move(caller.organizer, one, status, not ill, self.now) for one, status in people]
        # A verdict shows its registrant as the whole batch leaves it.
        verdicts = self.stage.run(lambda session: lifecycle.move(session, self.vault, moves, self.now))
        for verdict, wish in zip(verdicts, expected, strict=True):
            self.same(verdict, wish)

    def correct(self, who: int, nik: int, stranger: bool) -> None:
        one = self.person(who)
        caller = self.caller_for(one, stranger=stranger)
        given = Correction(reason="Salah ketik", nik=nik_of(nik))
        wish = self.model.correct(caller.organizer, one, nik)
        self.same(
            self.stage.run(lambda s: corrections.correct(s, self.vault, caller, self.ref(one), given, self.now)), wish
        )

    def hand_over(self, who: int) -> None:
        one = self.person(who)
        caller = self.caller_for(one)
        [verdict] = self.stage.run(
            lambda s: motorcycles.hand_over(s, self.vault, caller, [self.ref(one)], None, self.now)
        )
        self.same(verdict, self.model.hand_over(caller.organizer, one))

    def release(self, way: Way, seats: int, later: int) -> None:
        at, caller = self.now + timedelta(hours=later), CALLERS[way.organizer]
        wish = self.model.release(caller.organizer, way, seats, at, self.now)
        route_id = self.stage.world.routes[way.name]
        verdict = self.stage.run(lambda s: quota_releases.release(s, caller, route_id, seats, at, self.now))
        if isinstance(wish, No):
            self.same_refusal(verdict, wish)
        else:
            assert isinstance(verdict, routes.Route)

    # --- what the registry and its operator do ---

    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def wait_for_it(self, microseconds: int) -> None:
        """Until the next deadline, departure or release, or the moment after it."""
        instants = [one.verify_by for one in self.model.people if one.verify_by is not None]
        instants += [LEAVES + timedelta(minutes=minutes) for minutes in (-60, 30, 120)]
        instants += [at for _, _, at in self.model.releases]
        self.now = min((at for at in instants if at > self.now), default=self.now) + timedelta(
            microseconds=microseconds
        )

    def sweep(self) -> None:
        forfeited, no_shows = self.model.sweep(self.now)
        assert self.stage.runner.run(self.stage.world.sweep(self.now)) == Swept(forfeited=forfeited, no_shows=no_shows)

    def block(self, nik: int) -> None:
        self.model.blocks.append((nik, None))
        self.stage.run(lambda s: blocks.block(s, self.vault, OPERATOR, nik_of(nik), "Data palsu", 1, self.now))

    def lift(self, nik: int) -> None:
        nik = min(self.model.blocked, default=nik)
        wish = self.model.lift(nik)
        verdict = self.stage.run(lambda s: blocks.lift(s, self.vault, OPERATOR, nik_of(nik), "Banding", self.now))
        if wish is None:
            assert isinstance(verdict, blocks.StandingBlock)
        else:
            self.same_refusal(verdict, wish)

    def erase(self, who: int) -> None:
        one = self.person(who)
        ref = self.ref(one)
        verdict = self.stage.run(lambda s: erasure.erase(s, self.vault, OPERATOR, ref, "Permintaan peserta", self.now))
        wish = self.model.erase(one)
        if not isinstance(wish, No):
            assert isinstance(verdict, Erased)
            [seen] = [other for other in verdict.registrants if other.id == wish.id]
            self.same(seen, wish)
        else:
            self.same(verdict, wish)

    # --- what must be true after each step ---

    async def compare(self, session: Session) -> None:
        await self.compare_registrants(session)
        await self.compare_seats(session)
        await self.compare_cases(session)
        await self.compare_checks(session)

    async def compare_registrants(self, session: Session) -> None:
        columns = "id, status, organizer_code, nik_index, verify_by, outbound_id, late, handed_over_at IS NOT NULL"
        assert await rows(session, f"SELECT {columns} FROM registrant") == {
            (
                one.id,
                one.status,
                one.organizer,
                None if one.nik is None else self.vault.blind_index(nik_of(one.nik)),
                one.verify_by,
                one.outbound and one.outbound.id,
                one.late,
                one.handed_over,
            )
            for one in self.model.people
        }

    async def compare_seats(self, session: Session) -> None:
        ids = {way: self.stage.world.routes[way.name] for way in WAYS}
        for way, route in zip(ids, await routes.by_ids(session, list(ids.values()), self.now), strict=True):
            assert route is not None
            quota, taken = self.model.quota(way, self.now), self.model.taken(way)
            assert (route.quota, route.taken) == (quota, taken)
            assert route.remaining == (None if quota is None else quota - taken)

    async def compare_cases(self, session: Session) -> None:
        joined = "case_claim c JOIN duplicate_case d ON d.id = c.case_id"
        claims = f"SELECT holder_id, c.organizer_code, attempts FROM {joined}"
        assert await rows(session, claims) == {
            (held.id, organizer, attempts) for (held, organizer), attempts in self.model.claims.items()
        }
        suspects = "SELECT holder_id FROM duplicate_case WHERE suspect"
        assert await rows(session, suspects) == {(one.id,) for one in self.model.suspects}

    async def compare_checks(self, session: Session) -> None:
        checks = [Check(OPERATOR, nik_of(nik), *way) for nik in NIKS for way in DIRECTIONS_AND_SERVICES]
        answers = iter(await check.check(session, self.vault, checks, self.now))
        for nik in NIKS:
            for direction, service in DIRECTIONS_AND_SERVICES:
                self.compare_check(next(answers), nik, direction, service)

    def compare_check(self, answer: Any, nik: int, direction: str, service: str) -> None:
        held = self.model.holder(nik, direction, service)
        told = [(one.organizer, one.status, one.own) for one in answer.standing]
        assert told == ([] if held is None else [(held.organizer, held.status, held.organizer == "hubdat")])
        outbound = self.model.holder(nik, "MUDIK", service)
        stands = outbound is not None and outbound.organizer == "hubdat" and outbound.status != "NO_SHOW"
        assert answer.outbound_stands == (stands if direction == "BALIK" else None)
        assert answer.outcome == self.outcome(nik, held, outbound if stands else None, direction)

    def outcome(self, nik: int, held: Person | None, outbound: Person | None, direction: str) -> str:
        if nik in self.model.blocked:
            return "BLOCKED"
        if held is not None:
            return "REGISTERED"
        terms = TERMS["hubdat"]
        if direction == "MUDIK" or not terms.needs_outbound:
            return "AVAILABLE"
        on_its_day = outbound is not None and wib_day(outbound.registered_at) == wib_day(self.now)
        return "AVAILABLE" if outbound is not None and (on_its_day or not terms.same_day) else "OUTBOUND_MISSING"

    # --- from the model's words into the registry's ---

    @property
    def vault(self) -> Vault:
        return self.stage.world.vault

    def days_ago(self, days: int) -> datetime:
        return self.now - timedelta(days=days)

    def person(self, number: int, organizer: str | None = None) -> Person | None:
        """One of the newest, with `organizer` if one is named; None: nobody."""
        newest = [one for one in self.model.people if organizer in {None, one.organizer}][-11:]
        return newest[number % len(newest)] if newest and number != NOBODY else None

    def caller_for(self, one: Person | None, *, stranger: bool = False) -> Caller:
        organizer = "hubdat" if one is None else one.organizer
        others = [caller for caller in CALLERS.values() if caller.organizer != organizer]
        return others[0] if stranger else CALLERS[organizer]

    def ref(self, one: Person | None) -> Ref:
        return Ref(id=uuid7() if one is None else one.id)

    def submission(self, given: Given) -> submission.Submission:
        ids: dict[str, UUID] = self.stage.world.routes
        return someone(
            CALLERS[given.organizer],
            ids[given.way.name],
            given.nik,
            name=given.name,
            return_route_id=None if given.back is None else ids[given.back.name],
            registered_at=given.registered_at,
            motorcycle=Motorcycle("B 1234 XYZ", "01234567") if given.way.service == "MOTORCYCLE" else None,
        )

    def same(self, verdict: Any, wish: Person | No) -> None:
        if isinstance(wish, No):
            self.same_refusal(verdict, wish)
        else:
            assert not isinstance(verdict, Refusal), verdict
            assert (verdict.id, verdict.status) == (wish.id, wish.status)

    def same_refusal(self, verdict: Any, wish: No) -> None:
        assert isinstance(verdict, Refusal), verdict
        assert verdict.code == wish.code
        if isinstance(wish.holder, Person):
            assert isinstance(verdict, NikAlreadyRegistered)
            standing = verdict.standing
            assert (standing.organizer, standing.direction, standing.service) == (
                wish.holder.organizer,
                wish.holder.way.direction,
                wish.holder.way.service,
            )
        if wish.code == "TRANSITION_NOT_ALLOWED":
            assert isinstance(verdict, TransitionNotAllowed)
            assert verdict.allowed == wish.allowed

    def same_booking(self, verdict: Any, wish: Booked) -> None:
        assert isinstance(verdict, Accepted), verdict
        assert verdict.replayed == wish.replayed
        records = [one for one in (verdict.view, verdict.return_view) if one is not None]
        assert len(records) == len(wish.legs)
        for record, leg in zip(records, wish.legs, strict=True):
            leg.id = leg.id or record.id
            assert (record.id, record.status, record.verify_by) == (leg.id, leg.status, leg.verify_by)


async def rows(session: Session, query: str) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in await queries.run(session, query)}


@pytest.fixture
def stage(database_url: str, vault: Vault) -> Iterator[Stage]:
    with built(database_url, vault) as stage:
        yield stage


@lives()
@given(life=LIVES)
def test_the_registry_lives_as_the_model_does(stage: Stage, life: list[tuple[str, dict[str, Any]]]) -> None:
    lives = Lives(stage)
    for name, facts in life:
        getattr(lives, name)(**facts)
        stage.run(lives.compare)
    assert stage.run(exceptions) == {}
