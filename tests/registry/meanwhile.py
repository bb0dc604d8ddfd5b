"""What happens between two statements of a use case, as if another process had done it just then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests import queries
from tests.queries import Runs


@contextmanager
def meanwhile(words: str, happens: Callable[[], Awaitable[Any]], *, before: bool = False) -> Iterator[list[str]]:
    """It happens once, behind the first statement that has these words, or before that one. All of these are noted."""
    seen, happening = list[str](), False

    async def happen() -> None:
        nonlocal happening
        happening = True
        await happens()
        happening = False

    async def noting(sql: str, runs: Runs) -> Any:
        if happening or words not in " ".join(sql.split()):
            return await runs()
        seen.append(sql)
        is_first = len(seen) == 1
        if before and is_first:
            await happen()
        answer = await runs()
        if is_first and not before:
            await happen()
        return answer

    with queries.around(noting):
        yield seen
