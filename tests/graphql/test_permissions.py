"""Who may ask for what: a request that asks for one field too many runs none, and gets the answer of RFC 6750."""

from __future__ import annotations

import httpx
import pytest

from app.config import Settings
from tests.graphql.conftest import Api
from tests.graphql.test_schema import SCOPES
from tests.world import World

pytestmark = pytest.mark.anyio

REF = '(ref: { id: "x" })'
CALLS = {
    "checkNik": 'query { checkNik(nik: "x") { outcome } }',
    "checkNiks": "query { checkNiks(niks: []) { outcome } }",
    "registrant": f"query {{ registrant{REF} {{ id }} }}",
    "registrants": "query { registrants { nodes { id } } }",
    "statistics": "query { statistics { duplicates } }",
    "changes": "query { changes { nodes { kind } } }",
    "endOfChanges": "query { endOfChanges }",
    "consolidation": 'query { consolidation(date: "2026-03-02") { date } }',
    "importJob": 'query { importJob(id: "x") { id } }',
    "importJobs": "query { importJobs { nodes { id } } }",
    "importRows": 'query { importRows(jobId: "x") { nodes { row } } }',
    "webhooks": "query { webhooks { id } }",
    "cases": "query { cases { nodes { id } } }",
    "seasons": "query { seasons { year } }",
    "clients": "query { clients { id } }",
    "blocks": "query { blocks { nodes { id } } }",
    "releases": "query { releases { nodes { id } } }",
    "adminChanges": "query { adminChanges { nodes { at } } }",
    "casePeople": 'query { casePeople(id: "x") { holds } }',
    "nikAccesses": 'query { nikAccesses(nik: "x") { at } }',
    "heldOnNik": 'query { heldOnNik(nik: "x", purpose: "x") { blocks { since } } }',
    "submitRegistrant": (
        'mutation { submitRegistrant(input: { nik: "x", name: "x", routeId: "x", identityDocument: KTP })'
        " { __typename } }"
    ),
    "submitRegistrants": "mutation { submitRegistrants(inputs: []) { __typename } }",
    "verifyRegistrant": f"mutation {{ verifyRegistrant{REF} {{ __typename }} }}",
    "verifyRegistrants": "mutation { verifyRegistrants(refs: []) { __typename } }",
    "departRegistrant": 'mutation { departRegistrant(ref: { id: "x" }, healthy: true) { __typename } }',
    "departRegistrants": "mutation { departRegistrants(refs: [], healthy: true) { __typename } }",
    "cancelRegistrant": 'mutation { cancelRegistrant(ref: { id: "x" }, reason: "x") { __typename } }',
    "correctRegistrant": 'mutation { correctRegistrant(ref: { id: "x" }, input: { reason: "x" }) { __typename } }',
    "handOverMotorcycle": f"mutation {{ handOverMotorcycle{REF} {{ __typename }} }}",
    "importRegistrants": "mutation ($file: Upload!) { importRegistrants(file: $file) { id } }",
    "importAsTried": 'mutation { importAsTried(jobId: "x") { id } }',
    "cancelMissing": 'mutation { cancelMissing(jobId: "x") { id } }',
    "saveWebhook": 'mutation { saveWebhook(input: { url: "x", events: [] }) { __typename } }',
    "rotateWebhookSecret": 'mutation { rotateWebhookSecret(id: "x") { __typename } }',
    "testWebhook": 'mutation { testWebhook(id: "x") { __typename } }',
    "redeliverWebhook": 'mutation { redeliverWebhook(id: "x") { __typename } }',
    "deleteWebhook": 'mutation { deleteWebhook(id: "x") { __typename } }',
    "saveTerminals": "mutation { saveTerminals(inputs: []) { __typename } }",
    "saveRoutes": "mutation { saveRoutes(inputs: []) { __typename } }",
    "releaseQuota": 'mutation { releaseQuota(routeId: "x", seats: 1) { __typename } }',
    "mergeRoute": 'mutation { mergeRoute(provisional: "x", into: "x") { __typename } }',
    "mergeTerminal": 'mutation { mergeTerminal(provisional: "x", into: "x") { __typename } }',
    "saveOrganizer": 'mutation { saveOrganizer(input: { code: "x", name: "X" }) { __typename } }',
    "saveWindow": (
        'mutation { saveWindow(input: { organizer: "x", opensAt: "2026-03-01T00:00:00Z" }) { __typename } }'
    ),
    "issueClient": 'mutation { issueClient(organizer: "x", scopes: []) { secret } }',
    "rotateClientSecret": 'mutation { rotateClientSecret(id: "x") { secret } }',
    "issueWebhookSecret": 'mutation { issueWebhookSecret(clientId: "x") { secret } }',
    "revokeClient": 'mutation { revokeClient(id: "x") { id } }',
    "blockNik": 'mutation { blockNik(nik: "x", reason: "x") { __typename } }',
    "liftNikBlock": 'mutation { liftNikBlock(nik: "x", reason: "x") { __typename } }',
    "liftBlock": 'mutation { liftBlock(id: "x", reason: "x") { __typename } }',
    "decideCase": 'mutation { decideCase(id: "x", state: CONFIRMED, reason: "x") { __typename } }',
    "moveRegistrant": 'mutation { moveRegistrant(ref: { id: "x" }, routeId: "x") { __typename } }',
    "moveRegistrants": "mutation { moveRegistrants(inputs: []) { __typename } }",
    "releaseQuotaDaily": (
        'mutation { releaseQuotaDaily(routeId: "x", seats: 1, at: "08:00", from: "2026-03-01", to: "2026-03-02")'
        " { __typename } }"
    ),
    "holdSeats": 'mutation { holdSeats(routeId: "x") { __typename } }',
    "giveBackSeats": 'mutation { giveBackSeats(hold: "x") { __typename } }',
    "cancelRelease": 'mutation { cancelRelease(id: "x") { __typename } }',
    "withdrawWindow": 'mutation { withdrawWindow(id: "x", reason: "x") { __typename } }',
    "booking": '{ booking(reference: "x") { people } }',
    "submitBooking": 'mutation { submitBooking(input: { reference: "x", registrants: [] }) { __typename } }',
    "verifyBooking": 'mutation { verifyBooking(reference: "x") { __typename } }',
    "departBooking": 'mutation { departBooking(reference: "x", healthy: true) { __typename } }',
    "cancelBooking": 'mutation { cancelBooking(reference: "x", reason: "x") { __typename } }',
    "allowSweep": (
        'mutation { allowSweep(organizer: "x", ends: NO_SHOW, until: "2026-03-01T00:00:00Z", reason: "x")'
        " { __typename } }"
    ),
    "sweepHalts": "{ sweepHalts { people } }",
    "pulse": "{ pulse { now { answers } } }",
    "attention": "{ attention { failingWebhooks } }",
    "reopenRegistrant": 'mutation { reopenRegistrant(ref: { id: "x" }, reason: "x") { __typename } }',
    "reopenRegistrants": 'mutation { reopenRegistrants(where: { routeId: "x" }, reason: "x") { __typename } }',
    "publishFigures": 'mutation { publishFigures(season: 2026, on: true, reason: "x") { year } }',
    "setNikAllowance": 'mutation { setNikAllowance(organizer: "x", reason: "x") { __typename } }',
    "eraseRegistrant": 'mutation { eraseRegistrant(ref: { id: "x" }, reason: "x") { __typename } }',
}
WITH_A_FILE = {"importRegistrants"}
"""These come as a form: `test_imports` sends them."""
TABLES = (
    "registrant",
    "route",
    "terminal",
    "organizer",
    "client",
    "nik_block",
    "nik_access",
    "change",
    "policy",
    "webhook",
    "import_job",
)
EVERY_SCOPE = {scope for alternatives in SCOPES.values() for scopes in alternatives for scope in scopes}


def forbidden(answer: httpx.Response, scopes: str) -> None:
    assert answer.status_code == 403
    assert answer.json() == {
        "errors": [
            {
                "message": (
                    "Token akses ini tidak memiliki izin (scope) yang diperlukan; izinnya disebut di WWW-Authenticate"
                ),
                "extensions": {"code": "INSUFFICIENT_SCOPE"},
            }
        ]
    }
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="pemudik", error="insufficient_scope", error_description="The access token lacks a scope.",'
        f' scope="{scopes}"'
    )


def test_every_field_with_a_scope_is_tried() -> None:
    assert CALLS.keys() == {name for name, alternatives in SCOPES.items() if alternatives}


@pytest.mark.parametrize("name", CALLS)
async def test_without_the_scope_nothing_runs(api: Api, world: World, name: str) -> None:
    alternatives = SCOPES[name]
    others = tuple(sorted(EVERY_SCOPE - {scope for scopes in alternatives for scope in scopes}))
    await api.token("hubdat", others)
    async with world.unchanged(*TABLES):
        forbidden(await api.post(CALLS[name], scopes=others), alternatives[0][0])


@pytest.mark.parametrize("name", sorted(CALLS.keys() - WITH_A_FILE))
async def test_with_just_the_scope_it_runs(api: Api, name: str) -> None:
    for alternative in SCOPES[name]:
        assert (await api.post(CALLS[name], scopes=alternative)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        '{ me { id } checkNik(nik: "3201010101909001") { outcome } }',
        "{ me { id } ...F } fragment F on Query { c: cases { nodes { id } } }",
        "{ ... on Query { ... { cases { nodes { id } } } } }",
        "query($no: Boolean = false) { me { id } cases @include(if: $no) { nodes { id } } }",
    ],
)
async def test_one_field_too_many_forbids_the_request(api: Api, world: World, query: str) -> None:
    await api.token("djka", ("routes:write",))
    async with world.unchanged("nik_access", "check_budget"):
        assert (await api.post(query, organizer="djka", scopes=("routes:write",))).status_code == 403


async def test_only_the_operation_that_is_executed_counts(api: Api) -> None:
    query = "query Mine { me { id } } query Theirs { cases { nodes { id } } }"
    scopes = ("routes:write",)
    answer = await api.post(query, body={"operationName": "Mine"}, organizer="djka", scopes=scopes)
    assert answer.status_code == 200
    answer = await api.post(query, body={"operationName": "Theirs"}, organizer="djka", scopes=scopes)
    forbidden(answer, "registrants:read")


async def test_without_a_token_nothing_is_answered(api: Api) -> None:
    for query in ("{ __typename }", "{ _service { sdl } }", "{ __schema { types { name } } }", "{"):
        answer = await api.http.post("/graphql", json={"query": query})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="pemudik"')
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}


async def test_a_bad_token_is_told_so(api: Api) -> None:
    answer = await api.http.post("/graphql", json={"query": "{ __typename }"}, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID_TOKEN"}


async def test_two_tokens_are_malformed(api: Api) -> None:
    token = await api.token()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    answer = await api.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "INVALID_REQUEST"}


async def test_every_client_may_look_at_the_catalogue(api: Api, world: World) -> None:
    route = await world.route()
    data = await api.data(
        f"""{{ organizer(code: "hubdat") {{ name }} organizers {{ code }} terminal(code: "giwangan") {{ city }}
        terminals(city: "Solo") {{ code }} route(id: "{route}") {{ name }} routes {{ nodes {{ id }} }} }}""",
        organizer="djka",
        scopes=("nik:check",),
    )
    assert data == {
        "organizer": {"name": "HUBDAT"},
        "organizers": [{"code": code} for code in ("bumn-satu", "dishub-dki", "djka", "hubdat", "jasa-raharja")],
        "terminal": {"city": "Kota Yogyakarta"},
        "terminals": data["terminals"],
        "route": {"name": "Jakarta - Solo"},
        "routes": {"nodes": [{"id": str(route)}]},
    }


async def test_a_client_learns_what_it_is(api: Api) -> None:
    data = await api.data(
        "{ me { id scopes organizer { code } budget { capacity remaining refillPerSecond } } }", organizer="djka"
    )
    assert data["me"].pop("id").startswith("djka-")
    assert data["me"] == {
        "scopes": ["nik:check", "registrants:read", "registrants:write", "routes:write"],
        "organizer": {"code": "djka"},
        "budget": {"capacity": 5000, "remaining": 5000, "refillPerSecond": 100},
    }


TO_THE_SCHEMA = (
    "{ __schema { types { name } } }",
    '{ __type(name: "Query") { name } }',
    "{ _service { sdl } }",
    "{ me { scopes } ...more } fragment more on Query { ... { hidden: __schema { types { name } } } }",
)


@pytest.mark.parametrize("query", TO_THE_SCHEMA)
async def test_the_schema_is_told_to_gateways_and_hubdat(api: Api, query: str) -> None:
    for scopes in (("federation:read",), ("dashboard:read",), ("hubdat:admin",)):
        organizer = "djka" if scopes == ("federation:read",) else "hubdat"
        assert (await api.post(query, organizer=organizer, scopes=scopes)).json()["data"]
    answer = await api.post(query, organizer="djka", headers={"Accept-Language": "en"})
    assert answer.status_code == 403
    assert 'scope="federation:read"' in answer.headers["www-authenticate"]
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "INSUFFICIENT_SCOPE"}
    assert error["message"] == (
        "The schema is told to gateways alone; read schema.graphql, which comes with the registry, or ask Ditjen Hubdat"
        " for a client with federation:read"
    )


async def test_the_name_of_a_type_is_no_schema(api: Api) -> None:
    assert await api.data("{ __typename me { __typename } }", organizer="djka")


@pytest.mark.parametrize("settings", [Settings(open_schema=True)], ids=["open"])
@pytest.mark.parametrize("query", TO_THE_SCHEMA)
async def test_a_demo_tells_everybody(api: Api, query: str) -> None:
    assert (await api.post(query, organizer="djka")).json()["data"]
