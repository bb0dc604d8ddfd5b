"""A witness of every refusal: what a use case returns or raises must be what its `@refuses` declares.

`watch` takes the place of `app.errors.refuses` before the use cases are imported, so it must be the first of their
imports. A refusal that is not declared fails the test in which it was given. After the whole suite the summary names
what is declared and was never given, over all workers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from inspect import isasyncgenfunction, iscoroutinefunction
from typing import Any

import pytest

from app import errors
from app.errors import Refusal, RefusalError

Pair = tuple[str, str]
"""A use case and the code of a refusal."""

declared: set[Pair] = set()
seen: set[Pair] = set()
undeclared: list[Pair] = []
"""Of the test that runs."""

_DEPTH = 4
"""How deep in lists, tuples and dataclasses a refusal is looked for."""


def watch(*kinds: type[Refusal]) -> Callable[[Any], Any]:
    """`app.errors.refuses`, which has every call looked through."""

    def declare(use_case: Any) -> Any:
        name = f"{use_case.__module__}.{use_case.__qualname__}"
        codes = {kind.code for kind in kinds}
        declared.update((name, code) for code in codes)

        def note(refusal: Refusal) -> None:
            (seen.add if isinstance(refusal, kinds) else undeclared.append)((name, refusal.code))

        watched = _watched(use_case, note)
        watched.refuses = kinds
        return watched

    return declare


def _watched(use_case: Any, note: Callable[[Refusal], None]) -> Any:
    assert not isasyncgenfunction(use_case), "nothing looks through what a generator yields"

    @functools.wraps(use_case)
    async def awaited(*args: Any, **named: Any) -> Any:
        try:
            answer = await use_case(*args, **named)
        except RefusalError as error:
            note(error.refusal)
            raise
        for refusal in refusals_in(answer):
            note(refusal)
        return answer

    @functools.wraps(use_case)
    def called(*args: Any, **named: Any) -> Any:
        try:
            answer = use_case(*args, **named)
        except RefusalError as error:
            note(error.refusal)
            raise
        for refusal in refusals_in(answer):
            note(refusal)
        return answer

    return awaited if iscoroutinefunction(use_case) else called


def refusals_in(answer: object, depth: int = _DEPTH) -> list[Refusal]:
    if isinstance(answer, Refusal):
        return [answer]
    parts = _parts_of(answer) if depth else ()
    may_hold_one = [part for part in parts if _may_hold_one(type(part))]  # type: ignore[arg-type] # as types have hashes
    return [refusal for part in may_hold_one for refusal in refusals_in(part, depth - 1)]


def _parts_of(answer: object) -> Iterable[object]:
    if isinstance(answer, list | tuple):
        return answer
    return [getattr(answer, name, None) for name in _fields_of(type(answer))]  # type: ignore[arg-type]


# Every answer of every use case is looked through, and most of what it holds is a text, a number or a time.
@cache
def _may_hold_one(type_: type) -> bool:
    return issubclass(type_, list | tuple) or is_dataclass(type_)


@cache
def _fields_of(type_: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(type_)) if is_dataclass(type_) else ()


errors.refuses = watch


# --- what pytest is told ----------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    undeclared.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    answer = yield
    if undeclared:
        pytest.fail(f"Refused, and not declared by @refuses: {sorted(set(undeclared))}", pytrace=False)
    return answer


class Tally:
    """Over all workers: what was declared, and what of that was given."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.declared: set[Pair] = set()
        self.seen: set[Pair] = set()

    def add(self, declared: Iterable[Pair], seen: Iterable[Pair]) -> None:
        self.declared |= {(name, code) for name, code in declared if name.startswith("app.")}
        self.seen |= {(name, code) for name, code in seen}

    @property
    def never_seen(self) -> list[Pair]:
        return sorted(self.declared - self.seen)

    @property
    def is_of_the_whole_suite(self) -> bool:
        option = self.config.option
        choices = ("keyword", "markexpr", "collectonly", "deselect", "lf", "stepwise")
        chosen = any(getattr(option, choice, None) for choice in choices)
        return self.config.args_source is pytest.Config.ArgsSource.TESTPATHS and not chosen

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.add(*getattr(node, "workeroutput", {}).get("refusals", ((), ())))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["refusals"] = (sorted(declared), sorted(seen))
            return
        self.add(declared, seen)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.never_seen and (self.is_of_the_whole_suite or self.config.option.verbose > 0):
            terminalreporter.section("Refusals that are declared and were never given")
            for name, code in self.never_seen:
                terminalreporter.line(f"{name}: {code}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Tally(config))
