"""SQL that a test writes as it needs it, run in a session of the program; and what tests see of statements that run."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from asyncpg import Record

from app.db import Session
from app.sql import Statement

_NONE: Mapping[str, object] = {}


class _Free(Statement[Any]):
    """Its rows are named tuples of the columns that come."""

    def build(self, records: Sequence[Record]) -> list[Any]:
        return [_row(*record.keys())(*record) for record in records]


@cache
def _row(*columns: str) -> Any:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 - its columns are known when it runs


@cache
def _free(sql: str) -> _Free:
    return _Free(sql, Any)


async def run(session: Session, sql: str, values: Mapping[str, object] = _NONE) -> list[Any]:
    """The rows of the result."""
    return await session.rows(_free(sql), **values)


async def row(session: Session, sql: str, values: Mapping[str, object] = _NONE) -> Any:
    """The only row."""
    [found] = await run(session, sql, values)
    return found


async def value(session: Session, sql: str, values: Mapping[str, object] = _NONE) -> Any:
    """The only column of the only row."""
    [found] = await row(session, sql, values)
    return found


async def column(session: Session, sql: str, values: Mapping[str, object] = _NONE) -> list[Any]:
    """The first column of each row."""
    return [found[0] for found in await run(session, sql, values)]


Runs = Callable[[], Awaitable[Any]]


@contextmanager
def around(act: Callable[[str, Runs], Awaitable[Any]]) -> Iterator[None]:
    """Inside, each statement is run by `act`, which is told its text."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("run", "rows"):
            patch.setattr(Session, name, _acting(getattr(Session, name), act))
        yield


def _acting(issue: Callable[..., Awaitable[Any]], act: Callable[[str, Runs], Awaitable[Any]]) -> Any:
    async def acting(session: Session, statement: Statement[Any], /, **arguments: object) -> Any:
        return await act(statement.text, lambda: issue(session, statement, **arguments))

    return acting


@contextmanager
def noted() -> Iterator[list[str]]:
    """The SQL that is run inside."""
    seen: list[str] = []

    async def note(sql: str, runs: Runs) -> Any:
        seen.append(sql)
        return await runs()

    with around(note):
        yield seen
