"""A version of the program in which somebody has given registrants a new column, and has marked it as personal.

It erases one registrant and purges what is due: `python -m tests.privacy.a_new_column DATABASE_URL HOME REGISTRANT`.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Column, Text

from app.models.personal_columns import PERSONAL_COLUMNS
from app.models.tables.columns import PERSONAL, marked
from app.models.tables.registrant import Registrant
from tests import queries

Registrant.__table__.append_column(Column("nickname", Text, info=PERSONAL["info"]))  # type: ignore[attr-defined]
# As `pemudik schema personal` writes it down. Nothing has read it yet.
PERSONAL_COLUMNS.update(marked())

from app.config import Settings  # noqa: E402
from app.db import Database  # noqa: E402
from app.registry import erasure, sweep  # noqa: E402
from app.registry.registrants.lookup import Ref  # noqa: E402
from app.vault.vault import open_vault  # noqa: E402
from tests.world import HUBDAT, NOW  # noqa: E402


async def main(url: str, home: str, registrant: str) -> None:
    database, vault = Database(url), open_vault(Settings(home=Path(home)), create=True)
    ref = Ref(id=UUID(registrant))
    await database.attempt(lambda session: erasure.erase(session, vault, HUBDAT, ref, "Permintaan", NOW))
    await show(database, "erased")
    await sweep.sweep(database, NOW + timedelta(days=400))
    await show(database, "purged")
    await database.dispose()


async def show(database: Database, when: str) -> None:
    async with database.transaction() as session:
        found = await queries.run(session, "SELECT nickname FROM registrant ORDER BY id")
        sys.stdout.write(" ".join((when, *(str(row.nickname) for row in found))) + "\n")


asyncio.run(main(*sys.argv[1:]))
