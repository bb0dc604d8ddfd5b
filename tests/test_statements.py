"""Every SQL statement of the program is prepared on the migrated database, and its columns are what reads them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import asyncpg
import pytest

import app
from app.sql import Statement

pytestmark = pytest.mark.anyio

PYTHON: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int2": (int,),
    "int4": (int,),
    "int8": (int,),
    "float4": (float,),
    "float8": (float,),
    "text": (str,),
    "varchar": (str,),
    "name": (str,),
    "json": (dict,),
    "jsonb": (dict,),
    "bytea": (bytes,),
    "uuid": (UUID,),
    "timestamptz": (datetime,),
    "date": (date,),
}
"""What a column of a type of PostgreSQL may be read as."""


def statements() -> Iterator[tuple[str, Statement[Any]]]:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name.rpartition(".")[2] in {"__main__", "unprivileged"}:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for place, one in statements_in(value):
                yield f"{module.name}.{name}{place}", one


def statements_in(value: object) -> Iterator[tuple[str, Statement[Any]]]:
    """A statement, or all those that stand in a tuple, in a list or in the values of a dictionary."""
    if isinstance(value, Statement):
        yield "", value
    elif isinstance(value, tuple | list | dict):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from ((f"[{key}]{place}", one) for place, one in statements_in(part))


def parts(hint: object) -> tuple[object, ...]:
    """The types that a field may have: `str` of `str | None`."""
    if get_origin(hint) in {Union, UnionType}:
        return tuple(part for part in get_args(hint) if part is not NoneType)
    return (hint,)


def is_read_as(hint: object, column: asyncpg.Attribute) -> bool:
    """An array is read as a list of any kind; a text as a string or as an enum of strings."""
    if column.type.kind == "array":
        return all(get_origin(part) in {list, tuple} or part in {list, tuple} for part in parts(hint))
    allowed = PYTHON.get(column.type.name, ())
    return all(isinstance(part, type) and issubclass(part, allowed) for part in parts(hint))


ALL = dict(statements())


@pytest.mark.parametrize("name", ALL)
async def test_its_columns_are_those_that_are_read(name: str, database_url: str) -> None:
    statement = ALL[name]
    text, _ = statement.numbered
    connection = await asyncpg.connect(database_url)
    try:
        columns = (await connection.prepare(text)).get_attributes()
    finally:
        await connection.close()
    if statement.row is NoneType:
        return
    if statement.is_scalar:
        [column] = columns
        assert is_read_as(statement.row, column), (column.name, column.type.name)
        return
    assert {column.name for column in columns} == set(statement.fields)
    assert len(columns) == len(statement.fields)
    wrong = {one.name: one.type.name for one in columns if not is_read_as(statement.fields[one.name], one)}
    assert wrong == {}


def test_they_are_found() -> None:
    assert len(ALL) > 5
