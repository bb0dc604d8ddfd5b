"""The world of `tests/sdk`, and the programs of other languages that are on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import Sandbox
from tests.sdk.proxy import Proxy, proxied


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[Proxy]:
    with proxied(sandbox.url) as proxy:
        yield proxy


def needs(program: str, what: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not on this machine: {what} is not tried")
    if (
        program == "php"
        and "pdo_sqlite" not in subprocess.run([found, "-m"], capture_output=True, text=True, check=True).stdout
    ):
        pytest.skip(f"php has no pdo_sqlite on this machine (package php-sqlite3): {what} is not tried")
    return found


def answer(command: list[str], environment: dict[str, str], folder: Path) -> Any:
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stderr + run.stdout
    return json.loads(run.stdout)
