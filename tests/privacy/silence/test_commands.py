"""Commands that fail: what they say is often kept as well."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from app import cli
from app.config import Settings
from app.vault.vault import open_vault
from tests import world as worlds
from tests.privacy.silence.asking import IMPOSSIBLE, RAISING, UNREADABLE, renamed
from tests.privacy.silence.house import House
from tests.world import someone


class Pemudik:
    """Commands on the house's database, and all that they say."""

    def __init__(self, house: House) -> None:
        self.house = house

    def __call__(self, *words: str, given: str | None = None, code: int = 1) -> str:
        result = CliRunner().invoke(cli.app, list(words), input=given)
        assert result.exit_code == code, result.output
        assert self.house.everybody.told_by(result.output) == []
        return result.output


@pytest.fixture
def pemudik(house: House, monkeypatch: pytest.MonkeyPatch) -> Pemudik:
    monkeypatch.setenv("DATABASE_URL", house.url)
    monkeypatch.setenv("PEMUDIK_HOME", str(house.place.home))
    return Pemudik(house)


def test_commands_that_are_given_a_nik_where_none_belongs(house: House, pemudik: Pemudik, tmp_path: Path) -> None:
    nik = house.everybody.another("commands").nik
    for words, code in (
        ((nik,), 2),
        (("privacy", "export", nik), 2),
        (("privacy", "reads", nik, "--since", nik, "--until", "2026-01-01"), 2),
        (("season", "load", str(tmp_path / nik)), 1),
        (("season", "close", nik), 1),
        (("organizer", "save", nik), 1),
        (("organizer", "save", "djka", "--coordinator", nik), 1),
        (("organizer", "save", "djka", "--verify-within", nik), 1),
        (("organizer", "list", "--season", nik), 1),
        (("client", "issue", nik, "--scope", "nik:check"), 1),
        (("client", "issue", "djka", "--scope", nik), 1),
        (("client", "issue", "djka", "--scope", "nik:check", "--checks", nik), 1),
        (("client", "issue", "djka", "--scope", "nik:check", "--public-keys", str(tmp_path / nik)), 1),
        (("client", "rotate", nik), 1),
        (("client", "revoke", nik), 1),
        (("keys", "rotate", nik), 2),
        (("serve", "--port", nik), 2),
    ):
        assert pemudik(*words, code=code), words


def test_commands_that_read_what_is_no_nik(house: House, pemudik: Pemudik, tmp_path: Path) -> None:
    one = house.everybody.another("what commands read")
    for given in (one.nik[:15], f"{one.nik}1", one.name, f"{one.nik} {one.name}"):
        assert "NIK_INVALID" in pemudik("privacy", "export", given=f"{given}\n")
    columns = "code,name,registration_opens,registration_closes,verification_opens,verification_closes"
    table = tmp_path / "season.csv"
    for row in (
        f"{one.name},{one.nik},2026-01-01,,,",
        f"djka,DJKA,{one.nik},{one.name},,",
        f"djka,DJKA,2026-01-01,2026-02-01,{one.dashed},{one.name}",
        f"data_nik,data_pemesan\n{one.nik},{one.name}",
        f'djka,"{one.name},2026-01-01\n{one.nik}',
    ):
        table.write_text(f"{columns}\n{row}\n" if "data_nik" not in row else row)
        assert pemudik("season", "load", str(table), "--json")
        assert pemudik("season", "load", str(table))


COMMANDS = {
    "sweep": (IMPOSSIBLE, ["sweep"]),
    "keys rotate": (UNREADABLE, ["keys", "rotate"]),
    "privacy export": (renamed("nik_access"), ["privacy", "export"]),
    "privacy export of what cannot be opened": (UNREADABLE, ["privacy", "export"]),
    "privacy reads": (
        renamed("registrant", "nik_sealed"),
        ["privacy", "reads", "djka", "--since", "2020-01-01", "--until", "2099-01-01"],
    ),
    "doctor": (
        (
            "UPDATE registrant SET nik_sealed = '\\x09' || nik_sealed",
            "UPDATE registrant SET nik_sealed = substr(nik_sealed, 2)",
        ),
        ["doctor"],
    ),
    "demo": (RAISING, ["demo"]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_whose_database_is_broken(house: House, pemudik: Pemudik, command: str) -> None:
    """The way home is forfeited now, if only it could be."""
    one = house.everybody.another(command)
    (breaking, mending), words = COMMANDS[command]

    async def prepare() -> None:
        async with house.database() as database:
            world = worlds.World(database, open_vault(Settings().model_copy(update={"home": house.place.home})))
            route = UUID(house.routes["home"])
            record = await world.registered(someone(worlds.DJKA, route, nik=one.nik, name=one.name))
            await world.run("UPDATE registrant SET verify_by = now() WHERE id = :id", id=record.id)

    async def execute(statements: str) -> None:
        async with house.operator() as operator:
            await operator.execute(statements)

    asyncio.run(prepare())
    asyncio.run(execute(breaking))
    try:
        assert pemudik(*words, given=f"{one.nik}\n")
    finally:
        asyncio.run(execute(mending))
