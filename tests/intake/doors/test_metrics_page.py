"""Who may read the metrics, what stands in them after a storm of hostile requests, and without a database."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from pydantic import SecretStr
from starlette.applications import Starlette

from app.config import Settings
from app.db import Database
from app.intake.doors import metrics_page as scraping
from app.main import create_app
from app.vault import keys
from app.vault.vault import open_vault
from tests import queries
from tests import world as worlds
from tests.graphql.conftest import Api
from tests.metrics.conftest import fresh
from tests.registry.rows.records import record
from tests.world import World, nik_of, someone

pytestmark = pytest.mark.anyio

TOKEN = "a-token-of-sixteen-or-more"
NIK = nik_of(7)
NAME = "Wiraguna"
CHECK = "query ($nik: NIK!) { checkNik(nik: $nik) { outcome } }"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    fresh()
    yield
    fresh()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    keys.create_key_file(tmp_path / "keys.json")
    given = {"home": tmp_path, "database_url": SecretStr(database_url), "metrics_token": SecretStr(TOKEN)}
    return Settings().model_copy(update=given | {"public_url": "http://registry"})


@pytest.fixture
async def world(database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    return await worlds.build(database, open_vault(settings))


@pytest.fixture
async def api(settings: Settings, world: World) -> AsyncIterator[Api]:
    application = create_app(settings.model_copy(update={"duties": False}))
    async with application.router.lifespan_context(application), client(application) as http:
        yield Api(http, world.database)


def client(application: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://registry")


async def scraped(http: httpx.AsyncClient) -> Samples:
    answer = await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


def total(samples: Samples, name: str, **labels: str) -> float:
    return sum(value for (found, given), value in samples.items() if found == name and labels.items() <= set(given))


async def test_nobody_reads_them_by_default(api: Api) -> None:
    everyday = await api.token("djka")
    for authorization, status in (
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer ", 400),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {everyday}", 403),
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await api.http.get("/metrics", headers=headers)
        assert answer.status_code == status, authorization
        assert "pemudik_" not in answer.text
    answer = await api.http.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_without_the_setting_no_token_of_its_own_is_good(settings: Settings, world: World) -> None:
    without = create_app(settings.model_copy(update={"metrics_token": None}))
    async with client(without) as http:
        for token in ("", "None", TOKEN):
            answer = await http.get("/metrics", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in {400, 401}
    with pytest.raises(ValueError, match="at least 16"):
        Settings(metrics_token=SecretStr(""))


async def test_a_client_with_dashboard_read_reads_them_as_the_holder_of_the_token_does(api: Api) -> None:
    token = await api.token("hubdat", ("dashboard:read",))
    answer = await api.http.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert "pemudik_database_up 1.0" in answer.text
    assert 'pemudik_import_jobs{state="QUEUED"} 0.0' in answer.text


async def test_requests_verdicts_and_batches(api: Api, world: World) -> None:
    route_id = await world.route(organizer="djka")
    await world.accepted(someone(worlds.DJKA, route_id, 1))
    submit = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) { __typename } }"""
    person = {"name": "Rekaan", "routeId": str(route_id), "identityDocument": "KTP"}
    await api.token("djka")
    before = await scraped(api.http)
    for number, times in ((1, 2), (2, 1)):
        for _ in range(times):
            await api.data(CHECK, {"nik": nik_of(number)}, organizer="djka")
    await api.data("query ($n: [NIK!]!) { checkNiks(niks: $n) { outcome } }", {"n": [nik_of(1), "1"]}, organizer="djka")
    for number in (1, 3, 3):
        await api.data(submit, {"input": {**person, "nik": nik_of(number)}}, organizer="djka")
    await api.data(submit, {"input": {**person, "nik": "1"}}, organizer="djka")
    await api.data("{ me { id } organizers { code } }", organizer="djka")
    after = await scraped(api.http)

    def more(name: str, **labels: str) -> float:
        return total(after, name, **labels) - total(before, name, **labels)

    assert more("pemudik_requests_total", operation="checkNik", status="200", outcome="ok") == 3
    assert more("pemudik_request_seconds_count", operation="checkNik", route="/graphql") == 3
    assert more("pemudik_requests_total", operation="several", outcome="ok") == 1
    assert more("pemudik_verdicts_total", of="nik_check", code="REGISTERED", organizer="djka") == 3
    assert more("pemudik_verdicts_total", of="nik_check", code="AVAILABLE", organizer="djka") == 1
    assert more("pemudik_verdicts_total", of="nik_check", code="NIK_INVALID", organizer="djka") == 1
    assert more("pemudik_verdicts_total", of="submission", code="REPLAYED") == 2
    assert more("pemudik_verdicts_total", of="submission", code="ACCEPTED") == 1
    assert more("pemudik_verdicts_total", of="submission", code="NIK_INVALID") == 1
    assert more("pemudik_batch_size_sum", of="checks") == 3
    assert more("pemudik_batch_size_sum", of="submissions") == 4
    assert total(after, "pemudik_batch_waiting") == 0
    assert total(after, "pemudik_pool_connections_max") == 16


async def test_records_by_webhook_and_nik_checks_by_the_old_scheme(api: Api, world: World) -> None:
    await world.route()
    headers = {"Authorization": f"Bearer {await api.token('hubdat')}"}
    for content in (record(1), [record(1), record(2), record(3, data_nik="1")]):
        answer = await api.http.post("/webhook/pemudik", json=content, headers=headers)
        assert answer.status_code == 200, answer.text
    assert (await api.http.post("/webhook/pemudik", json=[], headers=headers)).status_code == 400
    assert (await api.http.post("/legacy/cek-nik", json={"nik": nik_of(1)}, headers=headers)).status_code == 200
    samples = await scraped(api.http)
    for code, times in {"NEW": 2, "UNCHANGED": 1, "NIK_INVALID": 1}.items():
        assert total(samples, "pemudik_verdicts_total", of="row", code=code, organizer="hubdat") == times
    assert total(samples, "pemudik_batch_size_sum", of="pushes") == 1
    for code, times in {"REGISTERED": 1, "AVAILABLE": 0}.items():
        assert total(samples, "pemudik_verdicts_total", of="nik_check", code=code, organizer="hubdat") == times
    requests = {
        (dict(labels)["operation"], dict(labels)["outcome"]): value
        for (name, labels), value in samples.items()
        if name == "pemudik_requests_total"
    }
    assert requests == {("-", "ok"): 1, ("webhook", "ok"): 2, ("webhook", "NO_RECORDS"): 1, ("legacy", "ok"): 1}


async def test_refusals_have_their_codes(api: Api, world: World) -> None:
    await world.run("UPDATE client SET check_capacity = 1")
    token = await api.token("djka")
    await world.run("UPDATE check_budget SET tokens = 0")
    before = await scraped(api.http)
    answers = [
        await api.post(CHECK, {"nik": NIK}, organizer="djka"),
        await api.post("{ blocks { nodes { id } } }", organizer="djka"),
        await api.post("{ nothing }", organizer="djka"),
        await api.post(content=b"[]", organizer="djka", headers={"Content-Type": "application/json"}),
        await api.http.post("/graphql", json={}, headers={"Authorization": f"Bearer {token}x"}),
        await api.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("djka-nobody", "x")),
        await api.http.post("/oauth/token", data={"grant_type": "password"}),
        await api.http.get(f"/{NIK}"),
    ]
    assert [answer.status_code for answer in answers] == [429, 403, 400, 400, 401, 401, 400, 404]
    after = await scraped(api.http)
    new = {
        (labels["route"], labels["operation"], labels["status"], labels["outcome"])
        for (name, given), value in after.items()
        if name == "pemudik_requests_total" and value > before.get((name, given), 0)
        for labels in [dict(given)]
    }
    assert new == {
        ("/graphql", "checkNik", "429", "TOO_MANY_CHECKS"),
        ("/graphql", "blocks", "403", "INSUFFICIENT_SCOPE"),
        ("/graphql", "-", "400", "GRAPHQL_VALIDATION_FAILED"),
        ("/graphql", "-", "400", "BAD_REQUEST"),
        ("/graphql", "-", "401", "INVALID_TOKEN"),
        ("/oauth/token", "-", "401", "invalid_client"),
        ("/oauth/token", "-", "400", "unsupported_grant_type"),
        ("-", "-", "404", "-"),
        ("/metrics", "metrics", "200", "ok"),
    }
    assert total(after, "pemudik_verdicts_total", of="nik_check", code="TOO_MANY_CHECKS", organizer="djka") == 1


async def test_labels_are_bounded_and_name_nobody(api: Api, world: World) -> None:
    """Whatever a client may choose, with somebody's NIK and name in it."""
    token = await api.token("djka")
    headers = ("X-Request-ID", "User-Agent", "Cookie", "Accept-Language", "Traceparent", "Referer", "X-Nik")
    for number in range(40):
        nik, name = nik_of(number), f"{NAME}{chr(97 + number % 26)}"
        for operation in (
            f"query n{nik} {{ me {{ id }} }}",
            f"query {name} {{ {name}: me {{ {name}: id }} }}",
            f"{{ {name} }}",
            f'{{ checkNik(nik: "{nik}") {{ outcome }} }}',
            f'{{ n{nik}: checkNik(nik: "{name}") {{ outcome }} }}',
        ):
            await api.post(operation, organizer="djka", headers=dict.fromkeys(headers, nik))
        await api.post("{ me { id } }", organizer="djka", body={"operationName": name})
        await api.post("{ me { id } }", organizer="djka", headers={"Host": nik, "Accept": f"text/{name}"})
        for path in (f"/{nik}", f"/graphql/{name}", f"/metrics/{nik}", f"/{name}?nik={nik}", f"/oauth/{nik}"):
            for method in ("GET", name.upper()):
                await api.http.request(method, path, headers={"Authorization": f"Bearer {nik}"})
        for path in ("/webhook/pemudik", "/legacy/cek-nik", "/import", f"/consolidation/{nik}"):
            for content in ({"nik": nik, name: nik}, [{"data_nik": name, "data_pemesan": nik, "source": name}], nik):
                sent = {"Authorization": f"Bearer {token}", "Idempotency-Key": nik, "webhook-id": name}
                await api.http.post(path, json=content, headers=sent)
        form = {"grant_type": nik, "scope": name, "client_id": nik, "client_secret": name}
        await api.http.post("/oauth/token", data=form)
        await api.http.post("/oauth/token", data={**form, "grant_type": "client_credentials"})
    samples = await scraped(api.http)
    labels: dict[str, set[str]] = {}
    for _, given in samples:
        for name, value in given:
            labels.setdefault(name, set()).add(value)
    assert NAME.lower() not in str(samples).lower()
    assert re.search(r"\d{10}", str(sorted(labels.items()))) is None
    assert labels["operation"] == {"me", "checkNik", "webhook", "legacy", "import", "-"}
    doors = {"/graphql", "/oauth/token", "/webhook/pemudik", "/legacy/cek-nik", "/import", "/consolidation/{date}"}
    assert labels["route"] == {*doors, "-"}
    assert len(labels["outcome"]) < 20
    assert labels["organizer"] == {"djka"}
    assert len(samples) < 1_000


async def test_without_its_database_a_process_still_tells_its_own(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": SecretStr("postgresql://a:b@127.0.0.1:1/c")})
    async with client(create_app(away)) as http:
        samples = await scraped(http)
        assert samples["pemudik_database_up", frozenset()] == 0
        assert samples["pemudik_workers", frozenset()] == 1
        assert total(samples, "pemudik_database_unavailable_total", reason="away") == 1
        assert not [name for name, _ in samples if name.startswith("pemudik_projection")]
        # Whose token it is, only the database knows.
        assert (await http.get("/metrics", headers={"Authorization": "Bearer x"})).status_code == 401


async def test_a_database_that_does_not_answer_is_not_waited_for(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.database.transaction() as session:
        await queries.run(session, "LOCK TABLE import_job IN ACCESS EXCLUSIVE MODE")
        with monkeypatch.context() as impatient:
            impatient.setattr(scraping, "DATABASE_WITHIN_SECONDS", 0.2)
            samples = await scraped(api.http)
    assert samples["pemudik_database_up", frozenset()] == 0
    assert (await scraped(api.http))["pemudik_database_up", frozenset()] == 1


async def test_a_database_that_is_not_migrated_is_told_of_as_down(api: Api, world: World) -> None:
    await world.run("ALTER TABLE import_job RENAME TO gone")
    try:
        samples = await scraped(api.http)
    finally:
        await world.run("ALTER TABLE gone RENAME TO import_job")
    assert samples["pemudik_database_up", frozenset()] == 0
