"""SQL by name: what the rules say to a database, without knowing which driver says it.

A `Statement` is SQL text with named arguments (`:season`), and the type of a row of its result. A column goes to the
field of the same name, so no column is ever read by its position. `Arrays` hands many items to one statement, as one
array for each column. A `Session` runs statements; `app.db` makes sessions. `tests/test_statements.py` prepares every
statement on the migrated database, and compares its columns and their types with the fields that read them.

Some SQL is no `Statement`, since no test can prepare it on the migrated database: it makes, names or drops databases
(`app.testmode`), it speaks of the list of test registries, which is another database, or it asks about the connection
itself (`app.operating`, `app.changes.log.wake`). `tests/test_architecture.py` names these files: no other one gives
text to the driver.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from inspect import signature
from operator import attrgetter
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_type_hints, overload
from uuid import UUID

if TYPE_CHECKING:
    from asyncpg import Record

Result = TypeVar("Result")
Item = TypeVar("Item")

SCALARS = (bool, int, float, str, bytes, datetime, date, UUID, list)
"""A row type of these is the single column of the result. Any other row type has a field for each column."""

SQL_TYPES: dict[object, str] = {
    bool: "boolean",
    int: "int",
    float: "float8",
    str: "text",
    bytes: "bytea",
    datetime: "timestamptz",
    date: "date",
    UUID: "uuid",
}
"""The SQL type of the items of an array, by their type in Python. Another SQL type is named by `Annotated[int,
"bigint"]`.
"""

_ARGUMENT = re.compile(r"(?<![:\w]):([a-z][a-z_0-9]*)")


class Statement(Generic[Result]):
    """One SQL text. Two statements with the same text are two statements."""

    def __init__(self, text: str, row: type[Result]) -> None:
        self.text = text
        self.row = row
        self.is_scalar = row in SCALARS

    @cached_property
    def numbered(self) -> tuple[str, tuple[str, ...]]:
        """The text with `$1`, `$2` … as PostgreSQL itself writes arguments, and their names in that order."""
        names = tuple(dict.fromkeys(_ARGUMENT.findall(self.text)))
        return _ARGUMENT.sub(lambda found: f"${names.index(found[1]) + 1}", self.text), names

    @cached_property
    def fields(self) -> dict[str, object]:
        """The columns of the result that are read, and their types in Python. None are read of a scalar by name."""
        return {} if self.row is NoneType or self.is_scalar else get_type_hints(self.row)

    def in_order(self, arguments: Mapping[str, object]) -> list[object]:
        """The `arguments` in the order of their numbers."""
        _, names = self.numbered
        return [arguments[name] for name in names]

    def build(self, records: Sequence[Record]) -> list[Result]:
        """A `Result` of each of `records`."""
        if self.is_scalar:
            return [record[0] for record in records]
        if records and tuple(records[0].keys()) == self._positions:
            return [self.row(*record) for record in records]
        return [self.row(**record) for record in records]

    @cached_property
    def _positions(self) -> tuple[str, ...]:
        """The fields of a row that need no name, in their order."""
        parameters = signature(self.row).parameters.values()
        return tuple(one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD)


@overload
def statement(text: str) -> Statement[None]: ...
@overload
def statement(text: str, row: type[Result]) -> Statement[Result]: ...
def statement(text: str, row: type[Any] = NoneType) -> Statement[Any]:
    """`text`, whose result has rows of `row`. Without `row` nothing is read of the result but how many rows it has."""
    return Statement(text, row)


class Arrays(Generic[Item]):
    """Many items as one array for each field of `item`: a NamedTuple, or a dataclass of at least two fields. The arrays
    are, as text, the table that a statement selects from:

        LEGS = Arrays("leg", LegRow)
        statement(f"INSERT INTO … SELECT leg.id, leg.season FROM {LEGS}")
        await session.run(INSERT, **LEGS.of(legs))

    `numbered` adds a column `place`, which counts the items from 1.
    """

    def __init__(self, alias: str, item: type[Item], *, numbered: bool = False) -> None:
        types = {name: _sql_type(hint) for name, hint in get_type_hints(item, include_extras=True).items()}
        arrays = ", ".join(f"CAST(:{alias}_{name} AS {type_}[])" for name, type_ in types.items())
        self._are_tuples = issubclass(item, tuple)
        self._values = attrgetter(*types)
        self._arguments = tuple(f"{alias}_{name}" for name in types)
        ordinality, place = (" WITH ORDINALITY", ", place") if numbered else ("", "")
        self._text = f"unnest({arrays}){ordinality} AS {alias} ({', '.join(types)}{place})"

    def __str__(self) -> str:
        return self._text

    def of(self, items: Sequence[Item]) -> dict[str, list[object]]:
        """The arguments of a statement that selects from this table."""
        rows = items if self._are_tuples else map(self._values, items)
        columns = zip(*rows, strict=True) if items else ((),) * len(self._arguments)
        return {name: list(column) for name, column in zip(self._arguments, columns, strict=True)}


class SessionInterface(ABC):
    """What runs statements, within one transaction or each by itself: see `app.db.Database`."""

    wrote_change_log: bool = False
    """Whoever writes the change log sets this. A commit then wakes those who follow the log."""
    rehearsed: list[Any] | None = None
    """Of a rehearsal, which is rolled back: what has to be written down apart, before anything of it is answered."""

    @abstractmethod
    async def run(self, statement: Statement[Any], /, **arguments: object) -> int:
        """Run `statement`. How many rows it wrote."""

    @abstractmethod
    async def rows(self, statement: Statement[Result], /, **arguments: object) -> list[Result]:
        """All rows of the result."""

    async def first(self, statement: Statement[Result], /, **arguments: object) -> Result | None:
        """The first row of the result, or None."""
        rows = await self.rows(statement, **arguments)
        return rows[0] if rows else None

    async def one(self, statement: Statement[Result], /, **arguments: object) -> Result:
        """The only row of a result that always has one."""
        [row] = await self.rows(statement, **arguments)
        return row


def _sql_type(hint: object) -> str:
    """`str` and `str | None` are `text`; `Annotated[int, "bigint"]` is what it says."""
    told = getattr(hint, "__metadata__", None)
    if told:
        return str(told[0])
    [type_] = [part for part in get_args(hint) if part is not NoneType] or [hint]
    told = getattr(type_, "__metadata__", None)
    return str(told[0]) if told else next(name for known, name in SQL_TYPES.items() if _is(type_, known))


def _is(type_: object, known: object) -> bool:
    """An enum of strings is a string."""
    return type_ is known or (known is str and isinstance(type_, type) and issubclass(type_, str))
