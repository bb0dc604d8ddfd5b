"""Events that a webhook hears if it has chosen them: what an organizer did itself, blocks, corrections, reminders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.changes.webhooks import events
from app.models.enums import CaseState, RegistrantStatus
from app.registry import case_decisions
from app.registry.niks import blocks
from app.registry.registrants.lookup import Ref
from app.registry.undo import reopening
from tests.changes.sending import DELIVERED, FAILED, Post
from tests.world import DJKA, DKI, HUBDAT, LEAVES, NOW, nik_of, someone

pytestmark = pytest.mark.anyio

DJKAS, HUBDATS = "https://djka.example/", "https://hubdat.example/"
DEADLINE = datetime(2026, 3, 9, 16, 59, 59, 999999, tzinfo=UTC)
"""H+7, the end of the day (WIB)."""
IN_48, IN_24 = "deadline.in_48_hours", "deadline.in_24_hours"


async def told(post: Post, now: datetime = NOW) -> list[tuple[str, str, Any]]:
    """Everything that is sent, one delivery of a subject after the other."""
    await post.announce(now)
    sent = []
    while leased := await post.lease(now):
        for one in leased:
            body = orjson.loads(events.payload(one.event, one.change, one.at, own=one.own))
            sent.append((one.url, body["type"], body["data"]))
        await post.record(*((one, DELIVERED) for one in leased), now=now)
    return sent


async def test_what_an_organizer_does_itself(post: Post) -> None:
    world = post.world
    await post.hook(url=DJKAS, events=["registrant.verified", "registrant.departed", "registrant.cancelled"])
    route = await world.route(organizer="djka")
    one, other = [await world.registered(someone(DJKA, route, number)) for number in (1, 2)]
    await world.moved(one.id, RegistrantStatus.VERIFIED, DJKA)
    await world.moved(one.id, RegistrantStatus.DEPARTED, DJKA)
    await world.moved(other.id, RegistrantStatus.CANCELLED, DJKA)
    common = {"organizer": "djka", "season": 2026, "routeId": str(route)}
    first, second = (common | {"registrantId": str(each.id)} for each in (one, other))
    assert sorted(await told(post), key=str) == sorted(
        [
            (DJKAS, "registrant.verified", first),
            (DJKAS, "registrant.departed", first),
            (DJKAS, "registrant.cancelled", second),
        ],
        key=str,
    )


async def test_a_webhook_hears_what_it_has_chosen_and_nothing_else(post: Post) -> None:
    world = post.world
    await post.hook(url=DJKAS, events=["registrant.departed"])
    await post.hook(HUBDAT, HUBDATS, events=["registrant.verified"])
    route = await world.route(organizer="djka")
    one = await world.verified(someone(DJKA, route))
    await world.moved(one.id, RegistrantStatus.DEPARTED, DJKA)
    assert [each[:2] for each in await told(post)] == [(DJKAS, "registrant.departed")]


async def test_who_stands_again_is_reopened_and_not_verified(post: Post) -> None:
    world = post.world
    await post.hook(url=DJKAS, events=["registrant.verified", "registrant.reopened"])
    route = await world.route(organizer="djka")
    one = await world.verified(someone(DJKA, route))
    await world.moved(one.id, RegistrantStatus.NO_SHOW, DJKA)
    refs = [Ref(id=one.id)]
    await world.database.attempt(lambda session: reopening.reopen(session, world.vault, HUBDAT, refs, "Keliru", NOW))
    assert [event for _, event, _ in await told(post)] == ["registrant.verified", "registrant.reopened"]


async def test_a_block_and_its_end_are_told_to_whose_registrant_it_was(post: Post) -> None:
    world = post.world
    chosen = ["nik.blocked", "nik.block_lifted"]
    await post.hook(url=DJKAS, events=chosen)
    await post.hook(DKI, "https://dishub-dki.example/", events=chosen)
    await post.hook(HUBDAT, HUBDATS, events=chosen)
    await world.policy("djka", verify_within_days=7)
    one = await world.registered(someone(DJKA, await world.route(organizer="djka")))
    await world.moved(one.id, RegistrantStatus.FORFEITED, DJKA)
    his = {"organizer": "djka", "season": 2026, "registrantId": str(one.id)}
    assert await told(post) == [(DJKAS, "nik.blocked", his | {"untilSeason": 2026})]
    block = str(await world.one("SELECT id FROM nik_block"))
    async with world.database.transaction() as session:
        await blocks.lift(session, world.vault, HUBDAT, nik_of(1), "Banding dikabulkan", NOW)
    hubdats = {"organizer": "hubdat", "season": 2026, "blockId": block}
    assert sorted(await told(post), key=str) == [
        (DJKAS, "nik.block_lifted", his),
        (HUBDATS, "nik.block_lifted", hubdats),
    ]


async def test_a_block_by_hand_is_hubdats_alone(post: Post) -> None:
    """It says nothing of the NIK: an organizer that holds the NIK would else learn of whom the block is."""
    world = post.world
    for caller, url in ((DJKA, DJKAS), (HUBDAT, HUBDATS)):
        await post.hook(caller, url, events=["nik.blocked"])
    await world.registered(someone(DJKA, await world.route(organizer="djka")))
    async with world.database.transaction() as session:
        await blocks.block(session, world.vault, HUBDAT, nik_of(1), "Pemalsuan", 2, NOW)
    block = str(await world.one("SELECT id FROM nik_block"))
    data = {"organizer": "hubdat", "season": 2026, "blockId": block, "untilSeason": 2027}
    assert await told(post) == [(HUBDATS, "nik.blocked", data)]


async def test_a_correction_that_is_asked_for_is_an_event_of_its_own_for_whoever_has_chosen_it(post: Post) -> None:
    """Each webhook hears of one decision once."""
    world = post.world
    await post.hook(DKI, "https://a.example/", events=["case.decided", "correction.asked"])
    await post.hook(DKI, "https://b.example/", events=["correction.asked"])
    await post.hook(DKI, "https://c.example/", events=["case.decided"])
    await post.hook(url=DJKAS, events=["case.decided", "correction.asked"])
    await world.registered(someone(DJKA, await world.route(organizer="djka")))
    await world.submit(someone(DKI, await world.route("DKI", organizer="dishub-dki"), name="Orang Lain Sekali"))
    case = await world.one("SELECT id FROM duplicate_case")
    async with world.database.transaction() as session:
        await case_decisions.decide(
            session, HUBDAT, case, CaseState.NOT_DUPLICATE, "Salah ketik", NOW, mistyped_by="dishub-dki"
        )
    data = {
        "organizer": "djka",
        "season": 2026,
        "caseId": str(case),
        "state": "NOT_DUPLICATE",
        "mistypedBy": "dishub-dki",
    }
    assert sorted(await told(post), key=str) == [
        ("https://a.example/", "correction.asked", data),
        ("https://b.example/", "correction.asked", data),
        ("https://c.example/", "case.decided", data),
        (DJKAS, "case.decided", data),
    ]


# --- reminders --------------------------------------------------------------------------------------------------------


async def waiting(post: Post, *chosen: str, number: int = 1, departs_at: datetime = LEAVES) -> UUID:
    """DJKA's registrant of `NOW`, who is to be verified by `DEADLINE`; the registry has looked before."""
    world = post.world
    if chosen:
        await world.policy("djka", verify_within_days=7)
        await post.hook(url=DJKAS, events=list(chosen))
        await world.sweep(NOW)
    route = await world.route(f"KA {number}", organizer="djka", departs_at=departs_at)
    return (await world.registered(someone(DJKA, route, number))).id


async def reminded(post: Post, at: datetime) -> list[tuple[str, str]]:
    await post.world.sweep(at)
    return [(event, data["registrantId"]) for _, event, data in await told(post, at)]


async def test_a_deadline_is_told_of_48_and_24_hours_before(post: Post) -> None:
    one = await waiting(post, IN_48, IN_24)
    before = [DEADLINE - timedelta(hours=hours) for hours in (48, 24)]
    moment = timedelta(seconds=1)
    assert await reminded(post, before[0] - moment) == []
    await post.world.sweep(before[0])
    [(url, event, data)] = await told(post, before[0])
    assert (url, event, data["verifyBy"]) == (DJKAS, IN_48, "2026-03-09T16:59:59.999999+00:00")
    assert set(data) == {"organizer", "season", "registrantId", "routeId", "verifyBy"}
    assert await reminded(post, before[1] - moment) == []
    assert await reminded(post, before[1]) == [(IN_24, str(one))]
    assert await reminded(post, DEADLINE - moment) == []
    assert await post.world.count("reminder") == 2


async def test_only_what_is_chosen_is_written_down(post: Post) -> None:
    await waiting(post, IN_24)
    assert await reminded(post, DEADLINE - timedelta(hours=47)) == []
    assert await post.world.one("SELECT count(*) FROM change WHERE kind = 'DEADLINE_NEARS'") == 0
    assert len(await reminded(post, DEADLINE - timedelta(hours=23))) == 1


async def test_a_reminder_that_comes_too_late_is_left_to_the_next_one(post: Post) -> None:
    """The registry was away for a day, with some other organizers."""
    one = await waiting(post, IN_48, IN_24)
    assert await reminded(post, DEADLINE - timedelta(hours=20)) == [(IN_24, str(one))]


async def test_who_is_verified_meanwhile_is_not_told_of(post: Post) -> None:
    """Before the reminder is written down, before it is sent, and before it is sent again."""
    world = post.world
    chosen = await waiting(post, IN_48)
    people = [chosen, *[await waiting(post, number=number) for number in (2, 3)]]
    at = DEADLINE - timedelta(hours=40)
    await world.moved(people[0], RegistrantStatus.VERIFIED, DJKA)
    await world.sweep(at)
    await post.announce(at)
    assert {row[0] for row in await post.rows("subject")} == {str(one) for one in people[1:]}
    await world.moved(people[1], RegistrantStatus.VERIFIED, DJKA)
    [tried] = await post.try_all(FAILED, at)
    assert tried.subject == str(people[2])
    await world.moved(people[2], RegistrantStatus.VERIFIED, DJKA)
    assert await post.lease(at + timedelta(hours=1)) == []
    assert await post.rows() == []


async def test_what_waits_behind_a_dropped_reminder_is_sent(post: Post) -> None:
    world = post.world
    one = await waiting(post, IN_48, "registrant.verified")
    at = DEADLINE - timedelta(hours=40)
    await world.sweep(at)
    await world.moved(one, RegistrantStatus.VERIFIED, DJKA)
    await post.announce(at)
    assert await post.lease(at) == []
    assert [event for _, event, _ in await told(post, at)] == ["registrant.verified"]


async def test_another_deadline_is_told_of_anew(post: Post) -> None:
    one = await waiting(post, IN_48)
    assert await reminded(post, DEADLINE - timedelta(hours=48)) == [(IN_48, str(one))]
    later = DEADLINE + timedelta(days=3)
    await post.world.put(one, verify_by=later)
    assert await reminded(post, later - timedelta(hours=49)) == []
    assert await reminded(post, later - timedelta(hours=48)) == [(IN_48, str(one))]


async def test_a_reminder_of_the_old_deadline_is_dropped(post: Post) -> None:
    one = await waiting(post, IN_48)
    at = DEADLINE - timedelta(hours=48)
    await post.world.sweep(at)
    await post.announce(at)
    await post.world.put(one, verify_by=DEADLINE + timedelta(days=3))
    assert (await post.lease(at), await post.rows()) == ([], [])


async def test_a_reminder_is_dropped_once_the_season_is_closed(post: Post) -> None:
    """Nobody can be verified there any more."""
    await waiting(post, IN_48)
    at = DEADLINE - timedelta(hours=48)
    await post.world.sweep(at)
    await post.announce(at)
    await post.world.close()
    assert (await post.lease(at), await post.rows()) == ([], [])


async def test_a_trip_is_told_of_once(post: Post) -> None:
    world = post.world
    await world.policy("djka", verify_within_days=7)
    await post.hook(url=DJKAS, events=[IN_48])
    await world.sweep(NOW)
    there, back = await world.route(organizer="djka"), await world.way_back(organizer="djka")
    one = await world.registered(someone(DJKA, there, return_route_id=back))
    assert await reminded(post, DEADLINE - timedelta(hours=48)) == [(IN_48, str(one.id))]


async def test_a_registration_with_less_time_left_is_told_of_at_the_next_number_of_hours(post: Post) -> None:
    world = post.world
    await world.policy("djka", verify_within_days=1)
    await post.hook(url=DJKAS, events=[IN_48, IN_24])
    await world.sweep(NOW)
    route = await world.route(organizer="djka")
    await world.sweep(NOW + timedelta(minutes=11))
    one = await world.registered(someone(DJKA, route))
    deadline = datetime(2026, 3, 3, 16, 59, 59, 999999, tzinfo=UTC)
    assert await reminded(post, NOW + timedelta(minutes=12)) == []
    assert await reminded(post, deadline - timedelta(hours=24)) == [(IN_24, str(one.id))]
