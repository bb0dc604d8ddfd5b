"""`python -m bench.before COMMIT`: the registry beside itself as it was at a commit, in interleaved rounds of one run.

Both are run by the packages that are installed now, each with a database of its own on one PostgreSQL, which its own
`bench` has filled. So what differs is the code alone.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import orjson

from app.config import CHECKOUT
from app.embedded import postgres
from app.registry.values.standard import COLUMNS
from bench import beside, bodies, imports, seed
from bench.__main__ import server, token
from bench.beside import CHECK, CHECK_MANY, MANY, SUBMIT, SUBMIT_MANY, Row
from bench.load import Target

CHECK_LEGACY, ROWS = "POST /legacy/cek-nik", "POST /webhook/pemudik, 1,000 rows"
PREPARE = """
import asyncio, json, sys
from pathlib import Path
from bench.__main__ import prepare
credentials, route = asyncio.run(prepare(sys.argv[1], Path(sys.argv[2])))
print(json.dumps([credentials, str(route)]))
"""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench.before")
    arguments.add_argument("commit", help="of which the code is run beside this one")
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--seconds", type=float, default=3.0)
    options = arguments.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pemudik-bench-")))
        folder.chmod(0o755)
        old = folder / "old"
        unpack(options.commit, old)
        url = stack.enter_context(postgres.running(folder / "database"))
        rows = []
        for tree in (CHECKOUT, old):
            home = folder / f"home of {tree.name}"
            home.mkdir()
            its_url = asyncio.run(own_database(url, f"of_{'before' if tree == old else 'now'}"))
            credentials, route = prepared(tree, its_url, home)
            address = stack.enter_context(server("app.main:asgi", its_url, home, factory=True, tree=tree))
            tokens = {organizer: token(address, *pair) for organizer, pair in credentials.items()}
            rows.append(asked(address[0], tokens, route, "" if tree == CHECKOUT else options.commit))
        interleaved = [row for pair in zip(*rows, strict=True) for row in pair]
        asyncio.run(beside.in_rounds(interleaved, options.rounds, options.seconds))


def unpack(commit: str, folder: Path) -> None:
    packed = subprocess.run(["git", "archive", commit], cwd=CHECKOUT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder, filter="data")


async def own_database(url: str, name: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    address, question, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question}{options}"


def prepared(tree: Path, url: str, home: Path) -> tuple[dict[str, tuple[str, str]], str]:
    """The credentials of clients, and the hot route."""
    command = [sys.executable, "-c", PREPARE, url, str(home)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    told = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, check=True).stdout
    credentials, route = orjson.loads(told.splitlines()[-1])
    return credentials, route


def asked(address: str, tokens: dict[str, str], route: str, commit: str) -> list[Row]:
    graphql, everyone = f"{address}/graphql", bodies.People().on([route])
    checker, submitter = tokens[seed.CHECKER], tokens[seed.SUBMITTER]
    legacy, webhook = f"{address}/legacy/cek-nik", f"{address}/webhook/pemudik"
    targets = [
        (CHECK, graphql, bodies.checks(), checker, 1),
        (CHECK_LEGACY, legacy, bodies.plain_checks(), checker, 1),
        (SUBMIT, graphql, bodies.submissions(everyone), submitter, 1),
        (CHECK_MANY, graphql, bodies.many_checks(MANY), checker, MANY),
        (SUBMIT_MANY, graphql, bodies.many_submissions(everyone, MANY), submitter, MANY),
        (ROWS, webhook, rows(MANY), submitter, MANY),
    ]
    return [
        Row(Target(f"at {commit}" if commit else name, url, sent, token), name, size)
        for name, url, sent, token, size in targets
    ]


def rows(size: int) -> Iterator[bytes]:
    """Of the 12 columns, each of somebody new."""
    numbers = itertools.count()
    while True:
        people = (imports.person(next(numbers)) for _ in range(size))
        yield orjson.dumps([dict(zip(COLUMNS, one, strict=True)) for one in people])


if __name__ == "__main__":
    main()
