"""A finding of `pemudik doctor`: what was looked at, whether it is good, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    good: bool
    detail: str
    todo: str | None = None


def good(what: str, detail: str) -> Finding:
    return Finding(what, good=True, detail=detail)


def wrong(what: str, detail: str, todo: str | None = None) -> Finding:
    return Finding(what, good=False, detail=detail, todo=todo)
