"""`pemudik serve`: from nothing to a registry that answers; without a DATABASE_URL, on a database of its own."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
import uvicorn
from pydantic import SecretStr
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from app import telemetry, worker
from app.cli import credentials
from app.cli.command import Failed, database_url, opened
from app.cli.credentials import Credentials
from app.config import Settings
from app.db import Database
from app.operating import pooler
from app.server.http_protocol import BoundedHttpProtocol
from app.server.socket_protocol import BoundedSocketProtocol
from app.testmode import control
from app.vault.vault import open_vault

FIRST_PORT = 8000
PORTS_TRIED = 100
BACKLOG = 2048
"""Connections that may wait until a worker takes them."""
WORKER_ANSWERS_WITHIN_SECONDS = 20
"""A worker must answer its supervisor within this time, from its start on. A killed worker is missed within it."""
STOP_WITHIN_SECONDS = 30
"""Requests that run when a server is stopped have this long to end."""
PING_EVERY_SECONDS = 20
"""A socket whose other end is gone is noticed within two pings."""
KEEP_ALIVE_SECONDS = 75
"""A connection without a request is closed after this time. The time is longer than pools of clients and proxies keep a
connection, so that they close it and not we. With 5 seconds, 2 of 180 pooled calls met a connection that we were
closing.
"""
NOT_READ_SECONDS = 60
"""A connection whose other end does not read what is sent is closed after this time."""

NO_LIST = (
    "Test mode needs databases of its own: set PEMUDIK_UJI_DATABASE_URL to a database on a server where its role may"
    " create databases."
)
THE_LIVE_ONE = "PEMUDIK_UJI_DATABASE_URL names the database of the live registry: name another one."


def serve(
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that serve.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="8000, or the next free one, if left out.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Migrate DATABASE_URL; make keys and demo if it is empty.")
    ] = False,
    with_test: Annotated[
        bool, typer.Option("--with-test", help="Serve test registries of organizers under /uji.")
    ] = False,
) -> None:
    """Answer requests until Ctrl-C.

    Without DATABASE_URL it makes a database and a demo season of its own.
    """
    given = {"workers": workers, "host": host, "port": port, "with_test": with_test or None}
    settings = Settings().model_copy(update={name: value for name, value in given.items() if value is not None})
    telemetry.configure(settings.log_format, settings.log_level)
    for signaled in (signal.SIGINT, signal.SIGTERM):
        # A shell lets its background jobs ignore SIGINT, and a service manager sends SIGTERM: both are Ctrl-C here.
        signal.signal(signaled, signal.default_int_handler)
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    with suppress(KeyboardInterrupt), database_url(settings) as url, kept_alive(settings):
        run(settings, url, demo=demo or settings.database_url is None)
    typer.echo("Stopped.")


@contextmanager
def kept_alive(settings: Settings) -> Iterator[None]:
    """The embedded database, as long as it can be. Without it this server ends: whoever watches over it starts anew."""
    if settings.database_url is not None:
        yield
        return
    from app.embedded import keeping  # noqa: PLC0415 - cannot be imported on Windows

    why: list[str] = []

    def end(reason: str) -> None:
        why.append(reason)
        os.kill(os.getpid(), signal.SIGTERM)

    with suppress(KeyboardInterrupt), keeping.kept(settings.home / "postgres", end):
        yield
    if why:
        raise Failed(why[0])


def run(settings: Settings, url: str, *, demo: bool) -> None:
    shown = asyncio.run(prepare(settings, url, demo=demo))
    listener = listen(settings.host, settings.port)
    taken = listener.getsockname()[1]
    if settings.port is None and taken != FIRST_PORT:
        typer.echo(f"Port {FIRST_PORT} is in use; this one serves on port {taken}.")
    changes = {"database_url": SecretStr(url), "port": taken, "open_schema": settings.open_schema or demo}
    serving = settings.model_copy(update=changes | test_mode(settings, url, demo=demo))
    if shown:
        typer.echo(asyncio.run(links(serving, url)))
    typer.echo(credentials.welcome(serving.issuer, shown, with_test=serving.with_test))
    with metrics_folder(settings) as folder:
        started = start(serving.model_copy(update={"prometheus_multiproc_dir": folder}), listener)
    if not started:
        raise Failed("The server did not start; the log says why.")


def test_mode(settings: Settings, url: str, *, demo: bool) -> dict[str, object]:
    """Where test registries are listed. A demo has test mode wherever it can. Raises `Failed`."""
    list_url = control.url_of(settings, url)
    if list_url is None:
        if settings.with_test:
            raise Failed(NO_LIST)
        return {}
    if not (settings.with_test or demo):
        return {}
    if control.names_the_same(list_url, url):
        raise Failed(THE_LIVE_ONE)
    return {"with_test": True, "uji_database_url": SecretStr(list_url)}


@contextmanager
def metrics_folder(settings: Settings) -> Iterator[Path | None]:
    """The folder in which several workers count together, as long as they serve. A single worker needs no folder."""
    if settings.workers == 1:
        yield settings.prometheus_multiproc_dir
        return
    with TemporaryDirectory(prefix="pemudik-metrics-") as folder:
        # For the workers: prometheus_client looks for the folder there when it is imported.
        os.putenv("PROMETHEUS_MULTIPROC_DIR", folder)
        yield Path(folder)


def start(settings: Settings, listener: socket.socket) -> bool:
    return supervise(configured(settings), listener)


def configured(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        partial(worker.asgi, settings),
        factory=True,
        loop="uvloop",
        http=BoundedHttpProtocol,
        ws=BoundedSocketProtocol,
        ws_max_size=settings.body_limit,
        # Messages are small, and a compressor takes more memory than all else of a socket.
        ws_per_message_deflate=False,
        ws_ping_interval=PING_EVERY_SECONDS,
        ws_ping_timeout=PING_EVERY_SECONDS,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
        timeout_worker_healthcheck=WORKER_ANSWERS_WITHIN_SECONDS,
        backlog=BACKLOG,
    )


class Supervisor(Multiprocess):
    """Also of a single worker: one that hangs or dies is replaced."""

    def handle_hup(self) -> None:
        """A terminal that is closed ends the server. uvicorn would replace the workers."""
        self.handle_term()


def supervise(config: uvicorn.Config, listener: socket.socket) -> bool:
    supervisor = Supervisor(config, [listener])
    supervisor.run()
    return all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)


async def prepare(settings: Settings, url: str, *, demo: bool) -> list[Credentials]:
    """Migrate a developer's database, and fill it the first time. Any other database is its owner's."""
    vault = open_vault(settings, create=demo)
    await require_sessions(url)
    async with opened(url, migrate=demo) as database:
        return await credentials.of_demo(database, vault, settings.home) if demo else []


async def require_sessions(url: str) -> None:
    database = Database(url)
    try:
        await pooler.require_sessions(database)
    except pooler.UnusablePooler as unusable:
        raise Failed(str(unusable)) from None
    finally:
        await database.dispose()


async def links(serving: Settings, url: str) -> str:
    async with opened(url, migrate=False) as database:
        return credentials.pages(await credentials.links(database, serving.issuer))


def listen(host: str, port: int | None) -> socket.socket:
    """Listening at once: two servers that start together must not both believe that the port is theirs."""
    for candidate in [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        try:
            return listener_on(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Failed(f"Cannot listen on {host}: {error.strerror}.") from error
    if port:
        raise Failed(f"Port {port} is in use: set PORT to another one, or leave it out to take the next free one.")
    raise Failed(f"Ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} are all in use: set PORT.")


def listener_on(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # A port whose last connections are still fading away counts as free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Connections inherit this. Without it, a connection that is closed while nobody reads stays for ever.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, NOT_READ_SECONDS * 1000)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
