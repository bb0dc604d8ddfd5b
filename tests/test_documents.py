"""What the documents name is there: links, paths, targets of make, commands with their options, and the versions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from app.cli import app
from app.config import CHECKOUT

DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md")])
DECISIONS = sorted(path for path in (CHECKOUT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
INDEX = CHECKOUT / "docs" / "decisions" / "README.md"

LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"(?<![\w/.-])(?:app|tests|docs|bench|migrations|\.ci)/[\w./*-]*")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^ *```\w*(?: \w+)?\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
MAKE = re.compile(r"\bmake ([a-z]+)")
COMMAND = re.compile(r"\bpemudik ([^·\n]+)")
DATE = re.compile(r"^- \*\*Date:\*\* 20\d\d-\d\d-\d\d$", re.MULTILINE)
REPLACES = re.compile(r"^- \*\*Replaces:\*\* \S", re.MULTILINE)
ROOMS = CHECKOUT / "docs" / "decisions" / "rooms.md"
START = re.compile(r"^- \*\*Start from:\*\* (.*?)(?:\n\n|\n- )", re.MULTILINE | re.DOTALL)


def read(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def named(document: Path) -> str:
    return str(document.relative_to(CHECKOUT))


def code(text: str) -> Iterator[str]:
    """What stands in a document as code: blocks and spans, a line each."""
    for block in FENCED.findall(text):
        yield from block.splitlines()
    rest = FENCED.sub("", text)
    yield from INDENTED.findall(rest)
    yield from (span.replace("\n", " ") for span in SPAN.findall(rest))


def anchor(heading: str) -> str:
    """As GitHub writes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def is_there(path: str) -> bool:
    path = path.rstrip(".")
    return any(CHECKOUT.glob(path)) if "*" in path else (CHECKOUT / path).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(read(document)):
        target, _, fragment = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        found = document.parent / target if target else document
        headings = {anchor(heading) for heading in HEADING.findall(read(found))} if fragment and found.exists() else ()
        if not found.exists() or (fragment and fragment not in headings):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_path_exists(document: Path) -> None:
    assert [path for path in PATH.findall(read(document)) if not is_there(path)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_target_of_make_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(CHECKOUT / "Makefile"), re.MULTILINE))
    assert {target for line in code(read(document)) for target in MAKE.findall(line)} <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_command_exists_with_its_options(document: Path) -> None:
    wrong = [said for line in code(read(document)) for said in unknown(line)]
    assert wrong == []


command_of = cache(typer.main.get_command)


def unknown(line: str) -> Iterator[str]:
    """What `line` says of `pemudik` that is no command of it, or no option of the command."""
    for said in COMMAND.findall(line):
        words: list[str] = said.split()
        commands = [command_of(app)]
        while words and isinstance(commands[0], TyperGroup) and not words[0].startswith("-"):
            known, names = commands[0].commands, words.pop(0).split("|")
            missing = [name for name in names if name not in known]
            if missing:
                yield from missing
                break
            commands = [known[name] for name in names]
        options = {option for command in commands for parameter in command.params for option in parameter.opts}
        yield from (word for one in words if (word := one.strip("[]")).startswith("--") and word not in options)


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_says_when_instead_of_what_and_where_to_start(page: Path) -> None:
    text = read(page)
    assert DATE.search(text)
    assert REPLACES.search(text)
    start = START.search(text)
    assert start
    files = SPAN.findall(start[1])
    assert any(is_there(file) for file in files)


def test_every_decision_is_in_the_table() -> None:
    assert sorted(re.findall(r"^\| \[[\w-]+\]\(([\w-]+\.md)\)", read(INDEX), re.MULTILINE)) == [
        page.name for page in DECISIONS
    ]


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads(read(CHECKOUT / "pyproject.toml"))["project"]["version"]
    headings = re.findall(r"^## (.+)$", read(CHECKOUT / "CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(version)}, 20\d\d-\d\d-\d\d", headings[1])
    assert f"This is version {version}." in read(CHECKOUT / "README.md")
    assert f"| {version.rpartition('.')[0]} | yes |" in read(CHECKOUT / "SECURITY.md")


def layers() -> dict[str, list[str]]:
    """The layers of each contract of import-linter, by the folder in which they are."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = [one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"]
    return {
        container.replace(".", "/"): [layer for floor in one["layers"] for layer in floor.split(" | ")]
        for one in contracts
        for container in one["containers"]
    }


@pytest.mark.parametrize(("folder", "names"), layers().items())
def test_the_page_about_rooms_names_each_layer(folder: str, names: list[str]) -> None:
    told = read(ROOMS).split(f"(`{folder}/`)")[1].split("(`app/")[0]
    spans = [part for span in SPAN.findall(told.replace("\n", " ")) for part in span.split(" | ")]
    assert [name for name in names if not {name, f"{folder}/{name}/"} & set(spans)] == []
