"""Uniqueness when everybody comes at once: the first to arrive wins, the others learn of the winner."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from app.db import Database
from app.errors import NikAlreadyRegistered
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.registrants import submission
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Submission
from app.registry.registrants.view import View
from app.vault.vault import Vault
from tests.concurrency.agreement import assert_agrees
from tests.concurrency.crowd import at_once
from tests.concurrency.processes import Crew
from tests.world import CALLERS, DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

NINE = (*CALLERS, *(Caller(f"kota-{number}-test", f"kota-{number}") for number in range(1, 5)))


async def nine_organizers(world: World) -> list[Submission]:
    """The same person with each, on a route of its own."""
    for caller in NINE[len(CALLERS) :]:
        await world.run(
            "INSERT INTO organizer (code, name, schemes) VALUES (:code, :name, '{}')",
            code=caller.organizer,
            name=caller.organizer.upper(),
        )
        await world.window(caller.organizer, NOW - timedelta(days=29))
    return [
        someone(caller, await world.route(f"Dari {caller.organizer}", organizer=caller.organizer)) for caller in NINE
    ]


async def assert_one_winner(world: World, sent: list[Submission], verdicts: list[Any]) -> None:
    """What each of `sent` was answered, and what it left."""
    [(winner, held)] = await world.run("SELECT organizer_code, id FROM registrant")
    accepted = [one for one in verdicts if isinstance(one, Accepted)]
    assert [one.view.id for one in accepted] == [held] * len(accepted)
    assert Counter(one.replayed for one in accepted)[False] == 1
    expected = Counter(one.caller.organizer for one in sent)
    assert len(accepted) == expected.pop(winner)

    for one, verdict in zip(sent, verdicts, strict=True):
        if not isinstance(verdict, Accepted):
            assert isinstance(verdict, NikAlreadyRegistered)
            assert verdict.standing is not None
            told = (verdict.standing.organizer, verdict.standing.status, verdict.standing.own)
            assert told == (winner, "REGISTERED", one.caller.owns(winner))
    assert await world.run("SELECT holder_id, state FROM duplicate_case") == [(held, "OPEN")]
    assert dict(await world.run("SELECT organizer_code, attempts FROM case_claim")) == expected
    assert Counter(await world.changes("kind")) == {
        ("REGISTRANT_MOVED",): 1,
        ("DUPLICATE_REFUSED",): expected.total(),
    }
    await assert_agrees(world)


async def test_two_hundred_submissions_of_one_nik_by_nine_organizers(world: World) -> None:
    people = await nine_organizers(world)
    sent = [people[number % 9] for number in range(200)]
    verdicts = [verdict for [verdict] in await at_once(world.submit(one) for one in sent)]
    await assert_one_winner(world, sent, verdicts)


async def submit_each(database: Database, vault: Vault, sent: list[Submission]) -> list[Any]:
    async def one(given: Submission) -> Any:
        [verdict] = await database.attempt(lambda session: submission.submit(session, vault, [given], NOW))
        return verdict

    return list(await asyncio.gather(*(one(given) for given in sent)))


async def test_one_nik_from_several_processes(world: World, crew: Crew) -> None:
    people = await nine_organizers(world)
    shares = [[people[(number + offset) % 9] for number in range(45)] for offset in range(3)]
    answers = await crew.run(world.database, submit_each, [(share,) for share in shares])
    await assert_one_winner(world, list(chain(*shares)), list(chain(*answers)))


async def correct(world: World, caller: Caller, one: View, number: int) -> Any:
    given = Correction(reason="Salah ketik", nik=nik_of(number))
    return await world.database.attempt(
        lambda session: corrections.correct(session, world.vault, caller, Ref(id=one.id), given, NOW)
    )


async def test_a_correction_to_a_nik_against_its_submission(world: World) -> None:
    """Exactly one of the two gets the NIK; the other is told of it, and of nothing else."""
    ours, theirs = await world.route("Milik Hubdat"), await world.route("Milik DJKA", organizer="djka")
    mistyped = [verdict.view for verdict in await world.submit(*(someone(HUBDAT, ours, n) for n in range(40)))]
    rivals = [
        call
        for number, one in enumerate(mistyped)
        for call in (correct(world, HUBDAT, one, 100 + number), world.submit(someone(DJKA, theirs, 100 + number)))
    ]
    verdicts = await at_once(rivals)
    wins: Counter[str] = Counter()
    for corrected, [submitted] in zip(verdicts[::2], verdicts[1::2], strict=True):
        assert isinstance(corrected, View) != isinstance(submitted, Accepted)
        refused = submitted if isinstance(corrected, View) else corrected
        winner = "hubdat" if isinstance(corrected, View) else "djka"
        assert (refused.code, refused.standing.organizer) == ("NIK_ALREADY_REGISTERED", winner)
        wins[winner] += 1
    assert wins.total() == 40
    assert await world.taken("Milik DJKA") == wins["djka"]
    assert await world.count("registrant") == 40 + wins["djka"]
    await assert_agrees(world)


async def test_two_corrections_to_one_nik(world: World) -> None:
    ours, theirs = await world.route("Milik Hubdat"), await world.route("Milik DJKA", organizer="djka")
    first = [verdict.view for verdict in await world.submit(*(someone(HUBDAT, ours, n) for n in range(20)))]
    second = [verdict.view for verdict in await world.submit(*(someone(DJKA, theirs, 50 + n) for n in range(20)))]
    pairs = enumerate(zip(first, second, strict=True), start=100)
    rivals = [
        (correct(world, HUBDAT, one, number), correct(world, DJKA, other, number)) for number, (one, other) in pairs
    ]
    verdicts = await at_once(chain(*rivals))
    for one, other in zip(verdicts[::2], verdicts[1::2], strict=True):
        assert [isinstance(one, View), isinstance(other, View)].count(True) == 1
        refused = other if isinstance(one, View) else one
        assert refused.code == "NIK_ALREADY_REGISTERED"
    await assert_agrees(world)


async def test_people_whose_niks_were_swapped_are_not_corrected_into_each_other(world: World) -> None:
    """Each holds what the other one needs: both are refused, over and over again, and neither waits forever."""
    route = await world.route()
    [one, other] = [
        verdict.view for verdict in await world.submit(someone(HUBDAT, route, 1), someone(HUBDAT, route, 2))
    ]
    for _ in range(10):
        verdicts = await asyncio.gather(correct(world, HUBDAT, one, 2), correct(world, HUBDAT, other, 1))
        assert [verdict.code for verdict in verdicts] == ["NIK_ALREADY_REGISTERED"] * 2
    await assert_agrees(world)
