"""Submissions in batches: a verdict each, safe to repeat, and as many statements for a thousand rows as for one."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from app.db import Session
from app.errors import NikAlreadyRegistered, Raced
from app.registry.registrants import submission, uniqueness
from app.registry.registrants.submission import Accepted, Motorcycle
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HONDA = Motorcycle("B 1", "1")
MOST_STATEMENTS = 12


def codes(verdicts: list[Any]) -> list[str]:
    return ["ACCEPTED" if isinstance(one, Accepted) else one.code for one in verdicts]


async def test_no_submissions_no_verdicts(world: World) -> None:
    async with world.unchanged():
        assert await world.submit() == []


async def test_a_refusal_touches_no_other_row(world: World) -> None:
    route = await world.route(quota=2)
    verdicts = await world.submit(
        someone(HUBDAT, route, 1),
        someone(HUBDAT, route, 2, name=""),
        someone(HUBDAT, None, 3),
        someone(HUBDAT, route, 4),
        someone(HUBDAT, route, 5),
    )
    assert codes(verdicts) == ["ACCEPTED", "INVALID_VALUE", "ROUTE_UNKNOWN", "ACCEPTED", "QUOTA_FULL"]
    assert await world.taken() == 2
    assert await world.count("registrant") == 2
    assert await world.changes("kind, registrant_id") == [
        ("REGISTRANT_MOVED", verdicts[0].view.id),
        ("REGISTRANT_MOVED", verdicts[3].view.id),
        ("QUOTA_FILLED", None),
    ]


async def test_many_callers_share_a_batch(world: World) -> None:
    """Concurrent single calls are merged: each sees only its own."""
    ours, theirs = await world.route(), await world.route("KA", organizer="djka")
    verdicts = await world.submit(
        someone(HUBDAT, ours, 1), someone(DJKA, theirs, 2), someone(DJKA, theirs, 1), someone(HUBDAT, theirs, 3)
    )
    assert codes(verdicts) == ["ACCEPTED", "ACCEPTED", "NIK_ALREADY_REGISTERED", "NOT_YOURS"]
    assert [one.view.organizer for one in verdicts[:2]] == ["hubdat", "djka"]
    assert [one.view.own for one in verdicts[:2]] == [True, True]
    assert verdicts[2].standing.own is False
    assert await world.run("SELECT holder_id FROM duplicate_case") == [(verdicts[0].view.id,)]


async def test_a_repeat_in_the_same_batch_is_replayed(world: World) -> None:
    route = await world.route(quota=1)
    first, second = await world.submit(someone(HUBDAT, route), someone(HUBDAT, route))
    assert (first.replayed, second.replayed) == (False, True)
    assert first.view == second.view
    assert await world.taken() == 1
    assert await world.count("registrant") == 1


async def test_a_repeat_later_is_replayed_and_changes_nothing(world: World) -> None:
    route = await world.route(quota=1)
    first = await world.registered(someone(HUBDAT, route, reference="BK-1"))
    async with world.unchanged():
        again = await world.accepted(someone(HUBDAT, route, reference="BK-2"), NOW + timedelta(days=3))
    assert again.replayed
    assert again.warnings == ()
    assert again.view == first


async def test_a_repeat_is_answered_though_the_window_has_closed_and_the_nik_is_blocked(world: World) -> None:
    route = await world.route(quota=1)
    first = await world.registered(someone(HUBDAT, route))
    await world.window("hubdat", NOW - timedelta(days=1), NOW)
    await world.run(
        """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
           VALUES (gen_random_uuid(), :nik_index, 'Gugur', 2026, 2026, :now, 'hubdat')""",
        nik_index=world.vault.blind_index(nik_of(1)),
        now=NOW,
    )
    again = await world.accepted(someone(HUBDAT, route), NOW + timedelta(hours=1))
    assert (again.replayed, again.view) == (True, first)


async def test_a_repeat_answers_the_status_of_today(world: World) -> None:
    route = await world.route()
    verified = await world.verified(someone(HUBDAT, route))
    again = await world.accepted(someone(HUBDAT, route))
    assert again.view == verified
    assert again.view.status == "VERIFIED"


async def test_a_repeat_with_another_route_or_name_is_told(world: World) -> None:
    solo, yogya = await world.route(), await world.route("Jakarta - Yogya", destination="giwangan")
    first = await world.registered(someone(HUBDAT, solo, name="Sulastri Wulandari"))
    async with world.unchanged():
        again = await world.accepted(someone(HUBDAT, yogya, name="Bambang Prakoso"))
    assert again.replayed
    assert again.view == first
    assert [(one.code, one.message("id"), one.message("en")) for one in again.warnings] == [
        (
            "ROUTE_DIFFERS",
            "Orang ini sudah terdaftar pada Anda dengan rute lain; data yang tersimpan tidak berubah.",
            "This person is already registered with you on another route; what is stored has not changed.",
        ),
        (
            "NAME_DIFFERS",
            "NIK ini sudah terdaftar pada Anda dengan nama yang jelas berbeda; data yang tersimpan tidak berubah.",
            "This NIK is already registered with you under a clearly different name; what is stored has not changed.",
        ),
    ]


async def test_whoever_was_cancelled_may_come_again(world: World) -> None:
    route = await world.route(quota=1)
    first = await world.registered(someone(HUBDAT, route))
    await world.put(first.id, status="CANCELLED")
    await world.run("UPDATE route SET taken = 0")
    again = await world.accepted(someone(HUBDAT, route))
    assert not again.replayed
    assert again.view.id != first.id


async def test_a_coordinators_repeat_of_its_members_submission_is_the_members(world: World) -> None:
    route = await world.route("Bus BUMN", organizer="bumn-satu", quota=1)
    first = await world.registered(someone(BUMN, route))
    again = await world.accepted(someone(JASA_RAHARJA, route, member="bumn-satu"))
    assert (again.replayed, again.view.id, again.view.nik) == (True, first.id, nik_of(1))


async def test_a_region_that_is_not_known_is_a_warning(world: World) -> None:
    route = await world.route()
    accepted = await world.accepted(someone(HUBDAT, route, nik="3299010101909001"))
    assert [one.code for one in accepted.warnings] == ["REGENCY_UNKNOWN"]
    again = await world.accepted(someone(HUBDAT, route, nik="3299010101909001"))
    assert [one.code for one in again.warnings] == ["REGENCY_UNKNOWN"]


async def test_a_nik_that_another_transaction_takes_meanwhile_is_a_lost_race(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The winner commits between our look and our insertion: the second attempt sees it."""
    ours, theirs = await world.route(), await world.route("KA", organizer="djka")
    look = uniqueness.standing
    looks = 0

    async def meanwhile(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        found = await look(*arguments)
        if looks == 1:
            monkeypatch.setattr(uniqueness, "standing", look)
            await world.registered(someone(DJKA, theirs))
            monkeypatch.setattr(uniqueness, "standing", meanwhile)
        return found

    monkeypatch.setattr(uniqueness, "standing", meanwhile)
    verdicts = await world.submit(someone(HUBDAT, ours, 1), someone(HUBDAT, ours, 2))
    assert codes(verdicts) == ["NIK_ALREADY_REGISTERED", "ACCEPTED"]
    assert looks == 2
    assert (await world.taken(), await world.taken("KA")) == (1, 1)


async def test_a_lost_race_leaves_nothing_of_its_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = await world.route()
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))

    async def blind(*arguments: Any) -> Any:
        return uniqueness.StandingOfNiks({}, {})

    monkeypatch.setattr(uniqueness, "standing", blind)
    async with world.unchanged():
        with pytest.raises(Raced):
            await world.submit(someone(HUBDAT, ours, 1), someone(HUBDAT, ours, 2))


async def test_a_thousand_rows_take_as_many_statements_as_one(world: World) -> None:
    route = await world.route()
    counts = []
    for numbers in (range(1), range(1000, 2000)):
        with world.statements() as issued:
            verdicts = await world.submit(*(someone(HUBDAT, route, number) for number in numbers))
        assert set(codes(verdicts)) == {"ACCEPTED"}
        counts.append(len(issued))
    assert counts[0] == counts[1] <= MOST_STATEMENTS
    assert await world.taken() == await world.count("registrant") == 1001


async def test_the_worst_batch_takes_at_most_thirteen_statements(world: World) -> None:
    """Motorcycles, pairs, returns to what stands, repeats, refused and suspected duplicates of three organizers, and a
    full route: whoever is refused there is looked up among the organizer's own alone.
    """
    await world.policy("djka")
    mudik, balik = await world.route("KA", organizer="djka"), await world.way_back("KA balik", organizer="djka")
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    bus = await world.route(quota=1)
    capital = await world.route("DKI", organizer="dishub-dki")
    await world.submit(*(someone(DJKA, mudik, number) for number in range(300)))

    def batch(start: int, size: int) -> list[Any]:
        return [
            *(someone(DJKA, balik, number) for number in range(start, start + size)),
            *(someone(DJKA, mudik, number) for number in range(start, start + size)),
            *(someone(DJKA, deck, number, motorcycle=HONDA) for number in range(start, start + size)),
            *(someone(DKI, capital, number, name="Bambang Prakoso") for number in range(start, start + size)),
            *(someone(DJKA, mudik, number + 5000, return_route_id=balik) for number in range(start, start + size)),
            *(someone(HUBDAT, bus, number + 7000) for number in range(start, start + size)),
        ]

    counts = []
    for start, size in ((0, 1), (1, 166)):
        with world.statements() as issued:
            verdicts = codes(await world.submit(*batch(start, size)))
        expected = ["ACCEPTED"] * 3 + ["NIK_ALREADY_REGISTERED", "ACCEPTED", "ACCEPTED" if size == 1 else "QUOTA_FULL"]
        assert verdicts == [code for code in expected for _ in range(size)]
        counts.append(len(issued))
    assert counts == [MOST_STATEMENTS, MOST_STATEMENTS + 1]


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many NIKs were looked up among all organizers' registrations, each time."""
    looked: list[int] = []
    look = uniqueness.standing

    async def counted(session: Session, season: int, nik_indexes: Collection[bytes]) -> Any:
        looked.append(len(nik_indexes))
        return await look(session, season, nik_indexes)

    monkeypatch.setattr(uniqueness, "standing", counted)
    return looked


async def test_a_full_route_looks_at_no_registration_of_others(world: World, looked_at: list[int]) -> None:
    """So how long the refusal takes does not depend on them either."""
    full, free = await world.route(quota=1), await world.way_back()
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 1))
    await world.policy("djka", return_requires_outbound=False)
    await world.registered(someone(DJKA, await world.way_back("KA pulang", organizer="djka"), 2))
    own = await world.registered(someone(HUBDAT, full, 2))
    looked_at.clear()
    assert codes(await world.submit(someone(HUBDAT, full, 1), someone(HUBDAT, full, 3))) == ["QUOTA_FULL"] * 2
    assert looked_at == []
    # Whoever has a seat there is recognised, and what others hold counts for the way back.
    again, trip, other = await world.submit(
        someone(HUBDAT, full, 2), someone(HUBDAT, full, 2, return_route_id=free), someone(HUBDAT, full, 1)
    )
    assert codes([again, trip, other]) == ["ACCEPTED", "NIK_ALREADY_REGISTERED", "QUOTA_FULL"]
    assert isinstance(again, Accepted)
    assert (again.view.id, again.replayed) == (own.id, True)
    assert looked_at == [1]
    assert await world.taken() == 1


async def test_outside_of_its_window_a_submission_looks_at_no_registration_of_others(
    world: World, looked_at: list[int]
) -> None:
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 1))
    ours = await world.route()
    await world.window("hubdat", opens_at=NOW + timedelta(hours=1))
    looked_at.clear()
    assert codes(await world.submit(someone(HUBDAT, ours, 1), someone(HUBDAT, ours, 3))) == ["REGISTRATION_CLOSED"] * 2
    assert looked_at == []


async def test_where_nobody_is_registered_no_case_is_opened_against_one_of_them(world: World) -> None:
    """Of two who name the same NIK together, the first would have held it."""
    ours, theirs = await world.route(), await world.route("Jakarta - Yogya", organizer="djka")
    twice = [someone(HUBDAT, ours), someone(DJKA, theirs, name="Lain Sekali")]
    told = await world.database.attempt(lambda session: submission.submit_together(session, world.vault, twice, NOW))
    assert told[0] is None
    assert isinstance(told[1], NikAlreadyRegistered)
    assert await world.run("SELECT FROM registrant") == []
    assert await world.run("SELECT FROM duplicate_case") == []
