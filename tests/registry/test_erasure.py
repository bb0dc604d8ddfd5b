"""Erasure of a person."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.models.enums import RegistrantStatus
from app.registry import erasure
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.erasure import Erased
from app.registry.registrants import lifecycle
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.rows import early_ends
from tests.registry.rows.records import pushed, state
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
HOUR = timedelta(hours=1)
REASON = "Permintaan yang bersangkutan"


async def erase(world: World, ref: Ref, reason: str = REASON, now: datetime = NOW) -> Any:
    return await world.database.attempt(lambda session: erasure.erase(session, world.vault, HUBDAT, ref, reason, now))


ERASED = """SELECT nik_index, nik_sealed, name_sealed, reference, plate, registration_number, posko, erased_at
            FROM registrant WHERE id = :id"""


async def test_erasing_what_stands_cancels_it_first(world: World) -> None:
    deck = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE", quota=1)
    one = await world.registered(someone(DJKA, deck, motorcycle=Motorcycle("B 1", "1"), reference="BK-1"))
    await world.moved(one.id, S.VERIFIED, DJKA, posko="Posko Senen")
    erased = await erase(world, Ref(id=one.id), f"  {REASON} ")
    assert isinstance(erased, Erased)
    [seen] = erased.registrants
    assert (seen.nik, seen.name, seen.status, seen.own) == ("(dihapus)", "(dihapus)", "CANCELLED", False)
    assert await world.run(ERASED, id=one.id) == [(None, None, None, None, None, None, None, NOW)]
    assert await world.taken("Motis KA") == 0
    assert (await world.changes("kind, organizer_code, registrant_id, to_status, client_id, reason"))[3:] == [
        ("REGISTRANT_MOVED", "djka", one.id, "CANCELLED", "hubdat-test", REASON),
        ("QUOTA_RETURNED", "djka", None, None, None, None),
        ("REGISTRANT_ERASED", "djka", one.id, None, "hubdat-test", REASON),
    ]
    again = await world.registered(someone(DJKA, deck, motorcycle=Motorcycle("B 1", "1")))
    assert again.id != one.id


async def test_what_is_remembered_of_its_ends_goes_too(world: World) -> None:
    """Of any organizer; of nobody else."""
    one = await world.registered(someone(DJKA, await world.route(organizer="djka")))
    await pushed(world, state(5, 1), state(5, 2))
    await erase(world, Ref(id=one.id))
    left = await world.run("SELECT nik_index FROM early_end")
    assert left == [(world.vault.blind_index(nik_of(2)),)]


async def test_erasing_again_changes_nothing(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    erased = await erase(world, Ref(id=one.id))
    async with world.unchanged():
        assert await erase(world, Ref(id=one.id), "Sekali lagi", NOW + HOUR) == erased


async def test_erasing_whoever_departed_keeps_the_count(world: World) -> None:
    one = await world.verified(someone(HUBDAT, await world.route(quota=1)))
    await world.moved(one.id, S.DEPARTED)
    [erased] = (await erase(world, Ref(nik=nik_of(1)))).registrants
    assert (erased.id, erased.status, erased.nik) == (one.id, "DEPARTED", "(dihapus)")
    assert await world.taken() == 1
    assert (await world.changes("kind, registrant_id"))[-1] == ("REGISTRANT_ERASED", one.id)
    assert (await erase(world, Ref(nik=nik_of(1)))).code == "NOT_FOUND"
    assert (await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))).status == "REGISTERED"


async def test_erasing_one_way_erases_both(world: World) -> None:
    pair = await world.accepted(someone(HUBDAT, await world.route(), return_route_id=await world.way_back()))
    assert pair.return_view is not None
    erased = await erase(world, Ref(id=pair.return_view.id))
    assert [(one.id, one.status, one.nik) for one in erased.registrants] == [
        (pair.view.id, "CANCELLED", "(dihapus)"),
        (pair.return_view.id, "CANCELLED", "(dihapus)"),
    ]
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (0, 0)


async def test_a_person_of_a_closed_season_can_be_erased(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.close()
    [erased] = (await erase(world, Ref(id=one.id))).registrants
    assert (erased.status, erased.nik) == ("REGISTERED", "(dihapus)")


async def test_an_erasure_needs_a_registrant_and_a_reason(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), reference="BK-1"))
    theirs = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 2, reference="BK-2"))
    async with world.unchanged():
        refused = [
            await erase(world, Ref(id=uuid4())),
            await erase(world, Ref(nik="1")),
            await erase(world, Ref(reference="BK-2")),
            await erase(world, Ref(id=one.id), " "),
            await erase(world, Ref(id=theirs.id), nik_of(2)),
        ]
    assert [(one.code, one.field) for one in refused] == [
        ("NOT_FOUND", "ref"),
        ("NIK_INVALID", "nik"),
        ("NOT_FOUND", "ref"),
        ("INVALID_VALUE", "reason"),
        ("INVALID_VALUE", "reason"),
    ]


async def test_a_person_who_comes_or_is_corrected_meanwhile_is_erased_as_the_person_is_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between look and lock the NIK of one registrant becomes another's, and the person registers elsewhere."""
    route, theirs = await world.route(), await world.route("KA", organizer="djka", service="MOTORCYCLE")
    one = await world.registered(someone(HUBDAT, route))
    step, meanwhile = lifecycle.step, iter([True])

    async def late(*given: Any) -> Any:
        if next(meanwhile, False):
            right = Correction(reason="Salah ketik", nik=nik_of(2))
            await world.database.attempt(
                lambda session: corrections.correct(session, world.vault, HUBDAT, Ref(id=one.id), right, NOW)
            )
            await world.registered(someone(DJKA, theirs, motorcycle=Motorcycle("B 1", "1")))
        return await step(*given)

    monkeypatch.setattr(lifecycle, "step", late)
    erased = await erase(world, Ref(nik=nik_of(1)))
    assert [seen.organizer for seen in erased.registrants] == ["djka"]
    kept = await world.find(one.id)
    assert kept is not None
    assert (kept.nik, kept.status) == (nik_of(2), "REGISTERED")


async def test_whoever_registers_while_the_person_is_erased_is_erased_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    route, theirs = await world.route(), await world.route("KA", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, route))
    forget, meanwhile = early_ends.forget_person, iter([True])

    async def late(*given: Any) -> Any:
        if next(meanwhile, False):
            await world.registered(someone(DJKA, theirs, motorcycle=Motorcycle("B 1", "1")))
        return await forget(*given)

    monkeypatch.setattr(early_ends, "forget_person", late)
    erased = await erase(world, Ref(nik=nik_of(1)))
    assert [seen.organizer for seen in erased.registrants] == ["hubdat", "djka"]
    assert await world.one("SELECT count(*) FROM registrant WHERE nik_index IS NOT NULL") == 0


async def test_whoever_was_erased_before_is_answered_as_it_is(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.erased_alone(one.id)
    async with world.unchanged():
        erased = await erase(world, Ref(id=one.id))
    assert [(seen.id, seen.nik) for seen in erased.registrants] == [(one.id, "(dihapus)")]
