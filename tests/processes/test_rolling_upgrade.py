"""The next version is rolled out beside this one, which stays ready, is restarted, and says when it cannot go on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pemudik_client import Pemudik

from app import migration
from app.config import CHECKOUT
from tests.patience import PATIENCE_SECONDS
from tests.servers import Place, Server, place_in
from tests.world import nik_of

NEXT = "9000"
ADDS_A_COLUMN = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{NEXT}", "{migration.newest()}", None, None


def upgrade():
    op.add_column("registrant", sa.Column("luggage", sa.Text()))


def downgrade():
    op.drop_column("registrant", "luggage")
"""
SAVE_ROUTE = """mutation { saveRoutes(inputs: [{name: "Tanpa kuota", direction: MUDIK, origin: "monas",
    destination: "tirtonadi"}]) { ... on Route { id } ... on Problem { code } } }"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("upgrade") / "home"


@pytest.fixture(scope="module")
def this(servers_url: str, home: Path) -> Iterator[Place]:
    with place_in(home, servers_url) as place:
        yield place


@pytest.fixture(scope="module")
def next_one(this: Place, home: Path) -> Iterator[Place]:
    """This version with one migration more."""
    checkout = home.parent / "next"
    for folder in ("app", "migrations", "docs/panduan", "sdk"):
        shutil.copytree(CHECKOUT / folder, checkout / folder)
    (checkout / f"migrations/versions/{NEXT}_luggage.py").write_text(ADDS_A_COLUMN)
    with place_in(home, this.database_url, demo=False, checkout=checkout) as place:
        yield place


def told(place: Place, *words: str) -> tuple[int, str]:
    environment = {**os.environ, "DATABASE_URL": str(place.database_url), "PEMUDIK_HOME": str(place.home)}
    command = [sys.executable, "-m", "app.cli", *words]
    run = subprocess.run(command, cwd=place.checkout, env=environment, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def ready(server: Server) -> tuple[int, Any]:
    answer = httpx.get(f"{server.url}/readyz", timeout=PATIENCE_SECONDS, trust_env=False)
    return answer.status_code, answer.json().get("reason")


def test_this_version_goes_on_beside_the_next(this: Place, next_one: Place, home: Path) -> None:
    old = this.serve()
    demo = json.loads((home / "demo-credentials.json").read_bytes())
    [client] = [(one["client_id"], one["secret"]) for one in demo if one["organizer"] == "dishub-dki"]
    with Pemudik(old.url, *client) as through_old:
        route = through_old.execute(SAVE_ROUTE)["saveRoutes"][0]["id"]
    assert told(next_one, "migrate") == (0, f"The database is at {NEXT}, the newest migration.\n")
    new = next_one.serve()
    assert ready(old) == ready(new) == (200, None)

    old.end()
    this.demo = False
    old = this.serve()
    numbers = iter(range(8_000, 8_100))
    with Pemudik(old.url, *client) as through_old, Pemudik(new.url, *client) as through_new:
        for one, other in ((through_old, through_new), (through_new, through_old)) * 5:
            who = {"nik": nik_of(next(numbers)), "name": "Warga Contoh"}
            person: Any = {**who, "identityDocument": "KTP", "routeId": route}
            submitted = one.submit_registrant(person)
            found = other.registrant({"id": submitted["registrant"]["id"]})
            assert found is not None
            assert other.submit_registrant(person)["replayed"] is True

    code, doctor = told(this, "doctor")
    assert (code, f"At {NEXT}, of a newer version; this one ({migration.newest()}) may go on." in doctor) == (0, True)
    assert told(this, "migrate") == (0, f"The database is at {NEXT}, of a newer version: there is nothing to do.\n")

    contract(next_one)
    assert ready(old) == (503, "migrations_pending")
    assert ready(new) == (200, None)
    code, said = told(this, "serve")
    assert (code, f"Programs of migration {NEXT} and later can use it" in said) == (1, True)


def contract(place: Place) -> None:
    """As the version after that will: it says that this one cannot go on any more."""
    module = place.checkout / "app/migration.py"
    text, times = re.subn(r'^SERVES_FROM = "\d{4}"$', f'SERVES_FROM = "{NEXT}"', module.read_text(), flags=re.MULTILINE)
    assert times == 1
    module.write_text(text)
    assert told(place, "migrate")[0] == 0
