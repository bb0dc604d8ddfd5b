"""The README's tour, executed as it is written: what `make run` prints is pasted, then every block in turn."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import CHECKOUT, Settings
from tests.servers import Server, place_in

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
TOUR = README.partition("## A tour in ten minutes")[2].partition("\n## ")[0]
COST = re.compile(r',"extensions":\{"cost":\{[^}]*\}\}')
"""It stands in each answer, and is left out in the README."""
STEPS = re.findall(r"```sh\n(.*?)```\n(?:```json\n(.*?)```\n)?", TOUR, re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with place_in(tmp_path_factory.mktemp("readme") / "home") as place:
        yield place.serve()


def test_the_tour_says_what_happens(server: Server, tmp_path: Path) -> None:
    exports = "\n".join(line for line in server.said.splitlines() if line.startswith("  export "))
    script = "\n".join([exports, *(f"{commands}\nprintf '\\n<<<>>>\\n'" for commands, _ in STEPS)])
    run = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    answers = run.stdout.split("\n<<<>>>\n")[: len(STEPS)]
    assert len(answers) == 12
    for (_, promised), answer in zip(STEPS, answers, strict=True):
        # An ellipsis stands for what differs each time: an id, a time, a name of a route.
        pattern = re.escape(promised.strip()).replace("…", r"[^\"]+?")
        assert re.fullmatch(pattern, COST.sub("", answer.strip())), answer


def test_every_setting_is_in_the_table() -> None:
    table = README.partition("| variable |")[2]
    for name in Settings.model_fields:
        known = {f"PEMUDIK_{name.upper()}", name.upper(), {"workers": "WEB_CONCURRENCY"}.get(name, "-")}
        assert any(f"`{variable}`" in table for variable in known), name


def test_every_command_is_named() -> None:
    listed = subprocess.run(
        [".venv/bin/pemudik", "--help"], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout
    commands = re.findall(r"^  ([a-z]+) ", listed.partition("Commands:")[2], re.MULTILINE)
    assert len(commands) >= 10
    for command in commands:
        assert f"pemudik {command}" in README, command
