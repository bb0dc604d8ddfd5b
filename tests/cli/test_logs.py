"""`pemudik log verify`: what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from app.changes.seals import entry
from app.config import Settings
from app.db import Database
from app.vault.vault import Vault, open_vault
from tests import world as worlds
from tests.changes.seals.ground import MINUTE, sealed, tampered, told
from tests.cli.conftest import Pemudik
from tests.world import NOW, World


@pytest.fixture
def vault(home: Path, pemudik: Pemudik) -> Vault:
    return open_vault(Settings(home=home), create=True)


@pytest.fixture
def at(database_url: str, vault: Vault) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Runs work in the world that the command sees."""

    def run(work: Callable[[World], Awaitable[None]]) -> None:
        async def go() -> None:
            database = Database(database_url)
            try:
                await work(World(database, vault))
            finally:
                await database.dispose()

        asyncio.run(go())

    return run


@pytest.fixture
def kept(at: Callable[..., None]) -> None:
    """Four rows in each log, the last of them not sealed."""

    async def make(world: World) -> None:
        await worlds.build(world.database, world.vault)
        await told(world, "satu", None)
        await sealed(world)
        await told(world, None)
        await sealed(world, NOW + MINUTE)
        await told(world, None)

    at(make)


def test_what_is_as_it_was(pemudik: Pemudik, kept: None) -> None:
    heads, changes, access, listed = pemudik("log", "verify").stdout.splitlines()
    assert heads.split("  ")[0] == "log"
    assert [line.split()[:6] for line in (changes, access, listed)] == [
        ["changes", "2", "3", "0", "0", "1"],
        ["access", "2", "3", "0", "0", "1"],
        ["reads", "2", "3", "0", "0", "1"],
    ]
    found = json.loads(pemudik("log", "verify", "--log", "access", "--json").stdout)
    assert [(one["log"], one["head"], one["finding"]) for one in found] == [("access", 2, None)]
    number, _, digest = changes.split()[6].partition(":")
    seal = f"changes:{number}:{digest}"
    assert pemudik("log", "verify", "--log", "changes", "--seal", seal, "--from", "2").stdout.splitlines()[1:] == [
        changes.replace("2  ", "1  ", 1).replace(" 3 ", " 1 ", 1)
    ]


MOVED = "UPDATE people_read SET people = ARRAY[gen_random_uuid()] WHERE id = 1"
"""Somebody read another person."""


def test_the_first_row_that_is_wrong(pemudik: Pemudik, kept: None, at: Callable[..., None]) -> None:
    async def change(world: World) -> None:
        await tampered(world, "UPDATE change SET season = 1 WHERE id = 2", "DELETE FROM nik_access WHERE id = 3", MOVED)

    at(change)
    said = pemudik("log", "verify", code=3).stdout.splitlines()
    assert said[4].startswith("changes: the row was changed (seal 1, row 2 of transaction ")
    assert said[5].startswith("access: the row was left out (seal 2, row 3 of transaction ")
    assert said[5].endswith(", month 2026-03).")
    assert said[6].startswith("reads: the row was changed (seal 1, row 1 of transaction ")
    [found] = json.loads(pemudik("log", "verify", "--log", "access", "--json", code=3).stdout)
    assert (found["finding"]["fault"], found["finding"]["row"]["id"]) == ("left out", 3)


PUT_IN = """INSERT INTO nik_access (xact_id, id, at, client_id, organizer_code, purpose) OVERRIDING SYSTEM VALUE
    SELECT xact_id, 999, at, client_id, organizer_code, purpose FROM nik_access WHERE id = 1"""


def test_a_row_that_was_put_in(pemudik: Pemudik, kept: None, at: Callable[..., None]) -> None:
    at(lambda world: tampered(world, PUT_IN))
    said = pemudik("log", "verify", "--log", "access", code=3).stdout.splitlines()
    assert said[-1].startswith("access: the row was put in (seal 2, row 999 of transaction ")
    [found] = json.loads(pemudik("log", "verify", "--log", "access", "--json", code=3).stdout)
    assert (found["finding"]["fault"], found["finding"]["row"]["id"]) == ("put in", 999)


def test_a_seal_that_was_noted_down_elsewhere(pemudik: Pemudik, kept: None) -> None:
    said = pemudik("log", "verify", "--seal", "access:2:00ff", code=3).stdout
    assert said.endswith("access: the seal was changed, or another key signed it (seal 2).\n")
    said = pemudik("log", "verify", "--seal", "access:9:00ff", code=3).stdout
    assert said.endswith("access: the seal is missing (seal 9).\n")
    for wrong in ("access:9", "orang:1:00", "access:x:00"):
        said = pemudik("log", "verify", "--seal", wrong, code=1).stderr
        assert said == f"pemudik: A seal is LOG:NUMBER:DIGEST, such as changes:41:9f86d081…; this is none: {wrong}\n"


def test_a_seal_before_the_first_one_that_is_read_is_not_called_missing(pemudik: Pemudik, kept: None) -> None:
    said = pemudik("log", "verify", "--from", "2", "--seal", "access:1:00ff", code=1).stderr
    assert said == "pemudik: Seal 1 is not read from seal 2 on: leave --from out.\n"


def test_keys_of_another_place(pemudik: Pemudik, kept: None, vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [entry.public(vault.signing[0])]}))
    pemudik("log", "verify", "--keys", str(file))
    file.write_text(json.dumps({"keys": []}))
    said = pemudik("log", "verify", "--keys", str(file), code=3).stdout
    assert "changes: the seal was signed by a key that is not known (seal 2)." in said
    file.write_text("{}")
    said = pemudik("log", "verify", "--keys", str(file), code=1).stderr
    assert said == f"pemudik: {file} is no JWK Set with a kid for each key.\n"
