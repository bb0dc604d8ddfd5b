"""Figures that many look at: what one page was answered is the answer of every page that would be told the same.

A hundred open dashboards ask for the same figures every ten seconds. For a second they share one answer. Whoever has
just changed something asks with `Cache-Control: no-cache`, and is answered anew. Programs are always answered anew:
theirs is a contract about the moment, and a page says how old its figures are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass

import orjson
from graphql import ExecutionResult

from app.auth.sessions import Credential, SessionCookie
from app.graphql.doors.repeats import Asked

SHARED_FOR_SECONDS = 1.0
MOST_ANSWERS = 64
"""One process keeps this many."""
FIGURES = frozenset({"statistics", "pulse", "attention", "windows", "sweepHalts"})
"""Root fields whose answer depends on the scopes, the organizer and the language of who asks, and on nothing else of
theirs. None of them names a registrant.
"""

Execute = Callable[[Asked], Awaitable[ExecutionResult]]


@dataclass(frozen=True, slots=True)
class _SharedAnswer:
    began_at: float
    result: asyncio.Future[ExecutionResult]
    asked: Asked
    """Kept: as long as it lives, no other operation has its `id`."""


class SharedAnswers:
    """A process has one."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._answers: dict[Hashable, _SharedAnswer] = {}

    async def result(self, asked: Asked, credential: Credential, headers: Mapping[bytes, bytes]) -> ExecutionResult:
        """What `execute` says to `asked`, or said a moment ago. Raises what `execute` raises."""
        if not _is_shared(asked, credential, headers):
            return await self._execute(asked)
        key, now = _key(asked), time.monotonic()
        found = self._answers.get(key)
        if found is None or now - found.began_at >= SHARED_FOR_SECONDS:
            found = self._begun(key, asked, now)
        # One page that goes away must not take the answer from the others.
        return await asyncio.shield(found.result)

    def _begun(self, key: Hashable, asked: Asked, now: float) -> _SharedAnswer:
        answer = _SharedAnswer(now, asyncio.ensure_future(self._execute(asked)), asked)
        self._answers.pop(key, None)
        self._answers[key] = answer
        if len(self._answers) > MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]

        def forget_failure(result: asyncio.Future[ExecutionResult]) -> None:
            failed = result.cancelled() or result.exception() is not None or bool(result.result().errors)
            if failed and self._answers.get(key) is answer:
                del self._answers[key]

        answer.result.add_done_callback(forget_failure)
        return answer


def _is_shared(asked: Asked, credential: Credential, headers: Mapping[bytes, bytes]) -> bool:
    """A mutation is never one of `FIGURES`."""
    return (
        isinstance(credential, SessionCookie)
        and FIGURES.issuperset(asked.found.operation.root_field_names.split(","))
        and b"no-cache" not in headers.get(b"cache-control", b"")
    )


def _key(asked: Asked) -> Hashable:
    caller = asked.principal.caller
    who = caller.organizer, caller.members, caller.owns_nothing, asked.principal.scopes, asked.language
    return id(asked.found.operation), orjson.dumps(asked.found.variables, option=orjson.OPT_SORT_KEYS), who
