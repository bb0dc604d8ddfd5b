"""Sequence diagrams of the guide: a few lines of text become an SVG of our own, without a script and without a library.

    Aplikasi -> Registri: submitRegistrant
    Registri --> Aplikasi: Submission
    == Pada hari keberangkatan ==

`->` is a call, `-->` an answer. Who takes part stands in the order in which they are named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, MARGIN, HEAD, STEP = 190, 80, 44, 46
"""Pixels: from one life line to the next, before the first, down to the first message, from one message to the next."""
_MESSAGE = re.compile(r"(?P<sender>[^:>-]+?) *(?P<arrow>-->|->) *(?P<receiver>[^:]+?): *(?P<text>.+)")
_NOTE = re.compile(r"== *(?P<text>.+?) *==")


class SequenceLine(NamedTuple):
    """A message, or a note across all life lines, which nobody sends."""

    text: str
    sender: str = ""
    receiver: str = ""
    is_answer: bool = False


def read(text: str) -> list[SequenceLine]:
    """Raises `ValueError`: a line is neither a message nor a note."""
    return [_line(line) for line in text.splitlines() if line.strip()]


def drawn(text: str) -> str:
    """The SVG. Who hears the page read hears each message in its order."""
    lines = read(text)
    parties = list(dict.fromkeys(name for line in lines for name in (line.sender, line.receiver) if name))
    at = {name: MARGIN + WIDTH * place for place, name in enumerate(parties)}
    width, height = 2 * MARGIN + WIDTH * (len(parties) - 1), HEAD + STEP * len(lines) + 20
    parts = [
        f'<svg class="sequence" role="img" width="{width}" height="{height}" viewBox="0 0 {width} {height}"',
        f' aria-label="{escape(_said(lines))}">',
        *(_life_line(name, x, height) for name, x in at.items()),
        *(_drawn(line, at, HEAD + STEP * place + 26, width) for place, line in enumerate(lines)),
        "</svg>",
    ]
    return "".join(parts)


def _line(line: str) -> SequenceLine:
    if note := _NOTE.fullmatch(line.strip()):
        return SequenceLine(note["text"])
    found = _MESSAGE.fullmatch(line.strip())
    if found is None:
        raise ValueError(f"no message: {line}")
    return SequenceLine(found["text"], found["sender"], found["receiver"], found["arrow"] == "-->")


def _said(lines: Sequence[SequenceLine]) -> str:
    return " ".join(f"{one.sender} → {one.receiver}: {one.text}." if one.sender else f"{one.text}." for one in lines)


def _life_line(name: str, x: int, height: int) -> str:
    return (
        f'<line class="life" x1="{x}" y1="32" x2="{x}" y2="{height}"/>'
        f'<rect class="party" x="{x - 76}" y="4" width="152" height="28" rx="4"/>'
        f'<text class="name" x="{x}" y="23">{escape(name)}</text>'
    )


def _drawn(line: SequenceLine, at: dict[str, int], y: int, width: int) -> str:
    if not line.sender:
        return f'<text class="between" x="{width // 2}" y="{y}">{escape(line.text)}</text>'
    start, end = at[line.sender], at[line.receiver]
    tip = 7 if end > start else -7
    kind = "answer" if line.is_answer else "call"
    return (
        f'<line class="{kind}" x1="{start}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<path class="tip" d="M{end} {y}l{-tip} -4v8z"/>'
        f'<text class="message" x="{(start + end) // 2}" y="{y - 7}">{escape(line.text)}</text>'
    )
