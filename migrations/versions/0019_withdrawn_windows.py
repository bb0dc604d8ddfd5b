"""a withdrawn window is an event

Revision ID: 0019
Revises: 0018
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0019'
down_revision: str | None = '0018'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EVENT = 'window.withdrawn'
VOCABULARIES = (('webhook', 'events'), ('webhook_delivery', 'event'))


def definition(table: str, constraint: str) -> str:
    found = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name AND conrelid = CAST(:of AS regclass)"),
        {'name': f'ck_{table}_{constraint}', 'of': table},
    )
    return str(found.scalar_one())


def change(table: str, constraint: str, written: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{constraint}'), table, type_='check')
    op.execute(f'ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{constraint} {written}')


def upgrade() -> None:
    for table, constraint in VOCABULARIES:
        first, rest = definition(table, constraint).split("ARRAY['", 1)
        change(table, constraint, f"{first}ARRAY['{EVENT}'::text, '{rest}")


def downgrade() -> None:
    # Rows of the newer vocabulary stay.
    for table, constraint in VOCABULARIES:
        written = definition(table, constraint).removesuffix(' NOT VALID').replace(f"'{EVENT}'::text, ", '')
        change(table, constraint, f'{written} NOT VALID')
