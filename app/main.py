"""The ASGI application: the only place that builds objects. One of them per process.

Stopping finishes what was accepted: uvicorn ends the requests first, then the mergers are drained, then the pool goes.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from app import clock, metrics, migration, stopping, telemetry, tracing
from app.alarm import EnumerationWatch
from app.auth import endpoints
from app.auth.bearer import Bearer
from app.auth.signing import SigningKeys
from app.changes.log import projection, tallies
from app.changes.log.tail import Tail
from app.changes.log.wake import Wake
from app.changes.webhooks import announcing, sender
from app.config import Settings
from app.db import Database
from app.errors import NikInvalid, Refusal, TooManyChecks
from app.graphql.doors import http
from app.intake.doors import doors
from app.intake.imports import import_duty
from app.merging import Merger
from app.process import Registry
from app.registry import sweep
from app.registry.niks import check
from app.registry.niks.check import Answer, Check
from app.registry.registrants import submission
from app.registry.registrants.submission import Accepted, Submission
from app.registry.rows import reception
from app.registry.rows.reception import Push, Verdict
from app.request_log import RequestLog
from app.vault.vault import Vault, open_vault

LANES = 2
"""Batches in flight: while one is in the database, the next one is put together and the last one is answered."""

READY_WITHIN = 3.0
DUTIES_END_WITHIN = 5.0
DUTY_AGAIN_AFTER = 20.0
"""Seconds."""

FIRST_GC_THRESHOLD = 10_000
"""Requests make many short-lived objects and few cycles: looking for these less often answers a third more of them."""

log = structlog.get_logger(__name__)


def asgi(settings: Settings | None = None) -> Starlette:
    """For a server process: `uvicorn --factory app.main:asgi`, or `pemudik serve`, which needs no DATABASE_URL."""
    settings = settings or Settings()
    telemetry.configure(settings.log_format, settings.log_level)
    metrics.start()
    try:
        tracing.send_to(settings.otlp_endpoint)
    except tracing.NotInstalled as missing:
        raise SystemExit(str(missing)) from None
    application = create_app(settings)
    gc.collect()
    gc.freeze()
    gc.set_threshold(FIRST_GC_THRESHOLD)
    return application


def create_app(settings: Settings) -> Starlette:
    if settings.database_url is None:
        raise SystemExit("Set DATABASE_URL, or use `pemudik serve`, which brings a database of its own.")
    database = Database(settings.database_url.get_secret_value(), pool_size=settings.pool_size)
    vault = open_vault(settings)
    keys, issuer = SigningKeys(lambda: vault.signing), settings.issuer
    registry = build_registry(database, vault, webhooks_to_private=settings.webhooks_to_private)
    bearer = Bearer(database, keys, issuer)
    application = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readiness(database)),
            *endpoints.routes(database, keys, issuer),
            *http.routes(registry, bearer, settings),
            *doors.routes(registry, bearer, settings),
        ],
        middleware=[Middleware(RequestLog)],
        lifespan=lambda _: lifespan(registry, settings),
    )
    # It would repeat the query string, with whatever somebody put there.
    application.router.redirect_slashes = False
    return application


def build_registry(database: Database, vault: Vault, *, webhooks_to_private: bool = False) -> Registry:
    async def run_checks(checks: Sequence[Check]) -> list[Answer | NikInvalid | TooManyChecks]:
        now = clock.now()
        async with database.statements() as session:
            answers = await check.check(session, vault, checks, now)
        watch.answered(checks, answers, now)
        return answers

    async def run_submissions(submissions: Sequence[Submission]) -> list[Accepted | Refusal]:
        return await database.attempt(lambda session: submission.submit(session, vault, submissions, clock.now()))

    async def run_pushes(pushes: Sequence[Push]) -> list[Verdict]:
        return await database.attempt(lambda session: reception.push(session, vault, pushes, clock.now()))

    watch, wake = EnumerationWatch(), Wake(database)
    database.on_change = wake.tell
    tail = Tail(database, wake)
    merged_checks = Merger(run_checks, of="checks", lanes=LANES)
    merged_submissions = Merger(run_submissions, of="submissions", lanes=LANES)
    merged_pushes = Merger(run_pushes, of="pushes", lanes=LANES)
    return Registry(
        database,
        vault,
        wake,
        tail,
        merged_checks,
        merged_submissions,
        merged_pushes,
        watch,
        webhooks_to_private=webhooks_to_private,
    )


# --- start and end ----------------------------------------------------------------------------------------------------


Duty = Callable[[asyncio.Event], Awaitable[None]]
"""What a process does by itself, until the event is set."""


@asynccontextmanager
async def lifespan(registry: Registry, settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    duties = [asyncio.create_task(keep(duty, stop)) for duty in duties_of(registry, settings)]
    end_with_parent()
    try:
        with stopping.heard(registry.stopping):
            yield
    finally:
        stop.set()
        registry.wake.tell()
        # What is cut off is rolled back, and done by the next runner.
        _, late = await asyncio.wait(duties, timeout=DUTIES_END_WITHIN)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await registry.checks.drain()
        await registry.submissions.drain()
        await registry.pushes.drain()
        await registry.database.dispose()
        await asyncio.to_thread(tracing.end)


def duties_of(registry: Registry, settings: Settings) -> list[Duty]:
    """Every process listens; what the registry as a whole has to do is done by those that are told to."""
    if not settings.duties:
        return [registry.wake.run, registry.tail.run]
    return [
        registry.wake.run,
        registry.tail.run,
        lambda stop: sweep.run(registry.database, stop),
        lambda stop: registry.watch.keep(registry.database, stop),
        lambda stop: projection.keep(registry.database, registry.wake, tallies.STATISTICS, stop),
        lambda stop: projection.keep(registry.database, registry.wake, announcing.PROJECTION, stop),
        lambda stop: sender.run(
            registry.database, registry.vault, registry.wake, stop, private=registry.webhooks_to_private
        ),
        lambda stop: import_duty.run(registry.database, settings, stop),
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
                await asyncio.wait_for(stop.wait(), DUTY_AGAIN_AFTER)


def end_with_parent() -> None:
    """A worker whose supervisor was killed would go on holding the port."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent.sentinel, orphaned, parent.sentinel)


def orphaned(sentinel: int) -> None:
    asyncio.get_running_loop().remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)


# --- what machines ask ------------------------------------------------------------------------------------------------


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"alive": True})


def readiness(database: Database) -> Callable[[Request], Awaitable[JSONResponse]]:
    """Whether requests may be sent here: the database answers, and is at the newest migration."""

    async def readyz(_: Request) -> JSONResponse:
        try:
            async with asyncio.timeout(READY_WITHIN):
                current, head = await migration.revisions(database.engine)
        except (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return not_ready("database_unreachable")
        return JSONResponse({"ready": True}) if current == head else not_ready("migrations_pending")

    return readyz


def not_ready(reason: str) -> JSONResponse:
    return JSONResponse({"ready": False, "reason": reason}, 503, {"Retry-After": "1"})
