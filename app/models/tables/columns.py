"""What a column says of itself: whether it is personal, and which words it may hold.

Personal is what tells who somebody is: in the clear, sealed, or as a blind index. Whoever erases a registrant empties
exactly its personal columns, so a new column is erased by its mark. A column must be declared personal or impersonal if
it can hold bytes, or if its table tells of people and its type can tell who they are. `tests/test_architecture.py`
finds a column that nobody has decided about. `pemudik schema personal` writes what is marked into
`app/models/personal_columns.py`, since the program reads that and never these tables.
"""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Table
from sqlmodel import SQLModel

PERSONAL = {"info": {"personal": True}}
"""For `sa_column_kwargs`. Rows of other tables than `registrant` are deleted as a whole when their time is over."""
IMPERSONAL = {"info": {"personal": False}}
"""For `sa_column_kwargs` of a column that does not tell who somebody is."""


def marked() -> dict[str, list[str]]:
    """The personal columns of each table that has any, in the order of their names."""
    found = {table.name: _marked(table) for table in SQLModel.metadata.tables.values()}
    return {name: found[name] for name in sorted(found) if found[name]}


def _marked(table: Table) -> list[str]:
    return sorted(column.name for column in table.columns if column.info.get("personal"))


def one_of(column: str, vocabulary: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in vocabulary)
    return CheckConstraint(f"{column} IN ({members})", name=column)
