"""A real server with its demo, for requests that are made from the registry's own descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from hypothesis import settings

from tests.databases import list_of_test_registries, migrated_database
from tests.patience import PATIENCE_SECONDS
from tests.servers import Server, place_in

SEEDS, SEEDS_BY_NIGHT = 1, 5
UNTRACED = {"COVERAGE_PROCESS_CONFIG": ""}
"""A server that coverage does not trace: other tests cover what these requests reach, and tracing made them take
four times as long."""


@dataclass(frozen=True)
class Described:
    server: Server
    headers: dict[str, str] = field(repr=False)
    """Of Hubdat's client, which may do everything."""


@pytest.fixture(scope="package")
def described(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    home = tmp_path_factory.mktemp("openapi") / "home"
    with (
        list_of_test_registries(database_url) as list_url,
        migrated_database(database_url) as url,
        place_in(home, url) as place,
    ):
        server = place.serve(PEMUDIK_LOG_FORMAT="json", PEMUDIK_UJI_DATABASE_URL=list_url, **UNTRACED)
        demo = json.loads((home / "demo-credentials.json").read_bytes())
        [client] = [(one["client_id"], one["secret"]) for one in demo if one["organizer"] == "hubdat"]
        form = {"grant_type": "client_credentials"}
        answer = httpx.post(f"{server.url}/oauth/token", data=form, auth=client, timeout=PATIENCE_SECONDS)
        yield Described(server, {"Authorization": f"Bearer {answer.json()['access_token']}"})


@pytest.fixture
def seeds(pytestconfig: pytest.Config) -> list[int]:
    """One, and always the same; by night five of which nobody knows before."""
    first = pytestconfig.getoption("hypothesis_seed", None)
    count = SEEDS_BY_NIGHT if settings.get_current_profile_name() == "nightly" else SEEDS
    return [int(first) + number if str(first).isdigit() else number for number in range(count)]
