"""What the dashboard and the ministry see of other organizers' people: that they are there, and never who they are."""

from __future__ import annotations

from typing import Any

import pytest

from tests import world as worlds
from tests.graphql.conftest import Api
from tests.privacy.aims import AIMS, AT_ONCE, Target, few
from tests.privacy.people import Person, Society, found_in
from tests.privacy.walking import Walk

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

DASHBOARD = ("dashboard:read",)
WITHOUT_DASHBOARD = ("nik:check", "registrants:read", "registrants:write", "routes:write", "hubdat:admin")
READING = (
    "_entities",
    "checkNik",
    "checkNiks",
    "registrant",
    "registrants",
    "cases",
    "nikAccesses",
    "verifyRegistrants",
    "departRegistrants",
    "cancelRegistrant",
    "correctRegistrant",
    "handOverMotorcycle",
    "submitRegistrants",
    "saveRoutes",
    "releaseQuota",
    "decideCase",
)
"""And what the ministry's client may call beside it that harms nobody."""


def masked(one: Person) -> str:
    return "(dihapus)" if one.kind == "erased" else f"************{one.nik[-4:]}"


async def everybody(api: Api, scopes: tuple[str, ...], where: dict[str, Any] | None = None) -> dict[str, Any]:
    query = """query ($where: RegistrantFilter, $after: String) { registrants(where: $where, first: 30, after: $after) {
        nodes { id nik name reference motorcycle { plate registrationNumber handedOverAt } history { to reason }
                organizer { code } outbound { id nik name } return { id nik name } }
        pageInfo { hasNextPage endCursor } } }"""
    found: dict[str, Any] = {}
    after = None
    while True:
        page = (await api.data(query, {"where": where, "after": after}, scopes=scopes))["registrants"]
        found |= {node["id"]: node for node in page["nodes"]}
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


async def test_the_dashboard_sees_everybody_and_nobody_by_name(api: Api, society: Society) -> None:
    """Hubdat's own people too: only `registrants:read` shows those in full."""
    found = await everybody(api, DASHBOARD)
    assert len(found) == sum(1 if one.return_id is None else 2 for one in society.people) == 65
    for one in society.people:
        node = found[str(one.id)]
        name = "(dihapus)" if one.kind == "erased" else "***"
        assert (node["nik"], node["name"], node["reference"], node["motorcycle"]) == (masked(one), name, None, None)
        assert node["organizer"] == {"code": one.organizer}
        assert {step["reason"] for step in node["history"]} == {None}
        if one.return_id is not None:
            assert node["return"] == {"id": str(one.return_id), "nik": masked(one), "name": "***"}
            assert found[str(one.return_id)]["outbound"] == {"id": str(one.id), "nik": masked(one), "name": "***"}
    assert list(found_in(str(found), {word for one in society.people for word in one.words})) == []


async def test_the_dashboard_beside_ones_own(api: Api, society: Society) -> None:
    found = await everybody(api, ("dashboard:read", "registrants:read"))
    for one in society.people:
        node = found[str(one.id)]
        own = one.organizer == "hubdat" and one.kind != "erased"
        assert node["nik"] == (one.nik if own else masked(one))
        assert node["reference"] == (one.reference if own else None)
        assert (node["motorcycle"] is not None) == (own and one.kind == "motorcycle")
    reasons = {step["reason"] for node in found.values() for step in node["history"]}
    cancelled = society.of("hubdat", "cancelled")
    others = {"Permintaan peserta", "Arus mudiknya berakhir.", "Permintaan pemilik data", "Salah ketik petugas"}
    assert reasons == {None, f"Permintaan keluarga {cancelled.name}", *others}


@pytest.mark.parametrize("scopes", [DASHBOARD, ("dashboard:read", "registrants:read", "hubdat:admin")])
async def test_the_dashboard_finds_others_by_id_alone(api: Api, society: Society, scopes: tuple[str, ...]) -> None:
    query = "query ($ref: RegistrantRef!) { registrant(ref: $ref) { id nik name reference } }"
    for one in society.foreign_to(worlds.HUBDAT):
        seen = [(await api.data(query, {"ref": ref}, scopes=scopes))["registrant"] for ref in one.refs()]
        name = "(dihapus)" if one.kind == "erased" else "***"
        assert seen == [{"id": str(one.id), "nik": masked(one), "name": name, "reference": None}, None, None]
        assert await everybody(api, scopes, {"reference": one.reference}) == {}


@pytest.mark.parametrize("scopes", [DASHBOARD, WITHOUT_DASHBOARD, (*WITHOUT_DASHBOARD, *DASHBOARD)])
async def test_no_path_tells_the_ministry_who_anybody_is(
    api: Api, society: Society, walk: Walk, scopes: tuple[str, ...]
) -> None:
    target = Target(society, worlds.HUBDAT, ("pair", "motorcycle", "cancelled", "claimed"))
    for field in READING:
        asked = AIMS[field](target)
        async with society.untouched(worlds.HUBDAT):
            bodies = []
            for part in few(asked, AT_ONCE.get(field, 8)):
                document, variables = walk.document(field, part)
                bodies.append((await api.post(document, variables, scopes=scopes)).text)
        told = "\n".join(bodies)
        for one in target.people:
            assert list(found_in(told, {word for word in one.words if word not in str(asked)})) == []


async def test_the_ministry_does_not_act_for_others(api: Api, society: Society, walk: Walk) -> None:
    """Seeing everybody is no right to move anybody."""
    target = Target(society, worlds.HUBDAT)
    for field in ("verifyRegistrants", "departRegistrants"):
        for asked in AIMS[field](target):
            document, variables = walk.document(field, [asked], depth=0)
            async with society.world.unchanged("registrant", "change"):
                [answers] = (await api.data(document, variables)).values()
            assert {answer["Problem_code"] for answer in answers} == {"NOT_FOUND"}
            assert len(answers) == 3 * 44


async def test_erasing_tells_nothing_of_whom_it_erased(api: Api, society: Society, walk: Walk) -> None:
    for kind, way in (("pair", 0), ("motorcycle", 2), ("forfeited", 0)):
        one = society.of("djka", kind)
        asked = {"ref": one.refs()[way], "reason": "Permintaan pemilik data"}
        document, variables = walk.document("eraseRegistrant", [asked])
        body = (await api.post(document, variables)).text
        assert '"(dihapus)"' in body
        assert list(found_in(body, {word for word in one.words if word not in str(asked)})) == []
        assert (
            await society.world.one(
                "SELECT num_nonnulls(nik_index, nik_sealed, name_sealed, reference, plate, registration_number, posko)"
                " FROM registrant WHERE id = :id",
                id=one.id,
            )
            == 0
        )
        for caller in (worlds.DJKA, worlds.HUBDAT):
            record = await society.world.find(one.id, caller)
            assert record is not None
            assert (record.nik, record.name, record.reference, record.plate) == ("(dihapus)", "(dihapus)", None, None)
