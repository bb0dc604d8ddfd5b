"""The ASGI application: the only place that builds objects. One of them per process.

Stopping finishes what was accepted: uvicorn ends the requests first, then the mergers are drained, then the pool goes.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from graphql import GraphQLSchema
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app import alarm, metrics, migration, stopping, telemetry, tracing
from app.auth import endpoints
from app.auth.callers import Callers, build_callers
from app.auth.signing import SigningKeys
from app.auth.slowing import Failures
from app.changes.log import closing, projection, tallies
from app.changes.log.projection import KnownPosition
from app.changes.seals import duty as seals
from app.changes.webhooks import announcing, sender
from app.config import Settings
from app.db import BROKEN, Database
from app.errors import Unavailable
from app.graphql.doors import http
from app.graphql.schema import EXECUTABLE
from app.intake import http as intake
from app.intake.doors import doors, webhook
from app.intake.files import template
from app.intake.imports import import_duty
from app.openapi import document
from app.operating import pooler, runner
from app.process import Process, build_process
from app.registry import outages, sweep
from app.registry.host_clock import Duty, HostClock
from app.registry.statistics import publishing, pulse
from app.registry.values import standard
from app.request_log import RequestLog
from app.testmode import clients as test_clients
from app.testmode.beside import Beside
from app.testmode.running import IMPORT_COMMAND, Assembled, Shared
from app.vault.vault import Vault, open_vault
from app.version import VERSION
from app.web import guide_pages, oidc, pages, signing

READY_WITHIN_SECONDS = 3.0
DUTIES_END_WITHIN_SECONDS = 5.0
DUTY_AGAIN_AFTER_SECONDS = 20.0

PROJECTIONS = (tallies.STATISTICS, closing.CASES, announcing.PROJECTION)

FIRST_GC_THRESHOLD = 10_000
"""Requests make many short-lived objects and few cycles: looking for these less often answers a third more of them."""

log = structlog.get_logger(__name__)


def asgi(settings: Settings | None = None) -> ASGIApp:
    """For a server process: `uvicorn --factory app.main:asgi`, or `pemudik serve`, which needs no DATABASE_URL."""
    settings = settings or Settings()
    telemetry.configure(settings.log_format, settings.log_level)
    metrics.start()
    try:
        tracing.send_to(settings.otlp_endpoint)
    except tracing.NotInstalled as missing:
        raise SystemExit(str(missing)) from None
    application = with_test_mode(create_app(settings), settings)
    gc.collect()
    gc.freeze()
    gc.set_threshold(FIRST_GC_THRESHOLD)
    return application


def create_app(settings: Settings) -> Starlette:
    if settings.database_url is None:
        raise SystemExit("Set DATABASE_URL, or use `pemudik serve`, which brings a database of its own.")
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size)
    return assembled(database, open_vault(settings), settings)


def assembled(database: Database, vault: Vault, settings: Settings) -> Starlette:
    """Every address of the registry, on this database."""
    running = build_process(
        database,
        vault,
        webhooks_to_private=settings.webhooks_to_private,
        import_storage=settings.import_storage,
    )
    keys = SigningKeys(lambda: vault.signing)
    known = build_callers(database, keys, settings.issuer, settings.public_url)
    lives = partial(lifespan, running, settings, known.bearer.keep)
    return application_of(running, known, keys, settings, EXECUTABLE, lives)


def with_test_mode(live: Starlette, settings: Settings) -> ASGIApp:
    if not settings.with_test:
        return live
    if settings.uji_database_url is None:
        raise SystemExit("Test mode: set PEMUDIK_UJI_DATABASE_URL, or use `pemudik serve` without a DATABASE_URL.")
    return Beside(live, settings, beside_live)


def beside_live(settings: Settings, vault: Vault, shared: Shared) -> Assembled:
    """Every address of the registry once more, on the database of a test registry."""
    assert settings.database_url is not None  # noqa: S101 - a test registry has one
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size)
    running = replace(
        build_process(database, vault, webhooks_to_private=settings.webhooks_to_private),
        turns=shared.turns,
        stopping=shared.stopping,
        import_command=IMPORT_COMMAND,
    )
    keys = SigningKeys(lambda: vault.signing)
    known = build_callers(database, keys, settings.issuer, settings.public_url)
    application = application_of(running, known, keys, settings, shared.schema, nullcontext)
    return Assembled(application, running, served(running, settings, known.bearer.keep))


def application_of(
    running: Process,
    known: Callers,
    keys: SigningKeys,
    settings: Settings,
    schema: GraphQLSchema,
    lives: Callable[[], AbstractAsyncContextManager[None]],
) -> Starlette:
    """Every address, on what a registry has. It `lives` as long as it serves."""
    database, issuer = running.database, settings.issuer
    graphql, sockets = http.routes(running, known, settings, schema=schema)
    addresses: list[BaseRoute] = [
        graphql,
        sockets,
        pages.front(known, lambda: front_page(issuer)),
        Route("/healthz", healthz),
        Route("/readyz", readiness(database)),
        *endpoints.routes(database, keys, issuer, Failures(settings.networks_of_proxies)),
        *doors.routes(running, known, settings),
        *test_clients.routes(running, known, settings),
    ]
    application = Application(
        graphql,
        routes=[
            *document.routes(addresses, issuer),
            *signing.routes(database, known, settings),
            *oidc.routes(database, known, settings),
            *pages.routes(known, running.shelf, provider=settings.oidc_issuer is not None),
        ],
        middleware=[Middleware(RequestLog)],
        exception_handlers={404: intake.no_such_address, 405: intake.no_such_method},
        lifespan=lambda _: lives(),
    )
    application.state.process, application.state.callers = running, known
    # It would repeat the query string, with whatever somebody put there.
    application.router.redirect_slashes = False
    return application


class Application(Starlette):
    """The busiest address goes straight to its door. Starlette's layers would take a check of a NIK 14 µs."""

    def __init__(self, graphql: Route, **more: Any) -> None:
        super().__init__(**more)
        self._graphql, self._door = graphql, RequestLog(graphql.app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == http.PATH:
            scope["route"] = self._graphql
            await self._door(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


# --- start and end ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def lifespan(running: Process, settings: Settings, *more: Duty) -> AsyncIterator[None]:
    with telemetry.gathered():
        end_with_parent()
        try:
            async with served(running, settings, *more):
                with stopping.heard(running.stopping):
                    yield
        finally:
            await asyncio.to_thread(tracing.end)


@asynccontextmanager
async def served(running: Process, settings: Settings, *more: Duty) -> AsyncIterator[None]:
    """With its duties, and until all that was accepted is done."""
    await pooler.require_sessions(running.database)
    stop = asyncio.Event()
    host = HostClock(running.database)
    # Requests and heartbeats go by the database's clock from the first one on.
    await host.look()
    duties = [asyncio.create_task(keep(duty, stop)) for duty in (host.run, *more, *duties_of(running, settings, host))]
    try:
        yield
    finally:
        stop.set()
        await end(running, duties)


async def end(running: Process, duties: Sequence[asyncio.Task[None]]) -> None:
    """Wait for what the process is doing, but not for long, and close its connections."""
    running.database.followers.rouse()
    # What is cut off is rolled back, and done by the next runner.
    _, late = await asyncio.wait(duties, timeout=DUTIES_END_WITHIN_SECONDS)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    await running.checks.drain()
    await running.submissions.drain()
    await running.pushes.drain()
    await running.database.dispose()


def duties_of(running: Process, settings: Settings, host: HostClock) -> list[Duty]:
    """Every process listens. What the registry as a whole has to do is done by one of those that are told to."""

    async def beat(stop: asyncio.Event) -> None:
        await host.known.wait()
        await outages.run(running.database, stop)

    async def keep_pulse(stop: asyncio.Event) -> None:
        await pulse.run(running.database, stop)

    known = {one.name: KnownPosition() for one in PROJECTIONS}

    async def all_of_them(stop: asyncio.Event) -> None:
        await asyncio.gather(*(keep(one, stop) for one in duties_of_the_registry(running, settings, known)))

    async def notice_loss() -> None:
        await projection.notice_loss(running.database, known)

    async def as_runner(stop: asyncio.Event) -> None:
        await runner.run(running.database, all_of_them, stop, when_connected=notice_loss)

    async def work_off_imports(stop: asyncio.Event) -> None:
        await import_duty.run(running.database, settings, stop, command=running.import_command)

    always: list[Duty] = [beat, keep_pulse, running.wake.run, running.tail.run]
    # Files are worked off on every machine, not on that of the runner alone.
    return [*always, *([host.guarded(as_runner), host.guarded(work_off_imports)] if settings.duties else [])]


def duties_of_the_registry(running: Process, settings: Settings, known: Mapping[str, KnownPosition]) -> list[Duty]:
    return [
        lambda stop: sweep.run(running.database, stop),
        lambda stop: seals.run(running.database, running.vault, stop),
        lambda stop: alarm.keep(running.database, stop, cuts=settings.alarm_cuts_allowance),
        *(partial(projection.keep, running.database, one, known=known[one.name]) for one in PROJECTIONS),
        lambda stop: sender.run(running.database, running.vault, stop, private=running.webhooks_to_private),
        lambda stop: publishing.run(running.database, stop),
    ]


async def keep(duty: Duty, stop: asyncio.Event) -> None:
    """A bug in one round of a duty must not end the ones after it."""
    while not stop.is_set():
        try:
            await duty(stop)
        except Exception:
            log.exception("duty failed")
            metrics.DUTY_FAILURES.inc()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), DUTY_AGAIN_AFTER_SECONDS)


def end_with_parent() -> None:
    """A worker whose supervisor was killed would go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent.sentinel, orphaned, parent.sentinel)


def orphaned(sentinel: int) -> None:
    asyncio.get_running_loop().remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)


# --- what anybody may ask ---------------------------------------------------------------------------------------------


def front_page(issuer: str) -> Response:
    """For whoever opens the bare address: what this is, and where the doors are. Nothing that is secret."""
    return intake.answered(
        {
            "name": "Pemudik",
            "version": VERSION,
            "standard": standard.VERSION,
            "graphql": issuer + http.PATH,
            "oauth": issuer + endpoints.METADATA_PATH,
            "webhook": issuer + webhook.PATH,
            "template": issuer + template.PATH,
            "openapi": issuer + document.PATH,
            "guide": issuer + guide_pages.PATH,
            "documentation": "README.md, schema.graphql, docs/refusals.md",
        }
    )


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"alive": True})


def readiness(database: Database) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Whether requests may be sent here: the database answers, takes writes, and is migrated."""

    async def readyz(_: Request) -> JSONResponse:
        try:
            async with asyncio.timeout(READY_WITHIN_SECONDS):
                level = await migration.level(database)
                read_only = await database.is_read_only()
        except (Unavailable, *BROKEN):
            return not_ready("database_unreachable")
        if read_only or database.could_not_write_lately:
            return not_ready("database_cannot_write")
        return JSONResponse({"ready": True}) if level.is_served else not_ready("migrations_pending")

    return readyz


def not_ready(reason: str) -> JSONResponse:
    return JSONResponse({"ready": False, "reason": reason}, 503, {"Retry-After": "1"})
