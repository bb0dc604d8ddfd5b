"""`sdk/js` by Node.js, against a real server."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from app.config import CHECKOUT
from tests import npm
from tests.sdk.conftest import Sandbox
from tests.sdk.fourteen import run_examples, run_receiver, told
from tests.sdk.others.conftest import answer, needs
from tests.sdk.proxy import Proxy
from tests.web.browsing import NPM

SDK = CHECKOUT / "sdk/js"


@pytest.fixture(scope="module")
def node() -> str:
    return needs("node", "the client for JavaScript")


def test_the_fourteen_examples_do_what_they_say(node: str, sandbox: Sandbox, tmp_path: Path) -> None:
    run_examples(sandbox, lambda name: [node, str(SDK / f"examples/{name}.js")], "JS", tmp_path)


def test_the_example_of_a_receiver(node: str, sandbox: Sandbox, tmp_path: Path) -> None:
    run_receiver(sandbox, lambda _: [node, str(SDK / "examples/webhook.js")], tmp_path)


def test_the_first_lines(node: str, sandbox: Sandbox, tmp_path: Path) -> None:
    [lines] = re.findall(r"```js\n(.*?)```", (SDK / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "pemudik.mjs").write_bytes((SDK / "pemudik.js").read_bytes())
    first = told(lines, sandbox).replace("./pemudik.js", "./pemudik.mjs")
    (tmp_path / "first.mjs").write_text(first, encoding="utf-8")
    run = subprocess.run([node, "first.mjs"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == "AVAILABLE NIK ini dapat didaftarkan untuk arus mudik (penumpang).\n"


def test_one_call_asks_for_a_token_and_the_others_wait(
    node: str, sandbox: Sandbox, proxy: Proxy, tmp_path: Path
) -> None:
    environment = sandbox.environment(PEMUDIK=proxy.url, SDK=str(SDK), PATIENCE="60")
    command = [node, str(Path(__file__).parent / "behaviour.mjs"), "tokens", "64"]
    assert (answer(command, environment, tmp_path), proxy.tokens_asked) == (1, 1)


def test_what_needs_no_server(node: str) -> None:
    """By node:test: a token of one's own, dates in `Retry-After`, and a long outbox to which many write at once."""
    few_files = ["sh", "-c", f"ulimit -n 200; exec {node} --test"]
    run = subprocess.run(few_files, cwd=SDK, capture_output=True, text=True, check=False)
    assert (run.returncode, "# fail 0" in run.stdout, "# pass 0" in run.stdout) == (0, True, False), run.stdout


def test_the_types_are_those_of_the_module(node: str) -> None:
    needs("npm", "the types of the client for JavaScript")
    npm.install(NPM)
    compiler = NPM / "node_modules/typescript/bin/tsc"
    run = subprocess.run([node, str(compiler), "--project", str(SDK)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")
