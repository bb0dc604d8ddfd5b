"""Nothing of a test registry reaches the live one, or another test registry: no row, token, secret or cursor."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import jsonschema_rs
import orjson
import pytest
from sqlmodel import SQLModel

import app.models.tables  # noqa: F401 - fills the metadata
from tests.intake.doors.test_extremes import TEXTS
from tests.patience import PATIENCE_SECONDS
from tests.servers import Place, Server
from tests.testmode.partner import NAME, Partner

MOVING = {"pulse", "heartbeat", "projection_state", "access_seal", "change_seal", "reminder_round"}
"""What servers write by themselves."""
LAST_TOKEN = {"client": "last_used_at"}
"""A column that a token of the live registry writes as well."""
BULK = """
    mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) { __typename } }
"""
CHANGES = "query ($after: String) { changes(first: 1, after: $after) { pageInfo { endCursor } } }"
ROUTES = "query ($after: String) { routes(first: 1, after: $after) { pageInfo { endCursor } } }"
FAMILIES = 1_000


def niks_of(count: int) -> list[str]:
    """Of adults and children: ten serials of each of many dates of birth."""
    days = (date(1980, 1, 1) + timedelta(days=97 * number) for number in range(count // 10))
    return [f"317103{day:%d%m%y}{9000 + serial}" for day in days for serial in range(10)]


async def digests(url: str) -> dict[str, Any]:
    """Of every row of every table."""
    connection = await asyncpg.connect(url)
    try:
        tables = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in MOVING]
        digest = "md5(coalesce(string_agg(whole, ',' ORDER BY whole), ''))"
        told = f"SELECT count(*), {digest} FROM (SELECT {{1}} AS whole FROM {{0}}) a"
        rows = {table: f"{table}::text" for table in tables}
        rows |= {table: f"(to_jsonb({table}) - '{column}')::text" for table, column in LAST_TOKEN.items()}
        return {table: (await connection.fetch(told.format(table, row)))[0] for table, row in rows.items()}
    finally:
        await connection.close()


def test_a_thousand_submissions_change_no_row_of_the_live_database(dki: Partner, servers_url: str) -> None:
    before = asyncio.run(digests(servers_url))
    route = dki.route()
    inputs = [{"nik": nik, "name": NAME, "routeId": route, "identityDocument": "KTP"} for nik in niks_of(FAMILIES)]
    verdicts = dki.ask(BULK, inputs=inputs)["submitRegistrants"]
    assert [one["__typename"] for one in verdicts] == ["Submission"] * FAMILIES
    assert asyncio.run(digests(servers_url)) == before
    assert before["registrant"][0] > 0
    assert before["client"][0] > 0


def test_ids_and_answers_say_that_they_are_of_test_mode(dki: Partner, live: Partner) -> None:
    assert dki.client_id.startswith("uji-")
    assert dki.post("{ me { client } }").headers["pemudik-mode"] == "uji"
    assert "pemudik-mode" not in live.post("{ me { client } }").headers
    metadata = dki.sends("GET", "/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == dki.base
    assert claims_of(dki.token)["iss"] == dki.base
    assert claims_of(live.token)["iss"] == live.base


def claims_of(token: str) -> Any:
    """As whoever gets it can read them."""
    part = token.split(".")[1]
    return orjson.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(scope="module", params=["live and test", "test and live", "two test registries"])
def pair(request: pytest.FixtureRequest, live: Partner, dki: Partner, ahm: Partner) -> tuple[Partner, Partner]:
    """Whose things are shown to whom."""
    return {"live and test": (live, dki), "test and live": (dki, live)}.get(request.param, (dki, ahm))


def test_no_token_or_secret_of_the_other_is_taken(pair: tuple[Partner, Partner]) -> None:
    ours, theirs = pair
    strange = Partner(theirs.base, theirs.organizer, ours.client_id, ours.secret, ours.token)
    assert strange.post("{ me { client } }").status_code == 401
    assert strange.asks_for_token().json()["error"] == "invalid_client"
    keys = {one["kid"] for partner in pair for one in partner.sends("GET", "/oauth/jwks.json").json()["keys"]}
    assert len(keys) == 2


@pytest.mark.parametrize("query", [CHANGES, ROUTES], ids=["changes", "routes"])
def test_no_cursor_of_the_other_is_taken(query: str, pair: tuple[Partner, Partner]) -> None:
    ours, theirs = pair
    [page] = ours.ask(query).values()
    told = theirs.post(query, after=page["pageInfo"]["endCursor"]).json()
    assert told["errors"][0]["extensions"]["code"] in {"INVALID_CURSOR", "CURSOR_LOST"}


def test_two_test_registries_are_independent(dki: Partner, ahm: Partner) -> None:
    ahm.resets()
    nik = "3171031212129001"
    assert dki.submits(nik)["registrant"]["status"] == "REGISTERED"
    assert ahm.submits(nik)["registrant"]["status"] == "REGISTERED"
    dki.resets()
    assert dki.statuses() == []
    assert ahm.statuses() == ["REGISTERED"]


def test_a_subscription_tells_of_its_own_test_registry_alone(dki: Partner, ahm: Partner) -> None:
    query = "subscription { changes { registrant { nik } } }"
    headers = {**dki.headers, "Accept": "text/event-stream"}
    with httpx.stream(
        "POST", f"{dki.base}/graphql", json={"query": query}, headers=headers, timeout=PATIENCE_SECONDS
    ) as stream:
        assert stream.headers["pemudik-mode"] == "uji"
        ahm.submits("3171030707079001")
        dki.submits("3171030707079002")
        told = [line for line, _ in zip(stream.iter_lines(), range(4), strict=False)]
    assert "3171030707079002" in told[-1], told


def test_a_stream_from_before_a_reset_is_told_to_come_again(dki: Partner) -> None:
    headers = {**dki.headers, "Accept": "text/event-stream"}
    query = {"query": "subscription { changes { cursor } }"}
    with httpx.stream("POST", f"{dki.base}/graphql", json=query, headers=headers, timeout=PATIENCE_SECONDS) as stream:
        dki.resets()
        told = [*stream.iter_lines()]
    assert "RESTARTING" in "\n".join(told)


def test_the_live_registry_has_no_mutation_of_test_mode(live: Partner, hubdat: Partner) -> None:
    for partner in (live, hubdat):
        told = partner.post("mutation { resetTest { organizer } }").json()
        assert told["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_whoever_may_issue_clients_issues_test_clients_of_its_own_organizer(live: Partner, hubdat: Partner) -> None:
    assert live.sends("POST", "/uji/dishub-dki/klien", headers=live.headers).status_code == 403
    assert live.sends("POST", "/uji/dishub-dki/klien").status_code == 401
    assert hubdat.sends("POST", "/uji/tidak-ada/klien", headers=hubdat.headers).status_code == 404


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_no_organizer_that_may_be_named_there_is_a_bug(text: str, hubdat: Partner) -> None:
    answer = hubdat.sends("POST", f"/uji/{quote(text, safe='')}/klien", headers=hubdat.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_it_takes_one_method_and_no_parameter(hubdat: Partner) -> None:
    refused = hubdat.sends("GET", "/uji/dishub-dki/klien", headers=hubdat.headers)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    refused = hubdat.sends("POST", "/uji/dishub-dki/klien?ulang=1", headers=hubdat.headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_REQUEST")


def test_its_answer_is_described(dki: Partner, hubdat: Partner) -> None:
    described = hubdat.sends("GET", "/openapi.json").json()
    operation = described["paths"]["/uji/{organizer}/klien"]["post"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    answer = hubdat.sends("POST", f"/uji/{dki.organizer}/klien", headers=hubdat.headers)
    jsonschema_rs.validate({**schema, "components": described["components"]}, answer.json())
    of_test = dki.sends("GET", "/openapi.json").json()
    assert of_test["paths"].keys() == described["paths"].keys() - {"/uji/{organizer}/klien"}


def test_an_organizer_without_a_test_client_has_no_test_registry(server: Server, live: Partner) -> None:
    for path in ("/uji/djka/graphql", "/uji/tidak-ada/graphql", "/uji/", "/uji/..%2f", "/uji/A/graphql"):
        answer = live.sends("POST", path, headers=live.headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND"), path
    assert "Traceback" not in server.said


def test_the_list_of_test_registries_is_never_a_live_database(place: Place, servers_url: str) -> None:
    from tests.testmode import serving

    told = serving.refused(place, servers_url, "serve", "--with-test", PEMUDIK_UJI_DATABASE_URL=servers_url)
    assert "names the database of the live registry" in told
    assert "set PEMUDIK_UJI_DATABASE_URL" in serving.refused(place, servers_url, "serve", "--with-test")
    told = serving.refused(
        place,
        servers_url,
        "client",
        "issue",
        "ahm",
        "--test",
        PEMUDIK_UJI_DATABASE_URL=f"{servers_url}&sslmode=disable",
    )
    assert "names the database of a live registry" in told
    assert "At /uji/ahm of the server." in told


def test_no_figure_of_the_live_registry_counts_what_is_done_in_test_mode(dki: Partner, hubdat: Partner) -> None:
    def counted(operation: str) -> list[str]:
        page = hubdat.sends("GET", "/metrics", headers=hubdat.headers)
        assert page.status_code == 200, page.text
        lines = page.text.splitlines()
        return [one for one in lines if one.startswith("pemudik_requests_total{") and f'"{operation}"' in one]

    before = counted("submitRegistrant")
    dki.submits(niks_of(10)[0])
    assert counted("submitRegistrant") == before
    assert counted("test_client")
