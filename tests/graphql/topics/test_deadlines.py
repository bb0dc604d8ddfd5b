"""Deadlines through the door: the policies, verification periods, when somebody registered, departures, hand-overs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.motorcycles import Motorcycle
from tests import world as worlds
from tests.changes.counting import count_all
from tests.graphql.conftest import Api
from tests.graphql.topics.test_registrants import PROBLEM, person
from tests.registry.terms.test_deadlines import DAY, HOUR, INSTANT, day
from tests.world import DJKA, HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

EN = {"Accept-Language": "en"}
POLICY = "newsGraceHours lateArrivalDays forfeitAtPeriodEnd refuseEarlyVerification verifyWithinDays"
SAVE = f"""mutation($policy: PolicyInput!) {{ saveOrganizer(input: {{ code: "djka", name: "DJKA", policy: $policy }}) {{
    ... on Organizer {{ policy {{ {POLICY} }} }} {PROBLEM} }} }}"""
WINDOW = f"""mutation($input: WindowInput!) {{ saveWindow(input: $input) {{
    ... on Organizer {{ verification {{ from to }} }} {PROBLEM} }} }}"""
SHOWN = "status verifyBy forfeitsAt verifiedAt departedAt late flags motorcycle { handedOverAt }"
VERIFY = (
    f"mutation($id: ID!) {{ verifyRegistrant(ref: {{ id: $id }}) {{ ... on Registrant {{ {SHOWN} }} {PROBLEM} }} }}"
)
DEPART = f"""mutation($id: ID!, $at: DateTime) {{ departRegistrant(ref: {{ id: $id }}, healthy: true, at: $at) {{
    ... on Registrant {{ {SHOWN} }} {PROBLEM} }} }}"""
HAND_OVER = f"""mutation($id: ID!, $at: DateTime) {{ handOverMotorcycle(ref: {{ id: $id }}, at: $at) {{
    ... on Registrant {{ {SHOWN} }} {PROBLEM} }} }}"""


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("app.clock.now", lambda: now)


# --- policies ---------------------------------------------------------------------------------------------------------


async def test_the_policies_are_read_and_decided(api: Api, world: World) -> None:
    one = f"{{ policy {{ {POLICY} }} }}"
    query = f'{{ hubdat: organizer(code: "hubdat") {one} djka: organizer(code: "djka") {one} }}'
    found = await api.data(query)
    others = {
        "newsGraceHours": None,
        "lateArrivalDays": 2,
        "forfeitAtPeriodEnd": False,
        "refuseEarlyVerification": False,
        "verifyWithinDays": None,
    }
    assert found["djka"]["policy"] == others
    assert found["hubdat"]["policy"] == others | {"forfeitAtPeriodEnd": True, "verifyWithinDays": 7}
    decided = {
        "newsGraceHours": 6,
        "lateArrivalDays": 0,
        "forfeitAtPeriodEnd": True,
        "refuseEarlyVerification": True,
        "verifyWithinDays": 5,
    }
    assert (await api.data(SAVE, {"policy": decided}))["saveOrganizer"]["policy"] == decided
    back = {"newsGraceHours": None, "forfeitAtPeriodEnd": False}
    assert (await api.data(SAVE, {"policy": back}))["saveOrganizer"]["policy"] == decided | back
    async with world.unchanged("policy", "change"):
        refused = (await api.data(SAVE, {"policy": {"newsGraceHours": 73}}, headers=EN))["saveOrganizer"]
    assert (refused["code"], refused["field"], refused["message"]) == (
        "INVALID_VALUE",
        "newsGraceHours",
        "It must be between 0 and 72.",
    )


# --- verification periods ---------------------------------------------------------------------------------------------


async def period(api: Api, opens: int, closes: int, **changes: Any) -> Any:
    given = {"organizer": "djka", "kind": "VERIFICATION", "opensAt": day(opens).isoformat()}
    given |= {"closesAt": day(closes + 1).isoformat()} | changes
    return (await api.data(WINDOW, {"input": given}))["saveWindow"]


async def submitted(api: Api, world: World, number: int = 1) -> Any:
    route = world.routes.get("KA") or await world.route("KA", organizer="djka", departs_at=day(28))
    query = f"""mutation($input: SubmitRegistrant!) {{ submitRegistrant(input: $input) {{
        ... on Submission {{ registrant {{ id {SHOWN} history {{ kind reason }} }} }} {PROBLEM} }} }}"""
    return (await api.data(query, {"input": person(route, number)}, organizer="djka"))["submitRegistrant"]["registrant"]


async def test_a_period_is_a_deadline_that_flags(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await period(api, 8, 10)
    one, two = await submitted(api, world, 1), await submitted(api, world, 2)
    assert (one["verifyBy"], one["forfeitsAt"], one["flags"]) == ("2026-03-10T16:59:59.999999Z", None, [])
    early = (await api.data(VERIFY, {"id": one["id"]}, organizer="djka"))["verifyRegistrant"]
    assert (early["status"], early["flags"]) == ("VERIFIED", ["VERIFIED_EARLY"])
    at(monkeypatch, day(12))
    await world.sweep(day(12))
    api.tokens.clear()
    late = (await api.data(VERIFY, {"id": two["id"]}, organizer="djka"))["verifyRegistrant"]
    assert (late["status"], late["flags"]) == ("VERIFIED", ["VERIFIED_LATE"])


async def test_a_period_that_has_not_begun_is_said_in_both_languages(api: Api, world: World) -> None:
    await period(api, 8, 10)
    await api.data(SAVE, {"policy": {"refuseEarlyVerification": True}})
    one = await submitted(api, world)
    async with world.unchanged():
        refused = (await api.data(VERIFY, {"id": one["id"]}, organizer="djka"))["verifyRegistrant"]
        english = (await api.data(VERIFY, {"id": one["id"]}, organizer="djka", headers=EN))["verifyRegistrant"]
    assert (refused["code"], refused["field"]) == ("VERIFICATION_NOT_BEGUN", "ref")
    assert (
        refused["message"]
        == "Masa verifikasi penyelenggara ini baru dimulai pada 8 Maret 2026 pukul 00.00 WIB; verifikasi sesudah itu."
    )
    assert english["message"] == (
        "This organizer's verification period begins on 8 March 2026 at 00:00 WIB; verify after that."
    )
    assert refused["retryAfter"] == int((day(8) - NOW).total_seconds()) + 1


@pytest.mark.parametrize(
    ("opens", "closes", "field"),
    [
        ("2025-03-08", "2026-03-10", "opensAt"),
        ("2025-04-04", "2026-03-10", "opensAt"),
        ("2025-04-05", "2026-03-10", None),
        ("2026-03-08", "2027-03-10", "closesAt"),
        ("2027-03-08", "2027-03-10", "opensAt"),
        ("2026-05-30", "2026-05-31", None),
        ("2026-05-30", "2026-06-01", "closesAt"),
    ],
)
async def test_a_window_is_of_its_season(api: Api, world: World, opens: str, closes: str, field: str | None) -> None:
    """Season 2026 ends on 30 April."""
    times = {"opensAt": f"{opens}T00:00:00+07:00", "closesAt": f"{closes}T00:00:00+07:00"}
    before, _ = await world.count("registration_window"), await api.token()
    answer = await period(api, 8, 10, **times)
    assert (answer.get("code"), answer.get("field")) == ((None, None) if field is None else ("INVALID_VALUE", field))
    assert await world.count("registration_window") == before + (field is None)


async def test_the_policy_strands_nobody_who_registered_before_it(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline of the first, 5 March, ends before the period begins. That of the second was set for the period."""
    await api.data(SAVE, {"policy": {"verifyWithinDays": 3}})
    await period(api, 8, 10)
    one = await submitted(api, world, 1)
    await api.data(SAVE, {"policy": {"verifyWithinDays": 3, "refuseEarlyVerification": True}})
    two = await submitted(api, world, 2)
    assert [one["forfeitsAt"][:10], two["forfeitsAt"][:10]] == ["2026-03-05", "2026-03-10"]
    at(monkeypatch, day(5))
    api.tokens.clear()
    first = (await api.data(VERIFY, {"id": one["id"]}, organizer="djka"))["verifyRegistrant"]
    assert (first["status"], first["flags"]) == ("VERIFIED", ["VERIFIED_EARLY"])
    async with world.unchanged():
        second = (await api.data(VERIFY, {"id": two["id"]}, organizer="djka"))["verifyRegistrant"]
    assert second["code"] == "VERIFICATION_NOT_BEGUN"


async def test_a_later_end_is_seen_in_history(api: Api, world: World) -> None:
    await period(api, 8, 10)
    one = await submitted(api, world)
    standing = await world.one("SELECT id FROM registration_window WHERE kind = 'VERIFICATION'")
    await period(api, 8, 12, amends=str(standing))
    await world.sweep(NOW)
    query = f"query($id: ID!) {{ registrant(ref: {{ id: $id }}) {{ {SHOWN} history {{ kind from to reason }} }} }}"
    found = (await api.data(query, {"id": one["id"]}, organizer="djka"))["registrant"]
    assert found["verifyBy"] == "2026-03-12T16:59:59.999999Z"
    assert found["history"][-1] == {
        "kind": "DEADLINE_PROLONGED",
        "from": None,
        "to": None,
        "reason": "Masa verifikasi diperpanjang.",
    }


async def test_what_arrives_late_is_counted(api: Api, world: World) -> None:
    await world.policy("djka", enforce_window=False)
    await world.window("djka", NOW - 9 * DAY, NOW - 5 * DAY)
    route = await world.route("KA", organizer="djka")
    await world.registered(someone(DJKA, route, 1, registered_at=NOW - 6 * DAY))
    await world.registered(someone(DJKA, route, 2))
    await count_all(world.database)
    total = (await api.data("{ statistics { total { arrivedLate registered } } }"))["statistics"]["total"]
    assert total == {"arrivedLate": 1, "registered": 2}


# --- when somebody registered -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "code"), [(0, None), (15, None), (16, "INVALID_VALUE"), (60 * 24, "INVALID_VALUE")]
)
async def test_registered_at_is_the_arrival_or_just_before(
    api: Api, world: World, minutes: int, code: str | None
) -> None:
    registered_at = (NOW - timedelta(minutes=minutes)).isoformat()
    given = person(await world.route(), registeredAt=registered_at)
    query = f"""mutation($input: SubmitRegistrant!) {{ submitRegistrant(input: $input) {{
        ... on Submission {{ registrant {{ registeredAt }} }} {PROBLEM} }} }}"""
    answer = (await api.data(query, {"input": given}, headers=EN))["submitRegistrant"]
    assert answer.get("code") == code
    if code:
        told = "At most 15 minutes before it is sent. Send earlier registrations as rows (webhook or file)."
        assert answer["message"] == told
        assert await world.count("registrant") == 0


# --- departures -------------------------------------------------------------------------------------------------------


async def boarding(world: World) -> str:
    one = await world.verified(someone(HUBDAT, await world.route()), LEAVES - 3 * DAY)
    return str(one.id)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (LEAVES - 3 * DAY - INSTANT, "The departure is before the verification."),
        (LEAVES + HOUR, "This time is in the future; check date and hour."),
    ],
)
async def test_a_departure_that_cannot_be(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, when: datetime, message: str
) -> None:
    one = await boarding(world)
    at(monkeypatch, LEAVES)
    await api.token()
    async with world.unchanged():
        refused = (await api.data(DEPART, {"id": one, "at": when.isoformat()}, headers=EN))["departRegistrant"]
    assert (refused["code"], refused["field"], refused["message"]) == ("INVALID_VALUE", "at", message)


@pytest.mark.parametrize("when", [LEAVES - DAY, LEAVES - HOUR, LEAVES])
async def test_a_departure_lies_between_the_day_before_and_now(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, when: datetime
) -> None:
    one = await boarding(world)
    at(monkeypatch, LEAVES)
    departed = (await api.data(DEPART, {"id": one, "at": when.isoformat()}))["departRegistrant"]
    assert departed["status"] == "DEPARTED"
    assert await world.run("SELECT departed_at FROM registrant") == [(when,)]


@pytest.mark.parametrize(
    ("now", "when", "retry_after"),
    [
        (LEAVES - 2 * DAY, None, 24 * 3600 + 1),
        (LEAVES - DAY - INSTANT, None, 1),
        (LEAVES, LEAVES - DAY - INSTANT, None),
    ],
)
async def test_nobody_departs_days_before_the_route(
    api: Api,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
    when: datetime | None,
    retry_after: int | None,
) -> None:
    one = await boarding(world)
    at(monkeypatch, now)
    await api.token()
    async with world.unchanged():
        given = {"id": one, "at": when and when.isoformat()}
        refused = (await api.data(DEPART, given))["departRegistrant"]
    assert (refused["code"], refused["field"], refused["retryAfter"]) == ("DEPARTURE_NOT_BEGUN", "at", retry_after)
    assert refused["message"] == (
        "Keberangkatan rute ini baru dapat dicatat mulai 15 Maret 2026 pukul 09.00 WIB, 24 jam sebelum jadwalnya."
    )


async def test_a_route_without_a_time_is_departed_from_at_any_time(api: Api, world: World) -> None:
    one = await world.verified(someone(HUBDAT, await world.route(departs_at=None)))
    assert (await api.data(DEPART, {"id": str(one.id)}))["departRegistrant"]["status"] == "DEPARTED"


# --- hand-overs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "flags"), [(DAY, []), (2 * DAY, ["HANDED_OVER_ON_ANOTHER_DAY"]), (HOUR, ["HANDED_OVER_ON_ANOTHER_DAY"])]
)
async def test_a_hand_over_on_another_day_is_taken_and_flagged(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch, before: timedelta, flags: list[str]
) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE")
    one = await world.verified(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    at(monkeypatch, LEAVES)
    when = (LEAVES - before).isoformat()
    taken = (await api.data(HAND_OVER, {"id": str(one.id), "at": when}))["handOverMotorcycle"]
    assert taken["flags"] == flags
    assert await world.run("SELECT handed_over_at, flags FROM registrant") == [(LEAVES - before, flags)]
    async with world.unchanged():
        again = (await api.data(HAND_OVER, {"id": str(one.id)}))["handOverMotorcycle"]
    assert again["flags"] == flags


async def test_a_deck_without_a_time_has_no_day_of_hand_over(api: Api, world: World) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE", departs_at=None)
    one = await world.registered(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    assert (await api.data(HAND_OVER, {"id": str(one.id)}))["handOverMotorcycle"]["flags"] == []


async def test_flags_are_nobody_elses(api: Api, world: World) -> None:
    """They are facts of a registrant like its status: the dashboard reads them, another organizer nothing at all."""
    await world.policy("djka")
    one = await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))
    await world.moved(one.id, RegistrantStatus.VERIFIED, DJKA, now=worlds.NOW)
    query = "query($id: ID!) { registrant(ref: { id: $id }) { flags } }"
    assert (await api.data(query, {"id": str(one.id)}, organizer="dishub-dki"))["registrant"] is None
    assert (await api.data(query, {"id": str(one.id)}))["registrant"] == {"flags": []}


async def test_what_a_posko_did_in_time_and_told_late(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By id and as a booking; the time of the act is the program's, as the registry knows no better one."""
    await world.policy("djka", verify_within_days=5)
    route = await world.route("KA", organizer="djka", departs_at=day(28))
    one, two = [await world.registered(someone(DJKA, route, number, reference=f"K-{number}")) for number in (1, 2)]
    over = day(8)
    await world.sweep(over)
    assert [await world.status(each.id) for each in (one, two)] == ["FORFEITED"] * 2
    at(monkeypatch, over + timedelta(hours=5))
    asked = """mutation($id: ID!, $at: DateTime!) { verifyRegistrant(ref: {id: $id}, at: $at) {
        ... on Registrant { status flags verifiedAt } ... on Problem { code field message } } }"""
    in_time = over - timedelta(microseconds=1)
    told = {"id": str(one.id), "at": in_time.isoformat()}
    answer = (await api.data(asked, told, organizer="djka"))["verifyRegistrant"]
    assert answer == {"status": "VERIFIED", "flags": ["TOLD_LATE"], "verifiedAt": "2026-03-07T16:59:59.999999Z"}
    late = {"id": str(two.id), "at": over.isoformat()}
    async with world.unchanged():
        assert (await api.data(asked, late, organizer="djka"))["verifyRegistrant"]["code"] == "VERIFICATION_EXPIRED"
        future = {"id": str(two.id), "at": day(9).isoformat()}
        refused = (await api.data(asked, future, organizer="djka"))["verifyRegistrant"]
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "at")
    assert refused["message"] == "Waktu verifikasi harus di antara pendaftaran dan sekarang."
    booking = """mutation($at: DateTime!) { verifyBooking(reference: "K-2", at: $at) {
        ... on BookingVerdicts { people { registrants { status flags } problem { code } } } } }"""
    family = (await api.data(booking, {"at": in_time.isoformat()}, organizer="djka"))["verifyBooking"]
    assert family["people"] == [{"registrants": [{"status": "VERIFIED", "flags": ["TOLD_LATE"]}], "problem": None}]
