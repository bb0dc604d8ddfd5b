"""A server of two workers with test mode, the live registry of a demo, and test clients of two organizers."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from tests.databases import list_of_test_registries, migrated_database
from tests.servers import Place, Server, place_in
from tests.testmode.partner import Partner


@pytest.fixture(scope="session")
def list_url(database_url: str) -> Iterator[str]:
    with list_of_test_registries(database_url, has_template=True) as url:
        yield url


@pytest.fixture(scope="session")
def servers_url(database_url: str) -> Iterator[str]:
    """One server for all tests of this folder: whoever changes a test registry resets it first."""
    with migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, servers_url: str) -> Iterator[Place]:
    with place_in(tmp_path_factory.mktemp("uji") / "home", servers_url) as place:
        yield place


@pytest.fixture(scope="session")
def server(place: Place, list_url: str) -> Server:
    told = {"PEMUDIK_UJI_DATABASE_URL": list_url, "PEMUDIK_WEBHOOKS_TO_PRIVATE": "true"}
    return place.serve("--workers", "2", "--with-test", **told)


def live_partner(place: Place, server: Server, organizer: str) -> Partner:
    kept = orjson.loads((place.home / "demo-credentials.json").read_bytes())
    [one] = [one for one in kept if one["organizer"] == organizer]
    return Partner(server.url, organizer, one["client_id"], one["secret"]).signs_in()


@pytest.fixture(scope="session")
def hubdat(place: Place, server: Server) -> Partner:
    """Of the live registry."""
    return live_partner(place, server, "hubdat")


@pytest.fixture(scope="session")
def live(place: Place, server: Server) -> Partner:
    return live_partner(place, server, "dishub-dki")


def test_partner(server: Server, hubdat: Partner, organizer: str) -> Partner:
    answer = hubdat.sends("POST", f"/uji/{organizer}/klien", headers=hubdat.headers)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return Partner(told["issuer"], organizer, told["clientId"], told["clientSecret"]).signs_in()


test_partner.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def dki(server: Server, hubdat: Partner) -> Partner:
    return test_partner(server, hubdat, "dishub-dki")


@pytest.fixture(scope="session")
def ahm(server: Server, hubdat: Partner) -> Partner:
    return test_partner(server, hubdat, "ahm")
