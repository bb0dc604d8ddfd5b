"""All that the registry holds on one NIK: for Hubdat alone, for a purpose that is kept with the look."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.conftest import Api
from tests.world import DJKA, HUBDAT, World, nik_of, someone

pytestmark = pytest.mark.anyio

HELD = """query ($nik: NIK!, $for: String!) { heldOnNik(nik: $nik, purpose: $for) {
    registrants { nik name status organizer { code } route { name } } booked { id name }
    blocks { reason fromSeason untilSeason liftedAt liftReason organizer { code } } earlyEnds { status } files { id }
    claims { name attempts refused state decidedAt reason season direction service organizer { code } holder { code } }
    accesses { purpose reason organizer { code } } } }"""
PURPOSE = "Permintaan pemilik data"


async def held(api: Api, number: int, purpose: str = PURPOSE) -> Any:
    return (await api.data(HELD, {"nik": nik_of(number), "for": purpose}))["heldOnNik"]


async def test_what_is_held_on_a_nik_is_told_in_full(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await world.submit(someone(DJKA, await world.route("Solo 2", organizer="djka", direction="BALIK"), 1))
    await api.data(f'mutation {{ blockNik(nik: "{nik_of(1)}", reason: "Pelanggaran", seasons: 2) {{ __typename }} }}')
    found = await held(api, 1)
    assert [(one["nik"], one["organizer"]["code"], one["status"]) for one in found["registrants"]][:1] == [
        (nik_of(1), "hubdat", "REGISTERED")
    ]
    assert found["blocks"] == [
        {
            "reason": "Pelanggaran",
            "fromSeason": 2026,
            "untilSeason": 2027,
            "liftedAt": None,
            "liftReason": None,
            "organizer": {"code": "hubdat"},
        }
    ]
    assert (found["booked"], found["earlyEnds"], found["files"]) == ([], [], [])
    assert [(one["purpose"], one["organizer"]["code"]) for one in found["accesses"]] == [
        ("SUBMISSION", "djka"),
        ("SUBMISSION", "hubdat"),
    ]


async def test_whoever_was_only_refused_is_told_under_which_name(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await world.submit(someone(DJKA, await world.route("KA", organizer="djka"), 1, name="Bambang Prakoso"))
    assert (await held(api, 1))["claims"] == [
        {
            "name": "Bambang Prakoso",
            "attempts": 1,
            "refused": 1,
            "state": "OPEN",
            "decidedAt": None,
            "reason": None,
            "season": 2026,
            "direction": "MUDIK",
            "service": "PASSENGER",
            "organizer": {"code": "djka"},
            "holder": {"code": "hubdat"},
        }
    ]


async def test_the_look_and_its_purpose_are_kept(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await held(api, 1)
    seen = (await held(api, 1))["accesses"]
    hubdat = {"code": "hubdat"}
    assert sorted(seen, key=lambda one: str(one["purpose"])) == [
        {"purpose": "EXPORT", "reason": None, "organizer": hubdat},
        {"purpose": "READ", "reason": PURPOSE, "organizer": hubdat},
        {"purpose": "SUBMISSION", "reason": None, "organizer": hubdat},
    ]
    assert await world.one("SELECT count(*) FROM nik_access WHERE purpose = 'EXPORT'") == 2
    assert await world.one("SELECT count(*) FROM people_read WHERE what = 'heldOnNik'") == 2


async def test_who_is_unknown_is_looked_for_all_the_same(api: Api, world: World) -> None:
    found = await held(api, 9)
    assert {name: len(rows) for name, rows in found.items()} == dict.fromkeys(found, 0)
    seen = (await held(api, 9))["accesses"]
    assert sorted((one["purpose"], one["reason"] or "") for one in seen) == [("EXPORT", ""), ("READ", PURPOSE)]
    assert await world.one("SELECT count(*) FROM nik_access WHERE purpose = 'EXPORT'") == 2


@pytest.mark.parametrize(
    ("nik", "purpose", "code"),
    [("1", PURPOSE, "NIK_INVALID"), (nik_of(1), "  ", "INVALID_VALUE"), (nik_of(1), nik_of(2), "INVALID_VALUE")],
)
async def test_nothing_is_told_without_a_purpose_or_a_nik(
    api: Api, world: World, nik: str, purpose: str, code: str
) -> None:
    async with world.unchanged("nik_access", "people_read"):
        assert await api.code(HELD, {"nik": nik, "for": purpose}) == code
