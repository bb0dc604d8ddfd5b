"""Particulars: what an organizer may tell of a registration beside the person, the route and a motorcycle's papers.

One field here is a column of the table `registrant`. The field then comes in by submissions and rows, can be corrected,
is stored, read, exported and explained in the template, everywhere from this declaration. Who may see it follows from
the mark of the column (`app.models.personal`). Only GraphQL names the fields itself: each has a description there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import Any, NamedTuple

from app.errors import InvalidValue, refuses
from app.registry.values import texts


class Told(NamedTuple):
    """How a particular is told in rows and files, and what is a good value of it."""

    column: str
    given: Callable[[str | None], str | InvalidValue | None]
    """The tidied value, or why it is refused. None: nothing was told."""
    meaning: str
    """For the template, in Indonesian."""


def _told(column: str, given: Callable[[str | None], str | InvalidValue | None], meaning: str) -> Any:
    return field(default=None, metadata={"told": Told(column, given, meaning)})


# A booking code may tell who somebody is. So neither this class nor one that adds fields shows itself in a text.
@dataclass(slots=True, kw_only=True, repr=False)
class Particulars:
    """None: not told."""

    reference: str | None = _told(
        "kode_booking", texts.reference_given, "Opsional, kolom tambahan. Kode booking milik penyelenggara."
    )
    identity_document: str | None = _told(
        "jenis_dokumen",
        texts.document_given,
        "Opsional, kolom tambahan. Dokumen identitas yang ditunjukkan: KTP, SIM, KK atau KIA.",
    )


TOLD: dict[str, Told] = {one.name: one.metadata["told"] for one in fields(Particulars)}
"""By the name of the field."""
NAMES = tuple(TOLD)
_VALUES = attrgetter(*NAMES)
COLUMNS = tuple(told.column for told in TOLD.values())


def of(one: Particulars) -> dict[str, Any]:
    """The values of `one` alone, if it holds more than its particulars."""
    return dict(zip(NAMES, _VALUES(one), strict=True))


@refuses(InvalidValue)
def judge(one: Particulars) -> Particulars | InvalidValue:
    """The particulars of `one`, tidied, or the first that is refused."""
    return _judge(of(one))


@refuses(InvalidValue)
def of_row(cells: Mapping[str, str]) -> Particulars | InvalidValue:
    """From the cells of a row by column. A refusal names the column."""
    values = _judge({name: cells.get(told.column) for name, told in TOLD.items()})
    if isinstance(values, InvalidValue):
        return replace(values, field=column_of(values.field))
    return values


def column_of(field: str) -> str:
    """The column of the particular that a refusal calls `field`, as GraphQL does."""
    return next((told.column for name, told in TOLD.items() if public_name(name) == field), field)


def public_name(name: str) -> str:
    """As GraphQL calls the field: `identityDocument`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _judge(values: Mapping[str, str | None]) -> Particulars | InvalidValue:
    tidy: dict[str, str | None] = {}
    for name, value in values.items():
        given = TOLD[name].given(value)
        if isinstance(given, InvalidValue):
            return given
        tidy[name] = given
    return Particulars(**tidy)
