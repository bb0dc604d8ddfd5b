from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import cli
from app.config import Settings
from app.db import Database
from app.registry.niks import reads
from app.registry.niks.reads import Read
from app.vault.vault import open_vault
from tests import world as worlds
from tests.cli.conftest import Pemudik
from tests.world import DJKA, HUBDAT, World, nik_of, someone


@pytest.fixture
def registered(pemudik: Pemudik, home: Path, database_url: str) -> str:
    """One person registered with hubdat, and checked by nobody. Answers the NIK."""

    async def make() -> None:
        database = Database(database_url)
        world: World = await worlds.build(database, open_vault(Settings(home=home)))
        await world.registered(someone(HUBDAT, await world.route("Jakarta - Solo")))
        await database.dispose()

    asyncio.run(make())
    return nik_of(1)


def test_all_that_is_held_on_a_nik_is_exported_to_its_owner(pemudik: Pemudik, registered: str) -> None:
    result = CliRunner().invoke(cli.app, ["privacy", "export"], input=f"{registered}\n")
    assert result.exit_code == 0
    held = json.loads(result.stdout)
    assert [(one["nik"], one["name"], one["status"]) for one in held["registrants"]] == [
        (registered, "Warga Contoh", "REGISTERED")
    ]
    assert (held["blocks"], [one["purpose"] for one in held["accesses"]]) == ([], ["SUBMISSION"])


def test_a_wrong_nik_is_refused_without_an_echo(pemudik: Pemudik, registered: str) -> None:
    result = CliRunner().invoke(cli.app, ["privacy", "export"], input="3201\n")
    assert result.exit_code == 1
    assert "3201" not in result.output
    assert result.stderr.endswith("(NIK_INVALID)\n")


def test_what_a_client_read_is_listed_masked(pemudik: Pemudik, registered: str) -> None:
    CliRunner().invoke(cli.app, ["privacy", "export"], input=f"{registered}\n")
    words = ["privacy", "reads", "pemudik", "--since", "2020-01-01", "--until", "2100-01-01"]
    (read,) = json.loads(pemudik(*words, "--json").stdout)
    assert (read["what"], read["exact"], read["people"]) == ("EXPORT", True, [f"************{registered[-4:]}"])
    heads, line = pemudik(*words).stdout.splitlines()
    assert heads.split() == ["at", "what", "people", "nik"]
    assert line.split()[1:] == ["EXPORT", "1", f"************{registered[-4:]}"]
    assert pemudik("privacy", "reads", "another", *words[3:], "--json").stdout == "[]\n"


def test_a_list_that_a_client_read_is_one_line(pemudik: Pemudik, home: Path, database_url: str) -> None:
    async def make() -> None:
        database = Database(database_url)
        world: World = await worlds.build(database, open_vault(Settings(home=home)))
        route = await world.route()
        ids = [(await world.registered(someone(HUBDAT, route, number))).id for number in (1, 2, 3)]
        for people in (ids[:2], [ids[0], ids[2]]):
            async with database.transaction() as session:
                named = dict.fromkeys(people, "hubdat")
                told = Read(caller=DJKA, what="/export", people=named, asked={"season": 2026}, is_slice=True)
                await reads.record(session, told, worlds.NOW)
        await database.dispose()

    asyncio.run(make())
    words = ["privacy", "reads", "djka-test", "--since", "2020-01-01", "--until", "2100-01-01"]
    exact, bounded = json.loads(pemudik(*words, "--json").stdout)
    assert (exact["asked"], exact["count"], exact["exact"], len(exact["people"])) == ({"season": 2026}, 2, True, 2)
    assert (bounded["count"], bounded["exact"], len(bounded["people"])) == (2, False, 3)
    assert [line.split()[1:] for line in pemudik(*words).stdout.splitlines()[1:]] == [
        ["/export", "2", "…"],
        ["/export", "2", "of", "at", "most", "3", "…"],
    ]
