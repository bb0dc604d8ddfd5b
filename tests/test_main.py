"""The composition: readiness, merged calls, the sweeper and a gentle end."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from app import main, migration
from app.cli.command import require_migrated
from app.config import Settings
from app.db import Database
from app.errors import NikInvalid
from app.migration import Level
from app.process import build_process
from app.registry import sweep
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.niks.check import Answer, Check
from app.registry.registrants.submission import Accepted
from app.vault import keys
from app.vault.vault import Vault
from app.version import VERSION
from tests import queries
from tests.patience import PATIENCE_SECONDS
from tests.world import DKI, HUBDAT, NOW, build, nik_of, someone

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    keys.create_key_file(tmp_path / "keys.json")
    given = {"home": tmp_path, "database_url": SecretStr(database_url), "port": 8123, "pool_size": 4}
    return Settings().model_copy(update=given)


@pytest.fixture
async def client(settings: Settings, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    application = main.create_app(settings)
    transport = httpx.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://registry") as client,
    ):
        yield client


async def test_it_lives_and_is_ready(client: httpx.AsyncClient) -> None:
    alive, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"alive": True})
    assert (ready.status_code, ready.json()) == (200, {"ready": True})


@asynccontextmanager
async def migrated_to(database: Database, revision: str, serves_from: str | None) -> AsyncIterator[None]:
    """As another version of the program has left it."""

    async def be(revision: str, serves_from: str | None) -> None:
        async with database.transaction() as session:
            await queries.run(session, f"UPDATE alembic_version SET version_num = '{revision}'")
            comment = "NULL" if serves_from is None else f"'{serves_from}'"
            await queries.run(session, f"COMMENT ON TABLE alembic_version IS {comment}")

    before = await migration.level(database)
    await be(revision, serves_from)
    try:
        yield
    finally:
        await be(str(before.current), before.serves_from)


@pytest.mark.parametrize(
    ("revision", "serves_from"),
    [
        pytest.param("0000", "0000", id="behind"),
        pytest.param("9999", "9998", id="so far ahead that what we need may be gone"),
        pytest.param("9999", None, id="ahead, and it does not say for whom"),
        pytest.param("cafe", "0000", id="of another program"),
    ],
)
async def test_it_is_not_ready_where_it_cannot_go_on(
    client: httpx.AsyncClient, database: Database, revision: str, serves_from: str | None
) -> None:
    async with migrated_to(database, revision, serves_from):
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reason": "migrations_pending"})
    assert answer.headers["retry-after"] == "1"


async def test_it_goes_on_while_the_next_version_is_rolled_out(client: httpx.AsyncClient, database: Database) -> None:
    """Its database is migrated before servers of the next version start, and those of this one are restarted."""
    async with migrated_to(database, "9999", migration.newest()):
        answer = await client.get("/readyz")
        await require_migrated(database)
        await migration.upgrade(database)
        assert await migration.level(database) == Level("9999", migration.newest())
    assert (answer.status_code, answer.json()) == (200, {"ready": True})


async def test_it_is_not_ready_while_its_database_is_read_only(settings: Settings, database: Database) -> None:
    name = str(settings.database_url and settings.database_url.get_secret_value()).rpartition("/")[2].partition("?")[0]
    async with database.transaction() as session:
        await queries.run(session, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    application = main.create_app(settings.model_copy(update={"duties": False}))
    transport = httpx.ASGITransport(application)
    try:
        async with (
            application.router.lifespan_context(application),
            httpx.AsyncClient(transport=transport, base_url="http://registry") as client,
        ):
            answer = await client.get("/readyz")
    finally:
        async with database.transaction() as session:
            await queries.run(session, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reason": "database_cannot_write"})


async def test_it_is_not_ready_while_its_database_cannot_write(
    client: httpx.AsyncClient, database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: a check writes its access, and the answer says when to come again."""
    monkeypatch.setattr("app.db.REMEMBERED_FOR_SECONDS", PATIENCE_SECONDS)
    await build(database, vault)
    async with database.transaction() as session:
        issued = await clients.issue(session, Caller(None, "hubdat"), "hubdat", ["nik:check"], None, NOW, own=None)
        await queries.run(
            session,
            """CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$""",
        )
        await queries.run(session, "CREATE TRIGGER full_disk BEFORE INSERT ON nik_access EXECUTE FUNCTION full_disk()")
    try:
        assert isinstance(issued, clients.Issued)
        assert issued.secret is not None
        basic = issued.client.id, issued.secret
        token = (await client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=basic)).json()
        query = {"query": f'{{ checkNik(nik: "{nik_of(1)}") {{ outcome }} }}'}
        answer = await client.post("/graphql", json=query, headers={"Authorization": f"Bearer {token['access_token']}"})
        ready = await client.get("/readyz")
    finally:
        async with database.transaction() as session:
            await queries.run(session, "DROP FUNCTION full_disk CASCADE")
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    assert (ready.status_code, ready.json()) == (503, {"ready": False, "reason": "database_cannot_write"})


async def test_it_is_not_ready_without_its_database(settings: Settings) -> None:
    away = settings.model_copy(update={"database_url": SecretStr("postgresql://a:b@127.0.0.1:1/c")})
    transport = httpx.ASGITransport(main.create_app(away))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        answer = await client.get("/readyz")
        assert (await client.get("/healthz")).status_code == 200
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "reason": "database_unreachable"})


async def test_the_issuer_is_what_clients_call_us(client: httpx.AsyncClient, settings: Settings) -> None:
    metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == "http://127.0.0.1:8123"
    public = settings.model_copy(update={"public_url": "https://pemudik.example/"})
    assert public.issuer == "https://pemudik.example"


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", "/tidak-ada", 404, "NOT_FOUND", "There is nothing at this address; see GET /."),
        ("POST", "/healthz", 405, "METHOD_NOT_ALLOWED", "This address takes GET, HEAD."),
        ("DELETE", "/template.xlsx", 405, "METHOD_NOT_ALLOWED", "This address takes GET, HEAD."),
        ("PUT", "/webhook/pemudik", 405, "METHOD_NOT_ALLOWED", "This address takes POST."),
    ],
)
async def test_what_is_not_there_is_answered_as_json_that_nobody_keeps(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str, message: str
) -> None:
    answer = await client.request(method, path, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["error"]) == (
        status,
        {"code": code, "message": message, "field": None},
    )
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.headers["x-content-type-options"], answer.headers["x-robots-tag"]) == ("nosniff", "noindex")
    assert ("allow" in answer.headers) == (status == 405)


async def test_what_can_be_got_can_be_asked_for_by_head(client: httpx.AsyncClient, settings: Settings) -> None:
    """At every address but GraphQL's, where nothing is asked for by GET."""
    paths = {_filled(one.path) for one in main.create_app(settings).routes if isinstance(one, Route)} - {"/graphql"}
    answers = {path: (await client.get(path), await client.head(path)) for path in sorted(paths)}
    gettable = {path: pair for path, pair in answers.items() if pair[0].status_code != 405}
    assert len(gettable) > 30
    for path, (got, head) in gettable.items():
        assert (path, head.status_code, head.content) == (path, got.status_code, b"")
        assert head.headers.get("content-type") == got.headers.get("content-type"), path
    assert {pair[1].status_code for path, pair in answers.items() if path not in gettable} == {405}


def _filled(path: str) -> str:
    """With something in the place of each parameter: whether it is there makes no difference for HEAD."""
    values = {"uuid": str(UUID(int=0)), "": "2026"}
    return re.sub(r"\{\w+:?(\w*)\}", lambda found: values.get(found[1], "2026"), path)


async def test_the_front_page_says_what_this_is_and_where_the_doors_are(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    here = "http://127.0.0.1:8123"
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "Pemudik",
        "version": VERSION,
        "standard": "2024-03",
        "graphql": f"{here}/graphql",
        "oauth": f"{here}/.well-known/oauth-authorization-server",
        "webhook": f"{here}/webhook/pemudik",
        "template": f"{here}/template.xlsx",
        "openapi": f"{here}/openapi.json",
        "guide": "http://127.0.0.1:8123/panduan",
        "documentation": "README.md, schema.graphql, docs/refusals.md",
    }
    assert (await client.get("/?semua=1")).status_code == 400
    for path in ("oauth", "template"):
        assert (await client.get(answer.json()[path].removeprefix(here))).status_code == 200
    for path in ("graphql", "webhook"):
        assert (await client.post(answer.json()[path].removeprefix(here), json={})).status_code == 401


async def test_graphql_is_there_and_wants_a_token(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ me { __typename } }"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_merged_calls_are_answered_each_their_own(database: Database, vault: Vault) -> None:
    world = await build(database, vault)
    route_id = await world.route(departs_at=None)
    process = build_process(database, vault)
    accepted = await asyncio.gather(*(process.submissions.ask(someone(HUBDAT, route_id, n)) for n in range(20)))
    assert all(isinstance(one, Accepted) for one in accepted)
    assert await world.count("registrant") == 20
    checks = [Check(DKI, nik_of(number)) for number in range(30)] + [Check(DKI, "1")]
    answers = await asyncio.gather(*(process.checks.ask(check) for check in checks))
    assert [one.outcome for one in answers if isinstance(one, Answer)] == ["REGISTERED"] * 20 + ["AVAILABLE"] * 10
    assert isinstance(answers[-1], NikInvalid)
    assert await world.one("SELECT count(*) FROM nik_access WHERE purpose = 'CHECK'") == 30


async def test_stopping_answers_what_was_accepted(settings: Settings, database: Database, vault: Vault) -> None:
    world = await build(database, vault)
    route_id = await world.route(departs_at=None)
    process = build_process(Database(settings.database_url.get_secret_value()), vault)  # type: ignore[union-attr]
    async with main.lifespan(process, settings):
        submissions = [asyncio.create_task(process.submissions.ask(someone(HUBDAT, route_id, n))) for n in range(9)]
        await asyncio.sleep(0)
    assert all(isinstance(one, Accepted) for one in await asyncio.gather(*submissions))
    assert await world.count("registrant") == 9


async def test_a_failing_duty_is_not_the_last_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, runs = asyncio.Event(), 0

    async def duty(until: asyncio.Event) -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ValueError
        until.set()

    monkeypatch.setattr(main, "DUTY_AGAIN_AFTER_SECONDS", 0.01)
    await main.keep(duty, stop)
    assert runs == 3


async def test_a_sweep_that_does_not_end_is_cut_off(
    settings: Settings, database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(_: Database, __: asyncio.Event) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(sweep, "run", run)
    monkeypatch.setattr(main, "DUTIES_END_WITHIN_SECONDS", 0.01)
    async with main.lifespan(build_process(database, vault), settings):
        await asyncio.sleep(0)


def test_without_a_database_it_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(SystemExit, match="Set DATABASE_URL, or use `pemudik serve`"):
        main.create_app(settings.model_copy(update={"database_url": None}))
    with pytest.raises(SystemExit, match="set PEMUDIK_UJI_DATABASE_URL"):
        main.with_test_mode(main.create_app(settings), settings.model_copy(update={"with_test": True}))


def test_a_process_is_the_application(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.telemetry.configure", lambda form, level: None)
    threshold = gc.get_threshold()
    try:
        assert isinstance(main.asgi(settings), Starlette)
        assert gc.get_threshold()[0] == main.FIRST_GC_THRESHOLD
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()
