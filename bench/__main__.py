"""`make bench`: one run, interleaved rounds, and figures beside those of plain endpoints and rivals of the same run.

`make bench ARGS="beside --registrants 1000000"` is the table of the registry beside them alone.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import psutil

from app import migration
from app.config import CHECKOUT, Settings
from app.db import Database
from app.embedded import postgres
from app.vault.keys import Keys
from app.vault.vault import open_vault
from bench import beside, bodies, costs, exports, hostile, imports, live, load, pages, rivals, seed, telling
from bench.beside import Servers
from bench.load import Target
from tests.web.browsing import CHROMIUM

ROUTES = 100


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=3.0)
    arguments.add_argument("--rows", type=int, default=imports.ROWS, help="of the file that is imported")
    arguments.add_argument("--registrants", type=int, default=seed.REGISTRANTS, help="who are there from the start")
    parts = ["beside", "costs", "hostile", "pages", "telling"]
    arguments.add_argument("only", nargs="?", choices=parts, help="one part alone")
    options = arguments.parse_args()
    if options.only not in (None, "beside"):
        {"costs": costs.run, "hostile": hostile.run, "pages": pages.run, "telling": telling.run}[options.only]()
        return
    seed.REGISTRANTS = options.registrants
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pemudik-bench-")))
        folder.chmod(0o755)
        url = stack.enter_context(postgres.running(folder / "database"))
        credentials, route = asyncio.run(prepare(url, folder))
        keys = open_vault(Settings(home=folder)).keys
        routes = asyncio.run(prepare_rivals(url, keys, route))
        ours = stack.enter_context(server("app.main:asgi", url, folder, factory=True))
        two_workers = stack.enter_context(
            server("app.main:asgi", url, folder, factory=True, workers=2, public_url=ours[0])
        )
        plain = stack.enter_context(server("bench.plain:app", url, folder))
        tokens = {organizer: token(ours, *pair) for organizer, pair in credentials.items()}
        with rivals.running(url, keys) as others:
            rows = beside.rows(Servers(ours[0], two_workers[0], plain[0], others), tokens, route, routes)
            asyncio.run(beside.measure(rows, options.rounds, options.seconds))
        if options.only == "beside":
            return
        checks = bodies.checks()
        asyncio.run(check_growth(ours, Target("checkNik", f"{ours[0]}/graphql", checks, tokens[seed.CHECKER])))
        asyncio.run(exports.measure(ours, tokens, checks))
        asyncio.run(imports.measure(ours, tokens, checks, options.rows))
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as live_folder:
        live.run(Path(live_folder), seconds=2 * options.seconds)
    costs.run()
    hostile.run()
    telling.run()
    if CHROMIUM is not None:
        pages.run()


async def prepare(url: str, folder: Path) -> tuple[dict[str, tuple[str, str]], str]:
    """The credentials of clients, and the hot route."""
    settings = Settings(home=folder)
    database = Database(url)
    await migration.upgrade(database)
    credentials, route = await seed.seed(database, open_vault(settings))
    await database.dispose()
    return credentials, str(route)


async def prepare_rivals(url: str, keys: Keys, route: str) -> list[str]:
    """A hundred routes more."""
    database = Database(url)
    routes = await seed.more_routes(database, route, ROUTES)
    await database.dispose()
    await rivals.make_schema(url, keys)
    return routes


@contextmanager
def server(
    application: str,
    url: str,
    folder: Path,
    *,
    factory: bool = False,
    workers: int = 1,
    public_url: str | None = None,
    tree: Path = CHECKOUT,
) -> Iterator[tuple[str, int]]:
    """`public_url`: that of the server whose tokens it takes. None: its own. `tree`: where the code is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--log-level", "warning"]
    command += ["--no-access-log", "--loop", "uvloop", "--http", "httptools"] + (["--factory"] if factory else [])
    command += ["--workers", str(workers)] if workers > 1 else []
    environment = os.environ | {
        "DATABASE_URL": url,
        "PEMUDIK_HOME": str(folder),
        "PORT": str(port),
        "PYTHONPATH": str(tree),
        **({} if public_url is None else {"PEMUDIK_PUBLIC_URL": public_url}),
    }
    # As users run it: with its log, and not into a terminal.
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, cwd=tree)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def token(ours: tuple[str, int], client_id: str, secret: str) -> str:
    credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    request = Request(
        f"{ours[0]}/oauth/token",
        b"grant_type=client_credentials",
        {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    with urlopen(request) as answer:
        return str(orjson.loads(answer.read())["access_token"])


async def check_growth(ours: tuple[str, int], target: Target, most: int = 100_000) -> None:
    """Memory of the worker before and after 100,000 checks."""
    process = psutil.Process(ours[1])
    before, done = process.memory_info().rss, 0
    while done < most:
        done += (await load.run(target, connections=beside.CONNECTIONS, seconds=3)).requests
    after = process.memory_info().rss
    print(f"\none worker: {before / 2**20:.0f} MiB, after {done:,} more checks {after / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
