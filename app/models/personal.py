"""Which columns hold personal data: what tells who somebody is, in the clear, sealed, or as a blind index.

Whoever erases a registrant empties exactly its personal columns, so a new column is erased by its mark. A column must
be declared personal or impersonal if it can hold bytes, or if its table tells of people and its type can tell who they
are. `tests/test_architecture.py` finds a column that nobody has decided about.
"""

from sqlmodel import SQLModel

PERSONAL = {"info": {"personal": True}}
"""For `sa_column_kwargs`. Rows of other tables than `registrant` are deleted as a whole when their time is over."""
IMPERSONAL = {"info": {"personal": False}}
"""For `sa_column_kwargs` of a column that does not tell who somebody is."""


def wiped(table: type[SQLModel]) -> str:
    """The `SET` clause that empties every personal column of `table`."""
    return ", ".join(f"{name} = NULL" for name in personal_columns(table))


def personal_columns(table: type[SQLModel]) -> list[str]:
    return [column.name for column in table.__table__.columns if column.info.get("personal")]  # type: ignore[attr-defined]
