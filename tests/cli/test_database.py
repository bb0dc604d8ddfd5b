from __future__ import annotations

import json

import pytest

from app import migration
from tests.cli.conftest import Pemudik
from tests.databases import own_database


def test_migrating_twice_says_where_it_is(pemudik: Pemudik, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_database(database_url) as blank:
        monkeypatch.setenv("DATABASE_URL", blank)
        first, second = pemudik("migrate"), pemudik("migrate")
    assert first.output == second.output == f"The database is at {migration.newest()}, the newest migration.\n"


def test_sweeping_an_empty_registry_does_nothing(pemudik: Pemudik) -> None:
    assert pemudik("sweep").output == "0 forfeited, 0 marked as no-show, 0 seasons purged.\n"
    assert json.loads(pemudik("sweep", "--json").output) == {
        "forfeited": 0,
        "no_shows": 0,
        "prolonged": 0,
        "seasons_purged": 0,
    }


def test_the_demo_is_made_once(pemudik: Pemudik) -> None:
    first = pemudik("demo").output
    assert first.startswith("Season 20")
    assert "registrants" in first
    assert pemudik("demo").output.endswith("is there already; its windows are open.\n")
    again = json.loads(pemudik("demo", "--json").output)
    assert (again["registrants"], len(again["organizers"])) == (0, 11)
    # What is sealed is sealed anew by a rotation, and opened by the new key.
    assert pemudik("keys", "rotate").output.endswith("records were sealed anew; everything is under data key 2.\n")
    assert "good   sealed data" in pemudik("doctor").output
