"""Which columns hold personal data: what tells who somebody is, in the clear, sealed, or as a blind index.

The tables mark their columns (`app.models.tables.columns`), and whatever is marked is wiped.
"""

from app.models.personal_columns import PERSONAL_COLUMNS


def wiped(table: str) -> str:
    """The `SET` clause that empties every personal column of `table`."""
    return ", ".join(f"{name} = NULL" for name in PERSONAL_COLUMNS[table])
