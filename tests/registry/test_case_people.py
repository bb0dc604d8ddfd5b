"""Both sides of a case, as Hubdat sees them before it decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.registry import case_people, erasure
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.case_people import Side, Sides
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.values import names
from tests.world import DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(hours=1)
MASKED = f"************{nik_of(1)[12:]}"


async def read(world: World, case: UUID, purpose: str | None = None) -> Any:
    async with world.database.transaction() as session:
        return await case_people.read(session, world.vault, HUBDAT, case, purpose, LATER)


@pytest.fixture
async def case(world: World) -> UUID:
    await world.registered(someone(HUBDAT, await world.route(), name="Sulastri Wulandari"))
    theirs = await world.route("KA", organizer="djka")
    await world.submit(someone(DJKA, theirs, name="Bambang Prakoso"))
    await world.submit(someone(DJKA, theirs, name="H. Sulastri Wulandary"), now=LATER)
    found: UUID = await world.one("SELECT id FROM duplicate_case")
    return found


async def test_both_sides_stand_side_by_side(world: World, case: UUID) -> None:
    """The name under which the NIK was brought last."""
    sides = await read(world, case)
    assert isinstance(sides, Sides)
    assert sides.people == (
        Side(
            organizer="hubdat",
            holds=True,
            nik=MASKED,
            initials="S. W.",
            likeness=None,
            name=None,
            status="REGISTERED",
            at=NOW,
        ),
        Side(
            organizer="djka",
            holds=False,
            nik=MASKED,
            initials="S. W.",
            likeness=94,
            name=None,
            status=None,
            at=NOW,
        ),
    )
    looked = "SELECT client_id, purpose, nik_index FROM nik_access WHERE purpose = 'LOOKUP'"
    assert await world.run(looked) == [("hubdat-test", "LOOKUP", world.vault.blind_index(nik_of(1)))]


async def test_names_are_in_full_for_a_purpose(world: World, case: UUID) -> None:
    sides = await read(world, case, "Banding keluarga")
    assert [(one.nik, one.name) for one in sides.people] == [
        (nik_of(1), "Sulastri Wulandari"),
        (nik_of(1), "H. Sulastri Wulandary"),
    ]


async def test_it_needs_a_case_and_a_purpose_without_a_nik(world: World, case: UUID) -> None:
    async with world.unchanged("nik_access"):
        refused = [await read(world, uuid4()), await read(world, case, " "), await read(world, case, nik_of(1))]
    assert [(one.code, one.field) for one in refused] == [
        ("NOT_FOUND", "id"),
        ("INVALID_VALUE", "purpose"),
        ("INVALID_VALUE", "purpose"),
    ]


async def test_of_whoever_was_erased_nothing_is_kept(world: World, case: UUID) -> None:
    await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, HUBDAT, Ref(nik=nik_of(1)), "Permintaan", NOW)
    )
    sides = await read(world, case, "Banding keluarga")
    assert [(one.nik, one.name, one.initials, one.likeness) for one in sides.people] == [
        ("(dihapus)", None, None, None)
    ] * 2


async def test_whoever_was_only_refused_is_erased_by_the_nik(world: World, case: UUID) -> None:
    """The holder got another NIK meanwhile: the name that DJKA brought is another person's now."""
    await world.run("UPDATE registrant SET nik_index = :other", other=world.vault.blind_index(nik_of(2)))
    erased = await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, HUBDAT, Ref(nik=nik_of(1)), "Permintaan", NOW)
    )
    assert isinstance(erased, erasure.Erased)
    assert await world.run("SELECT nik_index, name_sealed FROM case_claim") == [(None, None)]


@pytest.mark.parametrize("purpose", [None, "Banding keluarga"])
async def test_the_nik_that_was_brought_is_not_that_which_the_holder_got_since(
    world: World, case: UUID, purpose: str | None
) -> None:
    """Both were looked at. Of what was refused the registry keeps no NIK."""
    given = Correction(reason="Salah ketik", nik=nik_of(2))
    ref = Ref(id=await world.one("SELECT holder_id FROM duplicate_case"))
    await world.database.attempt(lambda s: corrections.correct(s, world.vault, HUBDAT, ref, given, LATER))
    sides = await read(world, case, purpose)
    shown = f"************{nik_of(2)[12:]}" if purpose is None else nik_of(2)
    assert [(one.organizer, one.nik) for one in sides.people] == [("hubdat", shown), ("djka", "*" * 16)]
    looked = await world.run("SELECT nik_index FROM nik_access WHERE purpose = 'LOOKUP'")
    assert sorted(one[0] for one in looked) == sorted(world.vault.blind_index(nik_of(one)) for one in (1, 2))
    # A claim of before claims kept the blind index.
    await world.run("UPDATE case_claim SET nik_index = NULL")
    assert [one.nik for one in (await read(world, case, purpose)).people] == [shown, shown]


async def test_what_is_only_suspected_keeps_the_name_too(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), name="Sulastri Wulandari"))
    truck = await world.route("Motis", organizer="dishub-dki", service="MOTORCYCLE")
    await world.accepted(someone(DKI, truck, name="Bambang Prakoso", motorcycle=Motorcycle("B 1", "1")))
    sides = await read(world, await world.one("SELECT id FROM duplicate_case"))
    assert [(one.organizer, one.initials, one.holds) for one in sides.people] == [
        ("hubdat", "S. W.", True),
        ("dishub-dki", "B. P.", False),
    ]


@pytest.mark.parametrize(
    ("one", "other", "percent"),
    [("Siti Aminah", "SITI AMINAH", 100), ("Aminah Siti", "Hj. Siti Aminah", 100), ("Siti", "Bejo", 0)],
)
def test_likeness_is_that_of_the_letters(one: str, other: str, percent: int) -> None:
    assert names.likeness(one, other) == percent
