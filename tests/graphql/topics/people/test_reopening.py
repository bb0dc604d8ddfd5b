"""Ends that Hubdat takes back, through the door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.errors import QuotaFull
from app.models.enums import RegistrantStatus
from tests.graphql.conftest import EVERYDAY, Api
from tests.world import DJKA, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

VERDICT = "... on Registrant { status } ... on Problem { code field message }"
REOPEN = f"""mutation ($ref: RegistrantRef!, $reason: String!) {{
    reopenRegistrant(ref: $ref, reason: $reason) {{ {VERDICT} }} }}"""
REOPEN_ALL = f"""mutation ($where: ReopenWhere!, $dryRun: Boolean! = false, $after: ID) {{
    reopenRegistrants(where: $where, reason: "Gangguan sistem", dryRun: $dryRun, after: $after) {{
        ... on Reopening {{ dryRun ids verdicts {{ {VERDICT} }} next }}
        ... on Problem {{ code field message }} }} }}"""


async def test_one(api: Api, world: World) -> None:
    one = await world.registered(someone(DJKA, await world.route("d", organizer="djka")))
    await world.moved(one.id, RegistrantStatus.CANCELLED, DJKA)
    asked = {"ref": {"id": str(one.id)}, "reason": "Salah batal"}
    assert (await api.data(REOPEN, asked))["reopenRegistrant"] == {"status": "REGISTERED"}
    history = """query ($ref: RegistrantRef!) { registrant(ref: $ref) { history { from to reason } } }"""
    data = await api.data(history, {"ref": {"id": str(one.id)}}, organizer="djka")
    assert data["registrant"]["history"][-1] == {"from": "CANCELLED", "to": "REGISTERED", "reason": "Salah batal"}
    refused = await api.data(REOPEN, asked | {"reason": ""}, headers={"Accept-Language": "en"})
    assert refused["reopenRegistrant"] == {
        "code": "INVALID_VALUE",
        "field": "reason",
        "message": "A reason of 1 to 500 characters.",
    }


async def test_only_hubdat_reopens(api: Api, world: World) -> None:
    one = await world.registered(someone(DJKA, await world.route("d", organizer="djka")))
    await world.moved(one.id, RegistrantStatus.CANCELLED, DJKA)
    await api.token("djka", EVERYDAY)
    async with world.unchanged():
        for query, asked in (
            (REOPEN, {"ref": {"id": str(one.id)}, "reason": "Uji"}),
            (REOPEN_ALL, {"where": {"routeId": str(world.routes["d"])}}),
        ):
            answer = await api.post(query, asked, organizer="djka", scopes=EVERYDAY)
            assert answer.status_code == 403


async def test_many_first_as_a_dry_run(api: Api, world: World) -> None:
    route = await world.route(quota=2)
    people = [await world.registered(someone(HUBDAT, route, number)) for number in (1, 2)]
    for one in people:
        await world.moved(one.id, RegistrantStatus.CANCELLED)
    await world.registered(someone(HUBDAT, route, 3))
    expected: dict[str, Any] = {
        "dryRun": True,
        "ids": [str(one.id) for one in people],
        "verdicts": [
            {"status": "REGISTERED"},
            {"code": "QUOTA_FULL", "field": "ref", "message": QuotaFull(reopening=True).message()},
        ],
        "next": None,
    }
    where = {
        "organizer": "hubdat",
        "cause": {
            "status": "CANCELLED",
            "since": NOW.isoformat(),
            "until": (NOW + timedelta(hours=1)).isoformat(),
            "client": "hubdat-test",
        },
    }
    await api.token()
    async with world.unchanged():
        assert (await api.data(REOPEN_ALL, {"where": where, "dryRun": True}))["reopenRegistrants"] == expected
    done = (await api.data(REOPEN_ALL, {"where": where}))["reopenRegistrants"]
    assert done == expected | {"dryRun": False}
    assert [await world.status(one.id) for one in people] == ["REGISTERED", "CANCELLED"]
    again = await api.data(REOPEN_ALL, {"where": {"routeId": str(route)}, "after": str(people[1].id)})
    assert again["reopenRegistrants"]["ids"] == []


async def test_an_infant_whose_mother_finds_no_seat_stays_cancelled(api: Api, world: World) -> None:
    route = await world.route(quota=1)
    mother = await world.registered(someone(HUBDAT, route, 1, reference="BK-1"))
    infant = someone(HUBDAT, route, nik="3201011001259003", identity_document="KK", lap_infant=True, reference="BK-1")
    both = [mother, await world.registered(infant)]
    for one in both:
        await world.moved(one.id, RegistrantStatus.CANCELLED)
    other = await world.registered(someone(HUBDAT, route, 2))
    booking = {"where": {"organizer": "hubdat", "reference": "BK-1"}}
    await api.token()
    async with world.unchanged():
        refused = (await api.data(REOPEN_ALL, booking))["reopenRegistrants"]["verdicts"]
    assert [(one["code"], one["field"]) for one in refused] == [("QUOTA_FULL", "ref"), ("INVALID_VALUE", "ref")]
    assert refused[1]["message"].startswith("Belum ada pemegang kursi pada rute bayi ini")
    await world.moved(other.id, RegistrantStatus.CANCELLED)
    done = (await api.data(REOPEN_ALL, booking))["reopenRegistrants"]["verdicts"]
    assert done == [{"status": "REGISTERED"}] * 2


CAUSE = {"status": "CANCELLED", "since": NOW.isoformat(), "until": (NOW + timedelta(hours=1)).isoformat()}


@pytest.mark.parametrize(
    ("where", "code", "field", "message"),
    [
        (
            {"routeId": str(UUID(int=7))},
            "ROUTE_UNKNOWN",
            "routeId",
            "Rute ini tidak ditemukan; pilih dari daftar rute.",
        ),
        ({"routeId": "x"}, "ROUTE_UNKNOWN", "routeId", "Rute ini tidak ditemukan; pilih dari daftar rute."),
        (
            {"organizer": "dishub", "reference": "BK-1"},
            "NOT_FOUND",
            "organizer",
            "Penyelenggara tidak ditemukan; periksa kembali.",
        ),
        ({"cause": CAUSE | {"client": "x"}}, "NOT_FOUND", "client", "Klien tidak ditemukan; periksa kembali."),
        (
            {"cause": CAUSE | {"status": "REGISTERED"}},
            "INVALID_VALUE",
            "status",
            "Hanya Gugur, Batal, dan Tidak hadir yang dapat dibuka kembali.",
        ),
        (
            {"cause": CAUSE | {"until": NOW.isoformat()}},
            "INVALID_VALUE",
            "until",
            "Waktu akhir harus sesudah waktu awal.",
        ),
    ],
)
async def test_what_cannot_be_meant_is_no_empty_success(
    api: Api, world: World, where: dict[str, Any], code: str, field: str, message: str
) -> None:
    refused = (await api.data(REOPEN_ALL, {"where": where}))["reopenRegistrants"]
    assert (refused["code"], refused["field"], refused["message"]) == (code, field, message)


async def test_a_merged_route_is_no_route_any_more(api: Api, world: World) -> None:
    merged, into = await world.route("lama"), await world.route()
    await world.run("UPDATE route SET provisional = true, merged_into = :into WHERE id = :id", id=merged, into=into)
    assert (await api.data(REOPEN_ALL, {"where": {"routeId": str(merged)}}))["reopenRegistrants"]["code"] == (
        "ROUTE_UNKNOWN"
    )
    assert (await api.data(REOPEN_ALL, {"where": {"routeId": str(into)}}))["reopenRegistrants"]["ids"] == []


async def test_a_selection_of_everything_is_refused(api: Api, world: World) -> None:
    refused = (await api.data(REOPEN_ALL, {"where": {"organizer": "hubdat"}}))["reopenRegistrants"]
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "where")
    assert refused["message"] == "Sebutkan rute, kode booking atau penyebabnya."
    refused = (await api.data(REOPEN_ALL, {"where": {"reference": "BK-1"}}))["reopenRegistrants"]
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "organizer")
