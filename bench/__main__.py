"""`make bench`: one run, several interleaved rounds, every figure beside the plain endpoint's of the same run."""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import os
import random
import socket
import statistics
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
from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.vault.vault import open_vault
from bench import costs, exports, hostile, imports, live, load, pages, seed, telling
from bench.load import Outcome, Target
from tests.web.browsing import CHROMIUM

CONNECTIONS = 32
CHECK = "query Check($nik: NIK!) { checkNik(nik: $nik) { outcome available standing { organizer { code } status } } }"
CHECKS = (
    "query Checks($niks: [NIK!]!)"
    " { checkNiks(niks: $niks) { nik outcome available standing { organizer { code } status registeredOn } } }"
)
SUBMIT = (
    "mutation Submit($input: SubmitRegistrant!) { submitRegistrant(input: $input)"
    " { __typename ... on Submission { replayed registrant { id status } } ... on Problem { code message } } }"
)
SUBMITS = SUBMIT.replace("Submit(", "Submits(", 1).replace("$input: SubmitRegistrant!", "$inputs: [SubmitRegistrant!]!")
SUBMITS = SUBMITS.replace("submitRegistrant(input: $input)", "submitRegistrants(inputs: $inputs)")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=3.0)
    arguments.add_argument("--rows", type=int, default=imports.ROWS, help="of the file that is imported")
    arguments.add_argument("only", nargs="?", choices=["costs", "hostile", "pages", "telling"], help="one part alone")
    options = arguments.parse_args()
    if options.only is not None:
        {"costs": costs.run, "hostile": hostile.run, "pages": pages.run, "telling": telling.run}[options.only]()
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pemudik-bench-")))
        folder.chmod(0o755)
        url = stack.enter_context(postgres.running(folder / "database"))
        credentials, route = asyncio.run(prepare(url, folder))
        ours = stack.enter_context(server("app.main:asgi", url, folder, factory=True))
        plain = stack.enter_context(server("bench.plain:app", url, folder))
        tokens = {organizer: token(ours, *pair) for organizer, pair in credentials.items()}
        asyncio.run(measure(ours, plain, tokens, str(route), options))
        asyncio.run(imports.measure(ours, tokens, checks(), options.rows))
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as live_folder:
        live.run(Path(live_folder), seconds=2 * options.seconds)
    costs.run()
    hostile.run()
    telling.run()
    if CHROMIUM is not None:
        pages.run()


async def prepare(url: str, folder: Path) -> tuple[dict[str, tuple[str, str]], object]:
    settings = Settings(home=folder)
    database = Database(url)
    await migration.upgrade(database)
    prepared = await seed.seed(database, open_vault(settings))
    await database.dispose()
    return prepared


@contextmanager
def server(application: str, url: str, folder: Path, *, factory: bool = False) -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), "--log-level", "warning"]
    command += ["--no-access-log", "--loop", "uvloop", "--http", "httptools"] + (["--factory"] if factory else [])
    environment = os.environ | {
        "DATABASE_URL": url,
        "PEMUDIK_HOME": str(folder),
        "PORT": str(port),
    }
    # As users run it: with its log, and not into a terminal.
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log)
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


def niks() -> Iterator[str]:
    """Half of them registered, half not."""
    dice = random.Random(1)
    while True:
        yield seed.nik_of(dice.randrange(2 * seed.REGISTRANTS))


def checks() -> Iterator[bytes]:
    return (orjson.dumps({"query": CHECK, "variables": {"nik": nik}}) for nik in niks())


def many_checks(size: int) -> Iterator[bytes]:
    source = niks()
    while True:
        yield orjson.dumps({"query": CHECKS, "variables": {"niks": list(itertools.islice(source, size))}})


def people(route: str) -> Iterator[dict[str, str]]:
    """Each of them new."""
    for number in itertools.count(10 * seed.REGISTRANTS):
        yield {
            "nik": seed.nik_of(number),
            "name": "Warga Contoh",
            "routeId": route,
            "identityDocument": "KTP",
            "reference": f"BK-{number}",
        }


def submissions(source: Iterator[dict[str, str]]) -> Iterator[bytes]:
    return (orjson.dumps({"query": SUBMIT, "variables": {"input": one}}) for one in source)


def many_submissions(source: Iterator[dict[str, str]], size: int) -> Iterator[bytes]:
    while True:
        yield orjson.dumps({"query": SUBMITS, "variables": {"inputs": list(itertools.islice(source, size))}})


async def measure(
    ours: tuple[str, int], plain: tuple[str, int], tokens: dict[str, str], route: str, options: argparse.Namespace
) -> None:
    graphql, everyone = f"{ours[0]}/graphql", people(route)
    checker, submitter = tokens[seed.CHECKER], tokens[seed.SUBMITTER]
    plain_bodies = (orjson.dumps({"nik": nik}) for nik in niks())
    with_duties = Target("plain, with the same duties", f"{plain[0]}/check", plain_bodies, checker)
    targets = [
        (Target("plain lookup", f"{plain[0]}/lookup", plain_bodies), CONNECTIONS, 1),
        (with_duties, CONNECTIONS, 1),
        (Target("checkNik", graphql, checks(), checker), CONNECTIONS, 1),
        (Target("submitRegistrant", graphql, submissions(everyone), submitter), CONNECTIONS, 1),
        (Target("checkNiks, 1,000 a call", graphql, many_checks(1000), checker), 2, 1000),
        (Target("submitRegistrants, 1,000 a call", graphql, many_submissions(everyone, 1000), submitter), 2, 1000),
    ]
    rounds: dict[str, list[Outcome]] = {target.name: [] for target, _, _ in targets}
    for target, connections, _ in targets:
        await load.run(target, connections=connections, seconds=1)
    for _ in range(options.rounds):
        for target, connections, _ in targets:
            rounds[target.name].append(await load.run(target, connections=connections, seconds=options.seconds))
    report(targets, rounds)
    await check_growth(ours, Target("checkNik", graphql, checks(), checker))
    await exports.measure(ours, tokens, checks())


def report(targets: list[tuple[Target, int, int]], rounds: dict[str, list[Outcome]]) -> None:
    base = [outcome.per_second for outcome in rounds["plain lookup"]]
    print(f"{'':34}{'items/s':>10}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}   ratio to the plain lookup")
    for target, _, size in targets:
        outcomes = rounds[target.name]
        ratio = statistics.median(one.per_second / beside for one, beside in zip(outcomes, base, strict=True))
        print(
            f"{target.name:34}{statistics.median(one.per_second for one in outcomes) * size:10,.0f}"
            f"{f'{ratio:.2f}' if size == 1 else '':>8}"
            f"{statistics.median(one.percentile(0.5) for one in outcomes) * 1000:9.1f}"
            f"{statistics.median(one.percentile(0.99) for one in outcomes) * 1000:9.1f}"
            f"{sum(one.failures for one in outcomes):8}"
        )


async def check_growth(ours: tuple[str, int], target: Target, most: int = 100_000) -> None:
    """Memory of the worker before and after 100,000 checks."""
    process = psutil.Process(ours[1])
    before, done = process.memory_info().rss, 0
    while done < most:
        done += (await load.run(target, connections=CONNECTIONS, seconds=3)).requests
    after = process.memory_info().rss
    print(f"\none worker: {before / 2**20:.0f} MiB, after {done:,} more checks {after / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
