"""Which columns hold personal data. Whoever erases a person wipes exactly these: a new column is wiped by its mark."""

from sqlmodel import SQLModel

PERSONAL = {"info": {"personal": True}}
"""For `sa_column_kwargs` of a column that tells who somebody is."""


def wiped(table: type[SQLModel]) -> str:
    """The `SET` clause that empties every personal column of `table`."""
    columns = [column.name for column in table.__table__.columns if column.info.get("personal")]  # type: ignore[attr-defined]
    return ", ".join(f"{name} = NULL" for name in columns)
