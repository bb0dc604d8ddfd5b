"""a new time of a held route, and moves to another route, in the log and as events

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0009'
down_revision: str | None = '0008'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = ['REGISTRANT_RESCHEDULED', 'ROUTE_RESCHEDULED']
EVENTS = ['registrant.rerouted', 'route.rescheduled']
VOCABULARIES = {
    ('change', 'kind'): KINDS,
    ('webhook', 'events'): EVENTS,
    ('webhook_delivery', 'event'): EVENTS,
}


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
    for (table, constraint), members in VOCABULARIES.items():
        first, rest = definition(table, constraint).split("ARRAY['", 1)
        added = ''.join(f"'{member}'::text, " for member in members)
        change(table, constraint, f"{first}ARRAY[{added}'{rest}")


def downgrade() -> None:
    # Rows of the newer vocabularies stay.
    for (table, constraint), members in VOCABULARIES.items():
        written = definition(table, constraint).removesuffix(' NOT VALID')
        for member in members:
            written = written.replace(f"'{member}'::text, ", '')
        change(table, constraint, f'{written} NOT VALID')
