"""A reason may name somebody: what was written about a person goes with the person, and with the season."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import app
from app.changes.seals.logs import LOGS
from app.errors import NotFound
from app.models.enums import RegistrantStatus
from app.models.personal_columns import PERSONAL_COLUMNS
from app.registry import case_decisions, case_people, erasure, reasons
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.niks import blocks, reads
from app.registry.niks.reads import Read
from app.registry.registrants.lookup import Ref
from app.registry.undo import reopening
from tests.changes.seals.ground import sealed, verified
from tests.privacy.remains import remains
from tests.privacy.test_whole_person import PURGE_AT
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

NIK = nik_of(1)
NAME = "Sukarmaji"
"""Nowhere but in reasons."""
WRITTEN = {
    "app.registry.amending.corrections",
    "app.registry.case_people",
    "app.registry.erasure",
    "app.registry.halts",
    "app.registry.niks.allowance",
    "app.registry.niks.blocks",
    "app.registry.case_decisions",
    "app.registry.registrants.lifecycle",
    "app.registry.registrants.lookup",
    "app.registry.subject_access",
    "app.registry.terms.seasons",
    "app.registry.terms.window_history",
    "app.registry.undo.reopening",
}
"""Where a reason is taken. What `about` does not write is about no person: allowances, halts, seasons, windows."""


def test_every_place_that_takes_a_reason_is_known() -> None:
    """A new one is to be written in `about`, or said to be about no person."""
    root = Path(app.__file__).parent
    found = set()
    for file in (root / "registry").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and "reason_given" in {one.name for one in node.names}:
                found.add(".".join(("app", *file.relative_to(root).with_suffix("").parts)))
    assert found == WRITTEN


def test_reasons_are_personal() -> None:
    assert "reason" in PERSONAL_COLUMNS["change"]
    assert PERSONAL_COLUMNS["duplicate_case"] == ["reason"]
    assert PERSONAL_COLUMNS["nik_block"] == ["lift_reason", "nik_index", "reason"]


def reason(why: str) -> str:
    return f"{why}: Bapak {NAME} yang minta"


async def attempt(world: World, work: Any) -> Any:
    return await world.database.attempt(work)


async def about(world: World, number: int) -> UUID:
    """Every reason that somebody may give about a person. Answers the registrant."""
    nik, vault = nik_of(number), world.vault
    one = await world.registered(someone(HUBDAT, await world.route(f"R{number}"), number))
    await attempt(
        world,
        lambda session: corrections.correct(
            session, vault, HUBDAT, Ref(id=one.id), Correction(reason=reason("Salah"), name="Nama"), NOW
        ),
    )
    await world.moved(one.id, RegistrantStatus.CANCELLED, reason=reason("Batal"))
    reopened = await attempt(
        world, lambda session: reopening.reopen(session, vault, HUBDAT, [Ref(id=one.id)], reason("Jadi"), NOW)
    )
    assert reopened[0].status == "REGISTERED"
    refused = await world.submit(someone(DJKA, await world.route(f"D{number}", organizer="djka"), number))
    assert [one.code for one in refused] == ["NIK_ALREADY_REGISTERED"]
    case = await world.one("SELECT id FROM duplicate_case WHERE holder_id = :id", id=one.id)
    for state in ("NOT_DUPLICATE", "CONFIRMED"):
        mistyped = "djka" if state == "NOT_DUPLICATE" else None
        decided = await attempt(
            world,
            lambda session, state=state, mistyped=mistyped: case_decisions.decide(
                session, HUBDAT, case, state, reason("Putusan"), NOW, mistyped_by=mistyped
            ),
        )
        assert decided.state == state
    await attempt(world, lambda session: blocks.block(session, vault, HUBDAT, nik, reason("Blokir"), 3, NOW))
    await attempt(world, lambda session: blocks.lift(session, vault, HUBDAT, nik, reason("Dicabut"), NOW))
    async with world.database.transaction() as session:
        purpose = reason("Periksa")
        sides = await case_people.read(session, vault, HUBDAT, case, purpose, NOW)
        assert isinstance(sides, case_people.Sides)
        unfound = [vault.blind_index(nik_of(90)), vault.blind_index(nik)]
        for how in (
            {"what": "casePeople", "people": {one.id: "hubdat"}},
            {"what": "registrant", "people": {}, "unfound": unfound},
            # In one request with so many others that nobody is named.
            {"what": "registrants", "people": {one.id: "hubdat"}, "is_slice": True},
        ):
            await reads.record(session, Read(caller=HUBDAT, purpose=purpose, **how), NOW)
    return one.id


async def where(world: World) -> dict[str, int]:
    """How many rows of each table have the name in them."""
    tables = await world.rows("change", "duplicate_case", "nik_block", "people_read")
    return {table: count for table, rows in tables.items() if (count := sum(NAME in row for row in rows))}


EVERYWHERE = {"change": 9, "duplicate_case": 1, "nik_block": 1, "people_read": 3}


async def test_erasure_takes_what_was_written_about_the_person(world: World) -> None:
    await about(world, 1)
    assert await where(world) == EVERYWHERE
    await about(world, 2)
    await sealed(world)
    assert await where(world) == {table: 2 * count for table, count in EVERYWHERE.items()}
    erased = await attempt(
        world, lambda session: erasure.erase(session, world.vault, HUBDAT, Ref(nik=NIK), "Pasal 8", NOW)
    )
    assert isinstance(erased, erasure.Erased)
    # Of the other person all is there. What was done, when and by whom stays of both.
    assert await where(world) == EVERYWHERE
    assert await world.run("SELECT reason, lift_reason FROM nik_block ORDER BY reason") == [
        (reasons.FORGOTTEN, None),
        (reason("Blokir"), reason("Dicabut")),
    ]
    assert await world.run("SELECT id, unfound, salt IS NULL FROM people_read WHERE purpose IS NULL ORDER BY id") == [
        (1, None, True),
        (2, None, True),
        (3, None, True),
    ]
    assert await world.one("SELECT count(*) FROM change WHERE reason IS NULL AND commitment IS NOT NULL") == 9
    assert await world.one("SELECT count(*) FROM change WHERE reason = 'Pasal 8'") == 2
    await sealed(world, NOW.replace(hour=3))
    for log in LOGS:
        one = await verified(world, log)
        assert (one.finding, one.unsealed) == (None, 0)
        assert one.rows == await world.count(log.table)
    assert [(await verified(world, log)).wiped for log in LOGS] == [9, 0, 3]


async def test_who_was_only_looked_up_can_be_erased(world: World) -> None:
    """The registry holds nothing but what somebody wrote when looking for a NIK that nobody has registered."""

    async def erased() -> object:
        return await attempt(
            world, lambda session: erasure.erase(session, world.vault, HUBDAT, Ref(nik=NIK), "Pasal 8", NOW)
        )

    read = Read(caller=DJKA, what="registrant", people={}, purpose=NAME, unfound=[world.vault.blind_index(NIK)])
    async with world.database.transaction() as session:
        await reads.record(session, read, NOW)
    found = await erased()
    assert isinstance(found, erasure.Erased)
    assert found.registrants == ()
    assert await world.run("SELECT purpose, unfound, salt FROM people_read") == [(None, None, None)]
    assert isinstance(await erased(), NotFound)


async def test_the_purge_takes_what_was_written_in_the_season(world: World) -> None:
    await about(world, 1)
    await sealed(world)
    await world.sweep(PURGE_AT)
    assert await where(world) == {}
    # The block was for three seasons.
    assert await remains(world, NIK, [NAME]) == {"nik_block.nik_index"}
    for log in LOGS:
        assert (await verified(world, log)).finding is None
