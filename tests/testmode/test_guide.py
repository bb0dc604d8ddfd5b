"""What the guide says of test mode, executed as it is written there, and its examples once more in a test registry."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pemudik_client.assertions import public_keys

from app.config import CHECKOUT
from tests.guide import is_said, refusals, steps
from tests.patience import PATIENCE_SECONDS
from tests.sdk.fourteen import ISSUE, MAKES_A_KEY, ROWS, SAID
from tests.sdk.others.conftest import needs
from tests.servers import NOT_OF_A_SERVER, Place, Server
from tests.testmode.partner import Partner

BETWEEN = "<<<>>>"
PEMUDIK = ".venv/bin/pemudik"
REGISTERED_ELSEWHERE = {
    "3171030505909009": "3171030101909901",
    "AHM (Honda)": "Dinas Perhubungan Provinsi Contoh (uji)",
}
"""What is said of `make run` in one example, and what is so in a test registry."""
HELD = REGISTERED_ELSEWHERE["3171030505909009"]


@pytest.fixture(autouse=True)
def reset(dki: Partner) -> None:
    dki.resets()


def told(partner: Partner) -> dict[str, str]:
    return {"PEMUDIK_CLIENT_ID": partner.client_id, "PEMUDIK_CLIENT_SECRET": partner.secret}


def run(command: list[str], environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


@pytest.fixture
def here(server: Server) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_proxy")}
    return {name: value for name, value in kept.items() if name not in NOT_OF_A_SERVER} | {"PEMUDIK": server.url}


def test_a_test_client_is_issued_in_either_way(
    place: Place, list_url: str, hubdat: Partner, here: dict[str, str], tmp_path: Path
) -> None:
    (made_by, _), (posted, answer), (command, _), _ = steps("sh uji")
    assert made_by == "make run\n"
    assert "run: $(READY)\n\t@exec $(BIN)/pemudik serve --demo" in (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    said = run(["sh", "-euc", posted], {**here, "TOKEN": hubdat.token}, tmp_path)
    assert is_said(answer, said), said
    assert place.database_url is not None
    of_server = {
        "PEMUDIK_HOME": str(place.home),
        "DATABASE_URL": place.database_url,
        "PEMUDIK_UJI_DATABASE_URL": list_url,
    }
    words = command.removeprefix(f"{PEMUDIK} ").split()
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        env=here | of_server,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    client_id, secret = (line.split()[1] for line in done.stdout.splitlines())
    issued = Partner(f"{here['PEMUDIK']}/uji/dishub-dki", "dishub-dki", client_id, secret)
    assert issued.signs_in().ask("{ me { organizer { code } } }") == {"me": {"organizer": {"code": "dishub-dki"}}}


def test_commands_answer_the_same_in_a_test_registry(
    live: Partner, dki: Partner, here: dict[str, str], tmp_path: Path
) -> None:
    """The examples, by whoever has exported what the page about test mode says."""
    *_, (moving, answer) = steps("sh uji")
    moving = moving.replace("ID-KLIEN", dki.client_id).replace("RAHASIA", dki.secret)
    before, again = steps("sh", ["prasyarat"]), steps("sh", ["prasyarat"])[-1:]
    examples = [step for step in steps("sh", ["teknis", "contoh"]) if "$AHM_ID" not in step[0]]
    commands = [*before, (moving, answer), *again, *examples]
    for word, meant in REGISTERED_ELSEWHERE.items():
        commands = [(text.replace(word, meant), below.replace(word, meant)) for text, below in commands]
    script = "\n".join(f"{text}\nprintf '\\n{BETWEEN}\\n'" for text, _ in commands)
    printed = {"DISHUB_DKI_ID": live.client_id, "DISHUB_DKI_SECRET": live.secret}
    answers = run(["sh", "-euc", script], here | printed, tmp_path).split(f"\n{BETWEEN}\n")
    for (text, below), said in zip(commands, answers[: len(commands)], strict=True):
        assert is_said(below, said), (text, said)


def test_the_client_for_php_is_given_the_address_of_the_test_registry(
    dki: Partner, here: dict[str, str], tmp_path: Path
) -> None:
    [(program, _)] = steps("php uji")
    command = [needs("php", "the guide"), "-d", f"include_path={CHECKOUT / 'sdk' / 'php'}", "-r", program]
    assert run(command, here | told(dki) | {"PEMUDIK": dki.base}, tmp_path) == "AVAILABLE\n"


def test_the_examples_of_the_clients_run_in_a_test_registry(dki: Partner, here: dict[str, str], tmp_path: Path) -> None:
    """In that of PHP; those of the others do the same. What differs from the live registry is what the guide says."""
    php, key = needs("php", "the guide"), tmp_path / "private.pem"
    subprocess.run([*MAKES_A_KEY, str(key)], check=True, capture_output=True)
    signing = dki.ask(ISSUE, keys=public_keys(key.read_text(encoding="utf-8")))["issueClient"]["client"]["id"]
    exported = dict(re.findall(r"(\w+)=(\S+)", steps("sh", ["teknis"])[-1][0]))
    environment = here | told(dki) | exported | {"PEMUDIK": dki.base, "NIK_OF_ANOTHER": HELD, "LIST": "daftar.csv"}
    environment |= {"ROUTE": dki.route(), "RETURN_ROUTE": dki.route("BALIK")}
    environment |= {"SIGNING_CLIENT_ID": signing, "PRIVATE_KEY": str(key)}
    said = {}
    for name in SAID:
        if name == "import_file":
            exporting = dki.sends("GET", "/export.csv", headers=dki.headers)
            (tmp_path / "daftar.csv").write_bytes(b"".join(exporting.content.splitlines(keepends=True)[: ROWS + 1]))
        said[name] = run([php, str(CHECKOUT / f"sdk/php/examples/{name}.php")], environment, tmp_path).splitlines()
    departures = said["posko"][3:6]
    assert [one.startswith("Keberangkatan rute ini baru dapat dicatat mulai ") for one in departures] == [True] * 3
    refused = ["NOT_A_TEST_NIK 195", "QUOTA_FULL 1", "REGISTRATION_CLOSED 1", "NIK_INVALID 2"]
    assert said == {
        **SAID,
        "refusal": [f"NIK_ALREADY_REGISTERED {REGISTERED_ELSEWHERE['AHM (Honda)']}"],
        "submit_registrants": ["accepted 802", *refused],
        "posko": [*["VERIFIED"] * 3, *departures, "CANCELLED"],
    }


def test_the_clock_moves_and_the_registry_begins_anew_by_the_documents_of_the_guide(dki: Partner) -> None:
    (move, _), (begin, _) = steps("graphql uji")
    at = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)
    moved = datetime.fromisoformat(dki.ask(move, at=at.isoformat())["testNow"]["now"])
    assert moved - at < timedelta(seconds=PATIENCE_SECONDS)
    begun = dki.ask(begin)["resetTest"]
    assert (begun["organizer"], datetime.fromisoformat(begun["now"]) < at) == ("dishub-dki", True)


def test_every_wish_is_answered_in_a_test_registry_once_its_clock_has_moved(dki: Partner) -> None:
    """A person departs: from 24 hours before the departure on."""
    (move, _), _ = steps("graphql uji")
    route = dki.ask("query ($id: ID!) { route(id: $id) { departsAt } }", id=dki.route())["route"]
    hours_before = datetime.fromisoformat(route["departsAt"]) - timedelta(hours=12)
    for text, below in steps("graphql", ["rest-ke-graphql"]):
        variables = json.loads(below.replace("ID-RUTE", dki.route()))
        if "departRegistrant" in text:
            assert dki.ask(text, **variables)["departRegistrant"]["code"] == "DEPARTURE_NOT_BEGUN"
            dki.ask(move, at=hours_before.isoformat())
        answer = dki.ask(text, **variables)
        assert refusals(answer) == [], (text, answer)
    assert answer["departRegistrant"]["status"] == "DEPARTED"
