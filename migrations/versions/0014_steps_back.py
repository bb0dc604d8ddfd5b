"""ends are taken back: when, the routes whose departure was put right, and the event

Revision ID: 0014
Revises: 0013
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0014'
down_revision: str | None = '0013'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EVENT = 'registrant.reopened'
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
    op.add_column('registrant', sa.Column('reopened_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('route', sa.Column('put_right_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_route_put_right', 'route', ['put_right_at', 'id'], unique=False, postgresql_where=sa.text('put_right_at IS NOT NULL'))
    for table, constraint in VOCABULARIES:
        first, rest = definition(table, constraint).split("ARRAY['", 1)
        change(table, constraint, f"{first}ARRAY['{EVENT}'::text, '{rest}")


def downgrade() -> None:
    # Rows of the newer vocabulary stay.
    for table, constraint in VOCABULARIES:
        written = definition(table, constraint).removesuffix(' NOT VALID').replace(f"'{EVENT}'::text, ", '')
        change(table, constraint, f'{written} NOT VALID')
    op.drop_index('ix_route_put_right', table_name='route', postgresql_where=sa.text('put_right_at IS NOT NULL'))
    op.drop_column('route', 'put_right_at')
    op.drop_column('registrant', 'reopened_at')
