"""What happens between two statements of a use case, as if another process had done it just then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.db import Session


@contextmanager
def meanwhile(words: str, happens: Callable[[], Awaitable[Any]], *, before: bool = False) -> Iterator[list[str]]:
    """It happens once, behind the first statement that has these words, or before that one. All of these are noted."""
    execute, seen, happening = Session.execute, list[str](), False

    async def happen() -> None:
        nonlocal happening
        happening = True
        await happens()
        happening = False

    async def noting(session: Session, statement: Any, *given: Any, **options: Any) -> Any:
        if happening or words not in " ".join(str(statement).split()):
            return await execute(session, statement, *given, **options)
        seen.append(str(statement))
        is_first = len(seen) == 1
        if before and is_first:
            await happen()
        answer = await execute(session, statement, *given, **options)
        if is_first and not before:
            await happen()
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "execute", noting)
        yield seen
