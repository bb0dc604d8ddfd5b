"""`pemudik staff`, `pemudik sign-in-link`: who may sign in, and the links."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Pemudik


def test_somebody_is_added_gets_a_link_and_is_removed(pemudik: Pemudik, table: Path) -> None:
    pemudik("season", "load", str(table))
    added = pemudik("staff", "add", " Sari@Dishub.example ", "--organizer", "dishub-dki", "--role", "posko")
    assert added.stdout == "sari@dishub.example may sign in as posko of dishub-dki.\n"
    pemudik("staff", "add", "budi@hubdat.example", "--role", "operator")

    first, second = json.loads(pemudik("staff", "list", "--json").stdout)
    assert (first["email"], first["organizer"], first["role"]) == ("sari@dishub.example", "dishub-dki", "posko")
    assert (second["email"], second["organizer"], second["role"]) == ("budi@hubdat.example", "hubdat", "operator")
    assert first["id"].startswith("staff-")
    assert pemudik("staff", "list").stdout.splitlines()[1].split()[:3] == [
        "sari@dishub.example",
        "dishub-dki",
        "posko",
    ]
    assert json.loads(pemudik("client", "list", "--json").stdout) == []
    for command in (("client", "rotate"), ("client", "revoke"), ("client", "webhook-secret")):
        assert "(NOT_FOUND)" in pemudik(*command, first["id"], code=1).stderr

    link = pemudik("sign-in-link", "SARI@dishub.example")
    address, token = link.stdout.strip().split("#")
    assert address == "http://127.0.0.1:8000/masuk"
    assert len(token) == 43
    assert link.stderr == "It is good once, for 15 minutes.\n"

    removed = pemudik("staff", "remove", "sari@dishub.example")
    assert removed.stdout == "sari@dishub.example may not sign in any more.\n"
    assert [one["email"] for one in json.loads(pemudik("staff", "list", "--json").stdout)] == ["budi@hubdat.example"]
    (once,) = [one for one in json.loads(pemudik("staff", "list", "--all", "--json").stdout) if one["removed_at"]]
    assert (once["id"], once["email"]) == (first["id"], "sari@dishub.example")
    for words in ("staff remove", "sign-in-link"):
        refused = pemudik(*words.split(), "sari@dishub.example", code=1)
        assert (
            refused.stderr
            == "pemudik: Such a person in the list of staff was not found; check what you sent. (NOT_FOUND)\n"
        )
    pemudik("staff", "add", "sari@dishub.example", "--organizer", "dishub-dki", "--role", "organizer")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("sari@dishub.example", "--organizer", "nobody", "--role", "posko"), "NOT_FOUND"),
        (("sari@dishub.example", "--organizer", "dishub-dki", "--role", "boss"), "INVALID_VALUE"),
        (("sari@dishub.example", "--organizer", "dishub-dki", "--role", "operator"), "INVALID_VALUE"),
        (("sari@dishub.example", "--organizer", "dishub-dki", "--role", "viewer"), "INVALID_VALUE"),
        (("sari", "--organizer", "dishub-dki", "--role", "posko"), "INVALID_VALUE"),
        (("sari@dishub.example, budi@dishub.example", "--organizer", "dishub-dki", "--role", "posko"), "INVALID_VALUE"),
        (("budi@hubdat.example", "--organizer", "dishub-dki", "--role", "posko"), "INVALID_VALUE"),
    ],
)
def test_whoever_cannot_be_added_is_not(pemudik: Pemudik, table: Path, words: tuple[str, ...], code: str) -> None:
    pemudik("season", "load", str(table))
    pemudik("staff", "add", "budi@hubdat.example", "--role", "viewer")
    refused = pemudik("staff", "add", *words, code=1)
    assert refused.stderr.endswith(f"({code})\n")
    assert len(json.loads(pemudik("staff", "list", "--json").stdout)) == 1


@pytest.mark.parametrize("command", ["staff remove", "sign-in-link"])
def test_whoever_is_no_address_is_nobody(pemudik: Pemudik, command: str) -> None:
    assert "(INVALID_VALUE)" in pemudik(*command.split(), "sari", code=1).stderr
