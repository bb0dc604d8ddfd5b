"""Corrections: a typing error is put right within the log, on both ways of a trip, without losing the seat."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.registrants import lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Motorcycle
from app.registry.registrants.view import View
from tests.registry.meanwhile import meanwhile
from tests.world import DJKA, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
LATER = NOW + timedelta(hours=1)
REASON = "Salah ketik petugas"


async def correct(world: World, ref: Ref | UUID, caller: Caller = HUBDAT, reason: str = REASON, **changes: Any) -> Any:
    named = Ref(id=ref) if isinstance(ref, UUID) else ref
    return await world.database.attempt(
        lambda session: corrections.correct(
            session, world.vault, caller, named, Correction(reason=reason, **changes), LATER
        )
    )


async def pair(world: World, number: int = 1) -> tuple[View, View]:
    """Both ways of a trip."""
    mudik = world.routes.get("Jakarta - Solo") or await world.route(quota=9)
    balik = world.routes.get("Solo - Jakarta") or await world.way_back(quota=9)
    booked = await world.accepted(someone(HUBDAT, mudik, number, return_route_id=balik))
    assert booked.return_view is not None
    return booked.view, booked.return_view


async def found(world: World, *ids: UUID) -> list[View]:
    return [one for one in [await world.find(id_) for id_ in ids] if one is not None]


async def fields(world: World) -> list[Any]:
    """What the log tells of corrections."""
    rows = await world.run(
        "SELECT registrant_id, facts -> 'fields' AS fields FROM change WHERE kind = 'REGISTRANT_CORRECTED' ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_a_nik_is_put_right_on_both_ways(world: World) -> None:
    home, back = await pair(world)
    corrected = await correct(world, back.id, nik=nik_of(2))
    assert corrected.nik == nik_of(2)
    assert corrected == await world.find(back.id)
    for one in (home, back):
        seen = await world.find(one.id)
        assert seen is not None
        assert (seen.nik, seen.status, seen.route_id) == (nik_of(2), "REGISTERED", one.route_id)
    index = world.vault.blind_index(nik_of(2))
    assert await world.run("SELECT DISTINCT nik_index FROM registrant") == [(index,)]
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (1, 1)
    assert sorted(await fields(world)) == sorted([(home.id, ["nik"]), (back.id, ["nik"])])
    assert (await world.changes("organizer_code, season, client_id, reason, at, from_status, to_status"))[-1] == (
        "hubdat",
        2026,
        "hubdat-test",
        REASON,
        LATER,
        None,
        None,
    )
    theirs = await world.route("KA", organizer="djka")
    verdicts = await world.submit(someone(DJKA, theirs, 1), someone(DJKA, theirs, 2))
    assert isinstance(verdicts[0], Accepted)
    assert verdicts[1].code == "NIK_ALREADY_REGISTERED"


async def test_a_name_goes_to_both_ways_and_what_belongs_to_one_does_not(world: World) -> None:
    home, back = await pair(world)
    corrected = await correct(world, home.id, name=" Sulastri  Wulandari ", identity_document="SIM", reference=" BK-9 ")
    assert (corrected.name, corrected.identity_document, corrected.reference) == ("Sulastri Wulandari", "SIM", "BK-9")
    other = await world.find(back.id)
    assert other is not None
    assert (other.name, other.identity_document, other.reference) == ("Sulastri Wulandari", "KTP", None)
    assert sorted(await fields(world)) == sorted(
        [(home.id, ["identityDocument", "name", "reference"]), (back.id, ["name"])]
    )
    assert "Sulastri" not in str(await world.rows("change"))


async def test_a_cancelled_way_back_is_the_same_person_too(world: World) -> None:
    home, back = await pair(world)
    await world.moved(back.id, S.CANCELLED)
    again = await world.accepted(someone(HUBDAT, home.route_id, return_route_id=back.route_id))
    assert again.return_view is not None
    await correct(world, again.return_view.id, nik=nik_of(2))
    index = world.vault.blind_index(nik_of(2))
    assert await world.one("SELECT count(*) FROM registrant WHERE nik_index = :index", index=index) == 3


async def test_a_nik_is_put_right_on_a_return_that_has_ended_too(world: World) -> None:
    home, back = await pair(world)
    deck = await world.route("Motis", service="MOTORCYCLE")
    motorcycle = await world.registered(someone(HUBDAT, deck, 1, motorcycle=Motorcycle("B 1", "1")))
    await world.moved(back.id, S.CANCELLED)
    await correct(world, motorcycle.id, nik=nik_of(2))
    assert [one.nik for one in await found(world, home.id, back.id, motorcycle.id)] == [nik_of(2)] * 3
    assert sorted(await fields(world)) == sorted((one.id, ["nik"]) for one in (home, back, motorcycle))


async def test_papers_of_a_motorcycle(world: World) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE")
    one = await world.registered(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    corrected = await correct(world, one.id, motorcycle=Motorcycle(" b 2 ", "1"))
    assert (corrected.plate, corrected.registration_number) == ("B 2", "1")
    assert await fields(world) == [(one.id, ["motorcycle"])]
    async with world.unchanged():
        refused = await correct(world, one.id, motorcycle=Motorcycle("", "1"))
    assert (refused.code, refused.field) == ("MOTORCYCLE_REQUIRED", "motorcycle")


async def test_what_is_right_already_changes_nothing(world: World) -> None:
    home, _ = await pair(world)
    async with world.unchanged():
        assert await correct(world, home.id) == home
        assert await correct(world, home.id, nik=nik_of(1), name="Warga Contoh", identity_document="KTP") == home


async def test_one_of_ones_own_by_any_of_its_names(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), reference="BK-1"))
    assert (await correct(world, Ref(reference="BK-1"), identity_document="SIM")).id == one.id
    assert (await correct(world, Ref(nik=nik_of(1)), identity_document="KK")).id == one.id
    async with world.unchanged():
        for ref in (Ref(id=one.id), Ref(reference="BK-1"), Ref(nik=nik_of(1))):
            assert (await correct(world, ref, DJKA, name="Lain")).code == "NOT_FOUND"


async def test_a_coordinator_corrects_its_members(world: World) -> None:
    route = await world.route("Bus", organizer="bumn-satu")
    one = await world.registered(someone(JASA_RAHARJA, route, member="bumn-satu"))
    assert (await correct(world, one.id, JASA_RAHARJA, name="Warga Lain")).name == "Warga Lain"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"nik": "1"}, "NIK_INVALID", "nik"),
        ({"name": " "}, "INVALID_VALUE", "name"),
        ({"identity_document": "PASPOR"}, "INVALID_VALUE", "identityDocument"),
        ({"reference": nik_of(1)}, "INVALID_VALUE", "reference"),
        ({"motorcycle": Motorcycle("B 1", "1")}, "INVALID_VALUE", "motorcycle"),
        ({"name": "Lain", "reason": ""}, "INVALID_VALUE", "reason"),
        ({"name": "Lain", "reason": nik_of(1)}, "INVALID_VALUE", "reason"),
    ],
)
async def test_what_is_wrong_itself_is_refused(world: World, changes: dict[str, Any], code: str, field: str) -> None:
    home, _ = await pair(world)
    async with world.unchanged():
        refused = await correct(world, home.id, **changes)
    assert (refused.code, refused.field) == (code, field)


async def test_a_closed_season_is_read_only(world: World) -> None:
    home, _ = await pair(world)
    await world.close()
    async with world.unchanged():
        refused = await correct(world, home.id, name="Lain")
    assert (refused.code, refused.field, refused.season) == ("SEASON_CLOSED", "ref", 2026)


async def test_a_blocked_nik_is_refused(world: World) -> None:
    home, _ = await pair(world)
    await world.run(
        """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
           VALUES (gen_random_uuid(), :nik_index, 'Gugur', 2026, 2027, :now, 'hubdat')""",
        nik_index=world.vault.blind_index(nik_of(2)),
        now=NOW,
    )
    async with world.unchanged():
        refused = await correct(world, home.id, nik=nik_of(2))
    assert (refused.code, refused.field, refused.until_season) == ("NIK_BLOCKED", "nik", 2027)


async def test_a_nik_that_another_has_on_either_way_is_refused(world: World) -> None:
    await world.policy("djka", return_requires_outbound=False)
    theirs = await world.way_back("KA balik", organizer="djka")
    await world.registered(someone(DJKA, theirs, 2))
    home, _ = await pair(world)
    async with world.unchanged():
        refused = await correct(world, home.id, nik=nik_of(2))
    assert (refused.code, refused.field) == ("NIK_ALREADY_REGISTERED", "nik")
    assert (refused.standing.organizer, refused.standing.direction, refused.standing.own) == ("djka", "BALIK", False)


async def test_what_has_ended_takes_a_nik_that_another_has(world: World) -> None:
    home, _ = await pair(world)
    await world.moved(home.id, S.CANCELLED)
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 2))
    assert (await correct(world, home.id, nik=nik_of(2))).nik == nik_of(2)


async def test_a_nik_that_another_takes_meanwhile_is_seen_in_the_next_attempt(world: World) -> None:
    home, _ = await pair(world)
    theirs = await world.route("KA", organizer="djka")
    with meanwhile(
        "UPDATE registrant r SET", lambda: world.registered(someone(DJKA, theirs, 2)), before=True
    ) as writes:
        refused = await correct(world, home.id, nik=nik_of(2))
    assert (refused.code, len(writes)) == ("NIK_ALREADY_REGISTERED", 1)
    seen = await world.find(home.id)
    assert seen is not None
    assert seen.nik == nik_of(1)


async def test_a_return_that_is_booked_meanwhile_is_corrected_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = await world.registered(someone(HUBDAT, await world.route()))
    balik = await world.way_back()
    resolve = lookup.resolve
    resolved = 0

    async def meanwhile(session: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal resolved
        resolved += 1
        found = await resolve(session, *arguments, **options)
        if resolved == 1:
            # The trip is read, then another transaction adds to it, then it is locked.
            rows = session.rows

            async def slow(statement: Any, /, **values: Any) -> Any:
                if "FOR NO KEY UPDATE OF r" in statement.text:
                    await world.registered(someone(HUBDAT, balik))
                return await rows(statement, **values)

            monkeypatch.setattr(session, "rows", slow)
        return found

    monkeypatch.setattr(lookup, "resolve", meanwhile)
    await correct(world, home.id, nik=nik_of(2))
    assert resolved == 2
    index = world.vault.blind_index(nik_of(2))
    assert await world.run("SELECT DISTINCT nik_index, count(*) FROM registrant GROUP BY 1") == [(index, 2)]


async def test_what_is_erased_cannot_be_corrected(world: World) -> None:
    home, back = await pair(world)
    await world.erased_alone(home.id)
    async with world.unchanged():
        refused = await correct(world, home.id, name="Lain")
    assert (refused.code, refused.field) == ("NOT_FOUND", "ref")
    assert (await correct(world, back.id, name="Lain", nik=nik_of(2))).name == "Lain"
    assert await fields(world) == [(back.id, ["name", "nik"])]
    erased = await world.find(home.id)
    assert erased is not None
    assert (erased.nik, erased.name) == ("(dihapus)", "(dihapus)")
