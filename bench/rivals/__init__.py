"""What a user would pick instead, from npm: Mercurius with JIT and PostGraphile, beside the registry on one database.

`mercurius.mjs` runs twice, bare and with the same duties as the registry. PostGraphile has none. Each is one process
with eight connections. None has the registry's rules: the unique index judges the NIK, and the quota the seat.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer

import asyncpg

from app.vault.keyed_hash import BLOCK_BYTES, INNER, OUTER
from app.vault.keys import Keys, as_variables
from tests import npm

HERE = Path(__file__).parent
OLDEST_NODE = 22
"""That PostGraphile runs on."""
START_SECONDS = 60
BARE, WITH_DUTIES, POSTGRAPHILE = "Mercurius-JIT", "Mercurius-JIT, with the same duties", "PostGraphile"


async def make_schema(url: str, keys: Keys) -> None:
    """What the rivals, and the plain endpoint, call in the database."""
    block = keys.index.ljust(BLOCK_BYTES, b"\0")
    pads = {name: bytes(byte ^ pad for byte in block).hex() for name, pad in (("inner", INNER), ("outer", OUTER))}
    driver = await asyncpg.connect(url)
    try:
        await driver.execute(statement("schema").format(**pads))
    finally:
        await driver.close()


def statement(name: str) -> str:
    return (HERE / f"{name}.sql").read_text()


@contextmanager
def running(url: str, keys: Keys) -> Iterator[dict[str, str]]:
    """The address of each by its name. Empty where Node.js is not."""
    if not all(shutil.which(program) for program in ("node", "npm")):
        print("Node.js and npm are not here: Mercurius and PostGraphile are not measured.")
        yield {}
        return
    npm.install(HERE)
    node, environment = newest_node(), environment_of(url, keys)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"the rivals run on Node.js {version}")
    with ExitStack() as stack:
        found = {
            BARE: stack.enter_context(serving(node, "mercurius.mjs", environment)),
            WITH_DUTIES: stack.enter_context(serving(node, "mercurius.mjs", environment | {"DUTIES": "1"})),
        }
        if int(version.lstrip("v").partition(".")[0]) < OLDEST_NODE:
            print(f"PostGraphile needs Node.js {OLDEST_NODE} or later: it is not measured.")
        else:
            found[POSTGRAPHILE] = stack.enter_context(serving(node, "postgraphile.mjs", environment))
        yield found


def newest_node() -> str:
    """From npm where there is one for this machine, which is as new as the rivals; else what this machine has."""
    return next(map(str, HERE.glob("node_modules/node-linux-*/bin/node")), "node")


def environment_of(url: str, keys: Keys) -> dict[str, str]:
    variables = as_variables(keys)
    key_id, _, key = variables["PEMUDIK_DATA_KEYS"].partition(",")[0].partition(":")
    public = [{name: one[name] for name in ("kty", "crv", "x", "y", "kid")} for one in keys.signing]
    return os.environ | {
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
        "DATABASE_URL": url,
        "INDEX_KEY": variables["PEMUDIK_INDEX_KEY"],
        "DATA_KEY": key,
        "DATA_KEY_ID": key_id,
        "JWKS": json.dumps({"keys": public}),
    }


@contextmanager
def serving(node: str, script: str, environment: dict[str, str]) -> Iterator[str]:
    """Its address, which it says when it listens."""
    with subprocess.Popen([node, script], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True) as process:
        patience = Timer(START_SECONDS, process.kill)
        patience.start()
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            patience.cancel()
            if not address.startswith("http://127.0.0.1:"):
                raise SystemExit(f"{script} did not start")
            yield f"{address}/graphql"
        finally:
            patience.cancel()
            process.kill()
