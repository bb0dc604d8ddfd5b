"""The blocks of the guide for organizers that are to be executed, in the order of its pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.web.guide_pages import FOLDER, ORDER

STEP = re.compile(r"^```((?:sh|graphql|php)(?: \w+)?)\n(.*?)^```\n(?:```json\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
"""A block, and what stands below it: the answer of commands, the variables of a document."""
COST = re.compile(r',"extensions":\{"cost":\{[^}]*\}\}')


def steps(kind: str, pages: Iterable[str] = ORDER) -> list[tuple[str, str]]:
    """`sh uji` is one that is run in test mode alone."""
    texts = [(FOLDER / "id" / f"{name}.md").read_text(encoding="utf-8") for name in pages]
    return [(text, below) for page in texts for found, text, below in STEP.findall(page) if found == kind]


def is_said(below: str, answer: str) -> bool:
    """`…` is another value each time."""
    pattern = re.escape(below.strip()).replace("…", r"[^\"]+?")
    return re.fullmatch(pattern, COST.sub("", answer.strip())) is not None


def refusals(value: Any) -> list[Any]:
    """A `Problem` tells a code and a message, also in a list of them."""
    if isinstance(value, list):
        return [found for one in value for found in refusals(one)]
    if not isinstance(value, dict):
        return []
    own = [value] if {"code", "message"} <= value.keys() else []
    return own + [found for one in value.values() for found in refusals(one)]
