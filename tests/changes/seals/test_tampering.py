"""What somebody changes by SQL, who may do everything in the database, is found: the first row, and what was done."""

from __future__ import annotations

import json

import pytest

from app.changes.log.feed import Position
from app.changes.seals import entry, sealing
from app.changes.seals.logs import ACCESS, CHANGES, SealedLog
from app.changes.seals.verifying import Expected, Fault, Verified
from tests.changes.seals.ground import MINUTE, rekeyed, sealed, tampered, told, verified
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("log", [CHANGES, ACCESS], ids=["changes", "access"])
MORE = {
    "change": """INSERT INTO change (xact_id, id, at, kind) OVERRIDING SYSTEM VALUE
                 SELECT xact_id, 999, at, kind FROM change WHERE id = 3""",
    "nik_access": """INSERT INTO nik_access (xact_id, id, at, client_id, organizer_code, purpose)
                     OVERRIDING SYSTEM VALUE
                     SELECT xact_id, 999, at, client_id, organizer_code, purpose FROM nik_access WHERE id = 3""",
}


@pytest.fixture
async def kept(world: World) -> World:
    """Ten rows in each log, of two transactions, in two seals."""
    await told(world, None, "satu", None, "dua", None)
    await sealed(world)
    await told(world, "tiga", None, None, None, "empat")
    await sealed(world, NOW + MINUTE)
    return world


def found(one: Verified) -> tuple[Fault, int, int | None] | None:
    """What was done, the seal, and the number of the row."""
    if one.finding is None:
        return None
    return one.finding.fault, one.finding.seal, one.finding.row.id if one.finding.row else None


@BOTH
async def test_what_nobody_touched_is_as_it_was(kept: World, log: SealedLog) -> None:
    one = await verified(kept, log)
    assert (one.finding, one.seals, one.rows, one.wiped, one.purged, one.unsealed) == (None, 2, 10, 0, 0, 0)
    assert (one.head, one.sealed_at) == (2, NOW + MINUTE)


async def test_without_a_row_and_without_a_seal_nothing_is_wrong(world: World) -> None:
    one = await verified(world, CHANGES)
    assert (one.finding, one.seals, one.rows, one.unsealed, one.head_digest) == (None, 0, 0, 0, None)


@BOTH
@pytest.mark.parametrize("column", ["at = at + interval '1 microsecond'", "client_id = 'lain'", "organizer_code = ''"])
async def test_a_changed_row_is_named(kept: World, log: SealedLog, column: str) -> None:
    await tampered(kept, f"UPDATE {log.table} SET {column} WHERE id IN (4, 7)")
    assert found(await verified(kept, log)) == (Fault.CHANGED, 1, 4)


@pytest.mark.parametrize(
    "column",
    [
        "season = 2027",
        "facts = '{}'",
        "reason = 'lain'",
        "reason = ''",
        "salt = ''",
        "mark = ''",
        "kind = 'ROUTE_SAVED'",
    ],
)
async def test_every_column_counts(kept: World, column: str) -> None:
    await tampered(kept, f"UPDATE change SET {column} WHERE id = 10")
    assert found(await verified(kept, CHANGES)) == (Fault.CHANGED, 2, 10)


async def test_what_is_personal_counts_too(kept: World) -> None:
    await tampered(kept, "UPDATE nik_access SET nik_index = sha256(nik_index) WHERE id = 8")
    assert found(await verified(kept, ACCESS)) == (Fault.CHANGED, 2, 8)
    await tampered(kept, "UPDATE nik_access SET commitment = sha256('') WHERE id = 2")
    assert found(await verified(kept, ACCESS)) == (Fault.CHANGED, 2, 8)
    await tampered(kept, "UPDATE nik_access SET area = NULL WHERE id = 2")
    assert found(await verified(kept, ACCESS)) == (Fault.CHANGED, 1, 2)


@BOTH
async def test_a_row_that_was_left_out_is_named(kept: World, log: SealedLog) -> None:
    await tampered(kept, f"DELETE FROM {log.table} WHERE id = 9")
    assert found(await verified(kept, log)) == (Fault.LEFT_OUT, 2, 9)
    await tampered(kept, f"DELETE FROM {log.table} WHERE id = 1")
    assert found(await verified(kept, log)) == (Fault.LEFT_OUT, 1, 1)


@BOTH
async def test_a_row_that_was_put_in_is_named(kept: World, log: SealedLog) -> None:
    await tampered(kept, MORE[log.table])
    assert found(await verified(kept, log)) == (Fault.PUT_IN, 2, 999)


async def test_a_row_that_was_put_between_two_is_named(kept: World) -> None:
    await tampered(kept, MORE["change"].replace("999", "0"))
    assert found(await verified(kept, CHANGES)) == (Fault.PUT_IN, 1, 0)


async def test_the_same_position_twice_is_one_too_many(kept: World) -> None:
    twice = MORE["change"].replace("999, at", "id, at + interval '1 day'")
    await tampered(kept, twice)
    assert found(await verified(kept, CHANGES)) == (Fault.PUT_IN, 1, 3)


@BOTH
async def test_two_rows_in_each_others_place_are_found(kept: World, log: SealedLog) -> None:
    await tampered(
        kept,
        f"CREATE TEMPORARY TABLE two ON COMMIT DROP AS SELECT * FROM {log.table} WHERE id IN (6, 7)",
        f"DELETE FROM {log.table} WHERE id IN (6, 7)",
        "UPDATE two SET id = 13 - id",
        f"INSERT INTO {log.table} OVERRIDING SYSTEM VALUE TABLE two",
    )
    assert found(await verified(kept, log)) == (Fault.CHANGED, 2, 6)


@BOTH
async def test_the_last_stretch_cannot_go_without_its_seal(kept: World, log: SealedLog) -> None:
    await tampered(kept, f"DELETE FROM {log.table} WHERE id > 5")
    assert found(await verified(kept, log)) == (Fault.LEFT_OUT, 2, 6)


@BOTH
async def test_whoever_noted_the_last_seal_down_finds_that_it_went_with_its_rows(kept: World, log: SealedLog) -> None:
    before = await verified(kept, log)
    noted = [Expected(before.head, before.head_digest or "")]
    assert (await verified(kept, log, expected=noted)).finding is None
    await tampered(
        kept, f"DELETE FROM {log.table} WHERE id > 5", f"DELETE FROM log_seal WHERE log = '{log.name}' AND number = 2"
    )
    # The database alone cannot tell this: it is as it was a minute ago.
    assert found(await verified(kept, log)) is None
    assert found(await verified(kept, log, expected=noted)) == (Fault.SEAL_MISSING, 2, None)
    await told(kept, None)
    await sealed(kept, NOW + 2 * MINUTE)
    assert found(await verified(kept, log)) is None
    assert found(await verified(kept, log, expected=noted)) == (Fault.SEAL_CHANGED, 2, None)


@BOTH
async def test_a_seal_that_was_taken_away_is_missed(kept: World, log: SealedLog) -> None:
    await tampered(kept, f"DELETE FROM log_seal WHERE log = '{log.name}' AND number = 1")
    assert found(await verified(kept, log)) == (Fault.SEAL_MISSING, 1, None)


@pytest.mark.parametrize(
    "column",
    [
        "listed = (SELECT listed FROM log_seal WHERE log = 'changes' AND number = 2)",
        "listed = ''",
        "listed = NULL",
        "row_id = row_id - 1",
        "signed = (SELECT signed FROM log_seal WHERE log = 'changes' AND number = 2)",
        "signed = (SELECT signed FROM log_seal WHERE log = 'access' AND number = 1)",
        "signed = signed || 'A'",
        "signed = replace(signed, '.', '!')",
    ],
)
async def test_a_seal_that_was_changed_is_found(kept: World, column: str) -> None:
    await tampered(kept, f"UPDATE log_seal SET {column} WHERE log = 'changes' AND number = 1")
    assert found(await verified(kept, CHANGES)) == (Fault.SEAL_CHANGED, 1, None)


async def test_whoever_seals_again_without_the_key_is_found(kept: World) -> None:
    """Also when it puts its own key beside the others."""
    forger = rekeyed(kept.vault, keeps=False)
    await tampered(kept, "UPDATE change SET season = 1 WHERE id = 7", "DELETE FROM log_seal")
    world = World(kept.database, forger)
    await sealed(world)
    assert found(await verified(world, CHANGES)) is None
    assert found(await verified(kept, CHANGES)) == (Fault.KEY_UNKNOWN, 1, None)
    await tampered(kept, "DELETE FROM log_key")
    assert found(await verified(kept, CHANGES)) == (Fault.KEY_UNKNOWN, 1, None)


async def test_whoever_forges_a_key_of_before_breaks_the_chain(kept: World) -> None:
    """The last seal is signed by the key that is trusted, and names the digest of the one before."""
    forger, key = World(kept.database, rekeyed(kept.vault, keeps=False)), kept.vault.signing[0]["kid"]
    last = "number = 2 AND log = 'changes'"
    await tampered(
        kept, f"CREATE TABLE aside AS SELECT * FROM log_seal WHERE {last}", f"DELETE FROM log_seal WHERE {last}"
    )
    await tampered(kept, "DELETE FROM log_seal", "UPDATE change SET season = 1 WHERE id = 2")
    async with kept.database.transaction() as session:
        rows = (await session.rows(CHANGES.next, xact_id="0", change_id=0))[:5]
        listed, digest = entry.packed([one.row for one in rows])
        through = rows[-1].row.position
        made = entry.SealEntry(log="changes", number=1, at=NOW, before=None, through=through, rows=5, listed=digest)
        signed = made.signed(forger.vault.signing[0])
    async with kept.database.transaction() as session:
        await session.run(
            sealing.PUT, log="changes", number=1, now=NOW, listed=listed, signed=signed, **through.values()
        )
    await tampered(kept, "INSERT INTO log_seal TABLE aside", "DROP TABLE aside")
    assert key in await kept.one("SELECT string_agg(kid, ' ') FROM log_key")
    assert found(await verified(kept, CHANGES)) == (Fault.KEY_UNKNOWN, 1, None)
    public = {**entry.public(forger.vault.signing[0])}
    await kept.run(
        "INSERT INTO log_key (kid, key, since) VALUES (:kid, :key, now())",
        kid=public["kid"],
        key=json.dumps(public),
    )
    assert found(await verified(kept, CHANGES)) == (Fault.SEAL_CHANGED, 2, None)


async def test_verifying_may_begin_at_a_seal(kept: World) -> None:
    await tampered(kept, "UPDATE change SET season = 1 WHERE id = 2")
    one = await verified(kept, CHANGES, start=2)
    assert (one.finding, one.seals, one.rows, one.head) == (None, 1, 5, 2)
    assert found(await verified(kept, CHANGES, start=4)) == (Fault.SEAL_MISSING, 3, None)


async def test_rows_that_are_not_sealed_are_counted_and_prove_nothing(kept: World) -> None:
    await told(kept, None, None)
    one = await verified(kept, CHANGES)
    assert (one.finding, one.rows, one.unsealed) == (None, 10, 2)


def test_a_position_is_that_of_the_feed() -> None:
    assert sealing.SealHead(1, NOW, 5, 7, "").through == Position(5, 7)
