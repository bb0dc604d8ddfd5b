"""Which events are announced to whom, once each, in the order of the log; and that nothing else is told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.changes.webhooks import events
from app.changes.webhooks.events import LoggedChange
from app.models.enums import CaseState, ChangeKind, RegistrantStatus
from app.registry import case_decisions, change_log
from app.registry.amending import rerouting
from app.registry.change_log import Entry
from app.registry.niks import allowance, enumeration
from app.registry.niks.allowance import Named
from app.registry.niks.enumeration import WALKING, Sign
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.terms import window_history, windows
from app.registry.terms.windows import WindowInput
from app.registry.undo import reopening
from tests import queries
from tests.changes.conftest import settled
from tests.changes.sending import DELIVERED, Post, filled, forfeited, no_show, returned, route_id
from tests.concurrency.crowd import one_waits
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, LEAVES, NOW, nik_of, someone

pytestmark = pytest.mark.anyio


def logged(kind: str, **more: Any) -> LoggedChange:
    """A change of DJKA's."""
    nothing: dict[str, Any] = {
        "registrant_id": None,
        "route_id": None,
        "from_status": None,
        "to_status": None,
        "facts": {},
    }
    return LoggedChange(id=1, at=NOW, kind=kind, season=2026, organizer="djka", **{**nothing, **more})


async def payloads(post: Post) -> list[tuple[str, str, dict[str, Any]]]:
    """Of everything that may be sent at once: to whom, what, and the data."""
    leased = await post.lease()
    bodies = [orjson.loads(events.payload(one.event, one.change, one.at, own=one.own)) for one in leased]
    assert all(body["timestamp"] == "2026-03-02T02:00:00Z" for body in bodies)
    return [(one.url, body["type"], body["data"]) for one, body in zip(leased, bodies, strict=True)]


async def test_what_happens_to_a_registrant_and_its_route(post: Post) -> None:
    world = post.world
    await world.policy("djka", verify_within_days=7)
    await post.hook()
    route = str(await world.route(organizer="djka", quota=2))
    gone = await world.registered(someone(DJKA, UUID(route), 1))
    left = await world.verified(someone(DJKA, UUID(route), 2))
    await world.moved(gone.id, RegistrantStatus.FORFEITED, DJKA)
    await world.moved(left.id, RegistrantStatus.NO_SHOW, DJKA)
    await post.announce()
    told = await payloads(post)
    common = {"organizer": "djka", "season": 2026, "routeId": route}
    assert [(event, data) for _, event, data in told] == [
        ("quota.filled", common),
        ("registrant.forfeited", common | {"registrantId": str(gone.id)}),
        ("registrant.no_show", common | {"registrantId": str(left.id)}),
    ]
    # The seat that came back waits for what was said of its route before.
    assert [row[0] for row in await post.rows()] == [
        "quota.filled", "registrant.forfeited", "quota.returned", "registrant.no_show",
    ]  # fmt: skip


async def test_a_sweep_that_halts_is_told_to_hubdat_alone(post: Post) -> None:
    world = post.world
    await post.hook()
    await post.hook(HUBDAT, "https://hubdat.example/")
    await world.policy("djka", verify_within_days=7)
    route = await world.route(organizer="djka")
    await world.submit(*(someone(DJKA, route, number) for number in range(101)))
    await world.sweep(NOW + timedelta(days=8))
    await post.announce()
    halted = [row for row in await post.rows() if row[0] == "sweep.halted"]
    assert len(halted) == 1
    async with world.database.transaction() as session:
        [(url, facts)] = await queries.run(
            session,
            """SELECT w.url, c.facts FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
               JOIN change c ON c.id = d.change_id WHERE d.event = 'sweep.halted'""",
        )
    assert url == "https://hubdat.example/"
    body = orjson.loads(events.payload("sweep.halted", logged(ChangeKind.SWEEP_HALTED, facts=facts), NOW, own=True))
    assert body["data"] == {
        "organizer": "djka",
        "season": 2026,
        "halted": "djka",
        "ends": "FORFEITED",
        "people": 101,
        "holders": 101,
        "until": "2026-03-09T16:59:59.999999+00:00",
    }


async def test_a_step_back_is_an_event_of_its_own(post: Post) -> None:
    world = post.world
    await post.hook()
    route = await world.route(organizer="djka")
    ends = (RegistrantStatus.CANCELLED, RegistrantStatus.FORFEITED, RegistrantStatus.NO_SHOW)
    people = [await world.registered(someone(DJKA, route, number)) for number in range(3)]
    await world.moved(people[2].id, RegistrantStatus.VERIFIED, DJKA)
    for one, end in zip(people, ends, strict=True):
        await world.moved(one.id, end, DJKA)
    refs = [Ref(id=one.id) for one in people]
    await world.database.attempt(lambda session: reopening.reopen(session, world.vault, HUBDAT, refs, "Keliru", NOW))
    await post.announce()
    told = [row for row in await payloads(post) if row[1] == "registrant.reopened"]
    steps = (("CANCELLED", "REGISTERED"), ("FORFEITED", "REGISTERED"), ("NO_SHOW", "VERIFIED"))
    data = {
        str(one.id): {
            "organizer": "djka",
            "season": 2026,
            "registrantId": str(one.id),
            "routeId": str(route),
            "from": before,
            "to": after,
        }
        for one, (before, after) in zip(people, steps, strict=True)
    }
    # An end and its step back are about one registrant, and come in order.
    assert [row[2] for row in told] == [data[str(people[0].id)]]
    assert [row[0] for row in await post.rows()].count("registrant.reopened") == 3


async def test_a_new_time_is_told_to_the_organizers_of_the_holders(post: Post) -> None:
    world = post.world
    await post.hook(BUMN, "https://member.example/")
    route = await world.route(organizer="jasa-raharja")
    for number in (1, 2):
        await world.registered(someone(JASA_RAHARJA, route, number, member="bumn-satu"))
    later = LEAVES + timedelta(hours=2)
    await world.retimed(route, later, JASA_RAHARJA)
    await post.announce()
    assert await payloads(post) == [
        (
            "https://member.example/",
            "route.rescheduled",
            {
                "organizer": "bumn-satu",
                "season": 2026,
                "routeId": str(route),
                "departsAt": later.isoformat(),
                "previousDepartsAt": LEAVES.isoformat(),
                "registrants": 2,
            },
        )
    ]


async def test_a_move_to_another_route_is_told(post: Post) -> None:
    world = post.world
    here, there = await world.route("Bus 1", organizer="djka"), await world.route("Bus 2", organizer="djka")
    one = await world.registered(someone(DJKA, here))
    await post.hook(events=["registrant.rerouted"])
    move = [(Ref(id=one.id), there)]
    await world.database.attempt(lambda session: rerouting.move(session, world.vault, DJKA, move, NOW))
    await post.announce()
    ids = {"registrantId": str(one.id), "routeId": str(there), "fromRouteId": str(here)}
    told = {"organizer": "djka", "season": 2026} | ids
    assert await payloads(post) == [("https://hook.example/", "registrant.rerouted", told)]


async def test_a_duplicate_is_told_to_the_holder_and_a_decision_to_both(post: Post) -> None:
    world = post.world
    for caller in (DJKA, DKI, HUBDAT):
        await post.hook(caller, f"https://{caller.organizer}.example/")
    held = await world.registered(someone(DJKA, await world.route(organizer="djka"), 1))
    theirs = await world.route("DKI", organizer="dishub-dki")
    await world.submit(someone(DKI, theirs, 1, name="Orang Lain Sekali"))
    await post.announce()
    [(url, event, data)] = await payloads(post)
    case = data["caseId"]
    assert (url, event) == ("https://djka.example/", "duplicate.found")
    assert data == {
        "organizer": "djka",
        "season": 2026,
        "registrantId": str(held.id),
        "caseId": case,
        "claimant": "dishub-dki",
        "refused": True,
    }
    async with world.database.transaction() as session:
        await case_decisions.decide(session, HUBDAT, UUID(case), CaseState.CONFIRMED, "Keterangan keluarga", NOW)
    await post.announce()
    decided = {"organizer": "djka", "season": 2026, "caseId": case, "state": "CONFIRMED"}
    assert sorted(await payloads(post), key=str) == [
        ("https://dishub-dki.example/", "case.decided", decided),
        ("https://djka.example/", "case.decided", decided),
    ]


async def test_a_suspicion_is_told_to_hubdat_alone(post: Post) -> None:
    """Neither the suspicion nor what comes of it: else a name that somebody guessed would be confirmed."""
    world = post.world
    for caller in (DJKA, DKI, HUBDAT):
        await post.hook(caller, f"https://{caller.organizer}.example/")
    await world.registered(someone(DJKA, await world.route(organizer="djka"), 1))
    truck = await world.route("Truk", organizer="dishub-dki", service="MOTORCYCLE")
    await world.accepted(someone(DKI, truck, 1, name="Orang Lain Sekali", motorcycle=Motorcycle("B 1 XX", "1")))
    await post.announce()
    [(url, event, data)] = await payloads(post)
    assert (url, event) == ("https://hubdat.example/", "duplicate.found")
    assert (data["organizer"], data["claimant"], data["refused"]) == ("djka", "dishub-dki", False)
    async with world.database.transaction() as session:
        await case_decisions.decide(
            session, HUBDAT, UUID(data["caseId"]), CaseState.CONFIRMED, "Keterangan keluarga", NOW
        )
    await post.announce()
    assert [told[:2] for told in await payloads(post)] == [("https://hubdat.example/", "case.decided")]


async def test_whoever_is_asked_for_a_correction_is_told(post: Post) -> None:
    """Also where nobody was refused: the claimant here, and Hubdat, and not the holder."""
    world = post.world
    for caller in (DJKA, DKI, HUBDAT):
        await post.hook(caller, f"https://{caller.organizer}.example/", events=["case.decided"])
    await world.registered(someone(DJKA, await world.route(organizer="djka"), 1))
    truck = await world.route("Truk", organizer="dishub-dki", service="MOTORCYCLE")
    await world.accepted(someone(DKI, truck, 1, name="Orang Lain Sekali", motorcycle=Motorcycle("B 1 XX", "1")))
    case = await world.one("SELECT id FROM duplicate_case")
    async with world.database.transaction() as session:
        await case_decisions.decide(
            session, HUBDAT, case, CaseState.NOT_DUPLICATE, "Salah ketik", NOW, mistyped_by="dishub-dki"
        )
    await post.announce()
    told = {url: data["mistypedBy"] for url, _, data in await payloads(post)}
    assert told == {"https://dishub-dki.example/": "dishub-dki", "https://hubdat.example/": "dishub-dki"}


async def test_use_of_an_allowance_is_told_to_its_organizer_its_coordinator_and_hubdat(post: Post) -> None:
    world = post.world
    for caller in (DJKA, DKI, HUBDAT, BUMN, JASA_RAHARJA):
        await post.hook(caller, f"https://{caller.organizer}.example/")
    await world.run("UPDATE nik_allowance SET set_per_day = 2")
    for caller, niks in ((BUMN, 1), (DJKA, 4)):
        named = [Named(caller.organizer, niks)]
        await world.database.attempt(partial(allowance.take, named=named, now=NOW))
    async with world.database.transaction() as session:
        assert await allowance.tell_use(session, NOW) == 2
    await post.announce()
    half = {"organizer": "bumn-satu", "percent": 50, "perDay": 2, "used": 1}
    shut = {"organizer": "djka", "percent": 200, "perDay": 2, "used": 2}
    assert sorted(await payloads(post), key=str) == [
        ("https://bumn-satu.example/", "nik.allowance_used", half),
        ("https://djka.example/", "nik.allowance_used", shut),
        ("https://hubdat.example/", "nik.allowance_used", half),
        ("https://hubdat.example/", "nik.allowance_used", shut),
        ("https://jasa-raharja.example/", "nik.allowance_used", half),
    ]


async def test_an_alarm_is_told_to_hubdat_alone(post: Post) -> None:
    """No organizer learns that it is watched."""
    world = post.world
    for caller in (DJKA, DKI, HUBDAT):
        await post.hook(caller, f"https://{caller.organizer}.example/")
    seen = [Sign("djka", WALKING, 11)]
    await world.database.attempt(partial(enumeration.raise_alarms, signs=seen, now=NOW, cuts=False))
    await post.announce()
    alarm = {"organizer": "hubdat", "suspected": "djka", "sign": "walking", "niks": 11}
    assert await payloads(post) == [("https://hubdat.example/", "nik.alarm_raised", alarm)]


async def test_an_amended_window_is_told_and_a_new_one_is_not(post: Post) -> None:
    world = post.world
    await post.hook()
    new = WindowInput(organizer="djka", opens_at=NOW, closes_at=LEAVES)
    async with world.database.transaction() as session:
        assert await windows.save(session, HUBDAT, new, 2026, NOW) is None
    first = await world.one("SELECT id FROM registration_window WHERE opens_at = :now", now=NOW)
    amended = WindowInput(organizer="djka", opens_at=NOW, closes_at=LEAVES - timedelta(days=1), amends=first)
    async with world.database.transaction() as session:
        assert await windows.save(session, HUBDAT, amended, 2026, NOW) is None
    await post.announce()
    assert [told[1:] for told in await payloads(post)] == [
        (
            "window.amended",
            {
                "organizer": "djka",
                "season": 2026,
                "kind": "REGISTRATION",
                "opensAt": "2026-03-02T02:00:00+00:00",
                "closesAt": "2026-03-15T02:00:00+00:00",
                "amends": str(first),
            },
        )
    ]


async def test_a_withdrawn_window_is_told(post: Post) -> None:
    world = post.world
    await post.hook()
    opens = NOW + timedelta(days=1)
    async with world.database.transaction() as session:
        assert await windows.save(session, HUBDAT, WindowInput(organizer="djka", opens_at=opens), 2026, NOW) is None
    wave = await world.one("SELECT id FROM registration_window WHERE opens_at = :opens", opens=opens)
    async with world.database.transaction() as session:
        assert await window_history.withdraw(session, HUBDAT, wave, "Salah tulis", NOW) == "djka"
    await post.announce()
    assert [told[1:] for told in await payloads(post)] == [
        (
            "window.withdrawn",
            {
                "organizer": "djka",
                "season": 2026,
                "kind": "REGISTRATION",
                "opensAt": "2026-03-03T02:00:00+00:00",
                "windowId": str(wave),
            },
        )
    ]


async def test_an_import_is_told_in_counts(post: Post) -> None:
    await post.hook()
    counts = {"results": {"NEW": 3, "REFUSED": 1}, "codes": {"NIK_INVALID": 1}, "rows": 4, "missing": None}
    facts = {"job": str(UUID(int=9)), "state": "DONE", "mode": "UPSERT", "dry_run": False, "secret": "x", **counts}
    await post.told(
        Entry(kind=ChangeKind.IMPORT_FINISHED, season=2026, organizer="djka", client_id="djka-test", facts=facts)
    )
    assert [told[1:] for told in await payloads(post)] == [
        (
            "import.finished",
            {
                "organizer": "djka",
                "season": 2026,
                "jobId": str(UUID(int=9)),
                "state": "DONE",
                "mode": "UPSERT",
                "dryRun": False,
                "rows": 4,
                "results": {"NEW": 3, "REFUSED": 1},
                "codes": {"NIK_INVALID": 1},
            },
        )
    ]


async def test_nothing_personal_is_sent_and_nothing_of_who_did_it(post: Post) -> None:
    world = post.world
    await post.hook(events=["registrant.forfeited", "duplicate.found", "case.decided"])
    await post.hook(DKI)
    held = await world.registered(someone(DJKA, await world.route(organizer="djka"), 1, name="Slamet Widodo"))
    await world.submit(someone(DKI, await world.route("DKI", organizer="dishub-dki"), 1, name="Slamet Lain"))
    [case] = await world.run("SELECT id FROM duplicate_case")
    async with world.database.transaction() as session:
        await case_decisions.decide(session, HUBDAT, case.id, CaseState.CONFIRMED, "Kata Slamet Widodo", NOW)
    await world.moved(held.id, RegistrantStatus.FORFEITED, DJKA, reason="Slamet tidak datang")
    await post.announce()
    bodies = b""
    for _ in range(3):
        leased = await post.lease()
        bodies += b"".join(events.payload(one.event, one.change, one.at, own=one.own) for one in leased)
        await post.record(*((one, DELIVERED) for one in leased))
    assert bodies.count(b'"type"') == 4
    for word in (nik_of(1), "Slamet", "Widodo", "Kata", "djka-test", "dishub-dki-test", "hubdat-test"):
        assert word.encode() not in bodies
    to_claimant = [one for one in await post.rows("event, subject") if one[0] == "case.decided"]
    assert len(to_claimant) == 2


async def test_a_claimant_is_told_nothing_of_the_holders_registrant(post: Post) -> None:
    change = logged(
        "CASE_DECIDED", registrant_id=UUID(int=1), route_id=UUID(int=2), facts={"case": "c", "state": "OPEN"}
    )
    own = orjson.loads(events.payload("case.decided", change, NOW, own=True))["data"]
    other = orjson.loads(events.payload("case.decided", change, NOW, own=False))["data"]
    assert own == other | {"registrantId": str(UUID(int=1)), "routeId": str(UUID(int=2))}
    assert other == {"organizer": "djka", "season": 2026, "caseId": "c", "state": "OPEN"}


async def test_a_coordinator_is_told_of_its_members_and_they_are_not_of_it(post: Post) -> None:
    await post.hook(JASA_RAHARJA, "https://coordinator.example/")
    await post.hook(BUMN, "https://member.example/")
    await post.told(forfeited(1, "bumn-satu"), forfeited(2, "jasa-raharja"), forfeited(3, "djka"))
    told = [(url, data["registrantId"]) for url, _, data in await payloads(post)]
    assert sorted(told) == [
        ("https://coordinator.example/", str(UUID(int=1))),
        ("https://coordinator.example/", str(UUID(int=2))),
        ("https://member.example/", str(UUID(int=1))),
    ]


async def test_a_coordinator_of_holder_and_claimant_is_told_once(post: Post) -> None:
    world = post.world
    await world.run("UPDATE organizer SET coordinator_code = 'jasa-raharja' WHERE code = 'dishub-dki'")
    await post.hook(JASA_RAHARJA, events=["case.decided"])
    await world.registered(someone(BUMN, await world.route(organizer="bumn-satu"), 1))
    await world.submit(someone(DKI, await world.route("DKI", organizer="dishub-dki"), 1))
    [case] = await world.run("SELECT id FROM duplicate_case")
    async with world.database.transaction() as session:
        await case_decisions.decide(session, HUBDAT, case.id, CaseState.CONFIRMED, "Jelas", NOW)
    await post.announce()
    assert [row[0] for row in await post.rows()] == ["case.decided"]


async def test_only_what_a_webhook_asked_for_and_what_came_after_it(post: Post) -> None:
    await post.told(filled(1))
    await post.hook(events=["quota.returned"], url="https://returned.example/")
    await post.hook(events=["quota.filled"], url="https://filled.example/")
    late = await post.hook(events=["quota.filled"], url="https://late.example/", now=NOW + timedelta(hours=1))
    ended = await post.hook(events=["quota.filled"], url="https://ended.example/")
    deleted = await post.hook(events=["quota.filled"], url="https://deleted.example/")
    await post.world.run(
        "UPDATE webhook SET disabled_at = :now, disabled_because = 'GONE' WHERE id = :id", now=NOW, id=ended.id
    )
    await post.world.run(
        "UPDATE webhook SET deleted_at = :now, secret_sealed = NULL WHERE id = :id", now=NOW, id=deleted.id
    )
    await post.told(
        returned(2), filled(2), Entry(kind=ChangeKind.ROUTE_SAVED, season=2026, organizer="djka", route_id=UUID(int=2))
    )
    assert [(url, event) for url, event, _ in await payloads(post)] == [
        ("https://returned.example/", "quota.returned"),
        ("https://filled.example/", "quota.filled"),
    ]
    await post.told(filled(3), now=NOW + timedelta(hours=2))
    newest = await post.world.run("SELECT webhook_id FROM webhook_delivery ORDER BY place DESC LIMIT 2")
    assert late.id in {row.webhook_id for row in newest}


async def test_what_nobody_has_chosen_is_not_told(post: Post) -> None:
    await post.hook()
    moves = [
        Entry(
            kind=ChangeKind.REGISTRANT_MOVED, season=2026, organizer="djka", registrant_id=UUID(int=1), to_status=status
        )
        for status in RegistrantStatus
        if status not in {"FORFEITED", "NO_SHOW"}
    ]
    await post.told(
        *moves, Entry(kind=ChangeKind.NIK_BLOCKED, season=2026, organizer="djka", registrant_id=UUID(int=1))
    )
    assert await post.rows() == []
    assert events.event_of(logged("REGISTRANT_MOVED", to_status="REGISTERED")) is None
    assert events.event_of(logged("REGISTRANT_CORRECTED")) is None


async def test_events_of_one_subject_go_one_at_a_time_in_the_order_of_the_log(post: Post) -> None:
    await post.hook(events=["registrant.forfeited", "registrant.no_show", "quota.filled", "quota.returned"])
    await post.told(forfeited(1), filled(1), returned(1), no_show(1), forfeited(2), filled(1))
    await post.told(no_show(2), returned(1))
    one, two, route = str(UUID(int=1)), str(UUID(int=2)), str(route_id(1))
    assert await post.rows("event, subject, due_at IS NOT NULL") == [
        ("registrant.forfeited", one, True),
        ("quota.filled", route, True),
        ("quota.returned", route, False),
        ("registrant.no_show", one, False),
        ("registrant.forfeited", two, True),
        ("quota.filled", route, False),
        ("registrant.no_show", two, False),
        ("quota.returned", route, False),
    ]


async def test_many_runners_announce_each_once(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    await post.hook()
    await post.hook(events=["registrant.forfeited"], url="https://second.example/")
    for start in range(0, 60, 3):
        async with post.world.database.transaction() as session:
            await change_log.append(session, [forfeited(1000 + start + place) for place in range(3)], NOW)
    await asyncio.gather(*(post.announce() for _ in range(4)))
    counted = await post.world.run(
        "SELECT change_id, count(*) AS told, count(DISTINCT webhook_id) AS hooks FROM webhook_delivery GROUP BY 1"
    )
    assert len(counted) == 60
    assert {(row.told, row.hooks) for row in counted} == {(2, 2)}


async def test_the_number_of_statements_does_not_depend_on_the_number_of_changes(post: Post) -> None:
    await post.hook()
    counts = []
    for many in (1, 40):
        async with post.world.database.transaction() as session:
            await change_log.append(session, [forfeited(many * 1000 + place) for place in range(many)], NOW)
        await settled(post.world)
        with post.world.statements() as issued:
            await post.announce()
        counts.append(len(issued))
    assert counts[0] == counts[1]
    assert await post.world.count("webhook_delivery") == 41


async def test_without_any_webhook_the_log_is_passed_all_the_same(post: Post) -> None:
    await post.told(forfeited(1))
    [(position, newest)] = await post.world.run(
        "SELECT change_id, (SELECT max(id) FROM change) FROM projection WHERE name = 'webhooks'"
    )
    assert position == newest


async def test_a_webhook_that_goes_while_it_is_told_is_told_nothing(post: Post) -> None:
    """The projection waits for whoever changes the webhook, and then sees what became of it."""
    hook = await post.hook()
    async with post.world.database.transaction() as session:
        await change_log.append(session, [forfeited(1)], NOW)
    async with post.world.database.transaction() as other:
        await queries.run(
            other,
            "UPDATE webhook SET disabled_at = :now, disabled_because = 'GONE' WHERE id = :id",
            {"now": NOW, "id": hook.id},
        )
        announcing = asyncio.create_task(post.announce())
        await one_waits(post.world)
        assert not announcing.done()
    await announcing
    assert await post.rows() == []
