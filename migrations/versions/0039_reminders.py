"""webhooks hear of verifications, departures, cancellations and blocks, and are reminded of deadlines

Revision ID: 0039
Revises: 0038
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0039'
down_revision: str | None = '0038'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EVENTS = (
    'registrant.verified', 'registrant.departed', 'registrant.cancelled', 'deadline.in_48_hours', 'deadline.in_24_hours',
    'nik.blocked', 'nik.block_lifted', 'correction.asked',
)
VOCABULARIES = (
    ('change', 'kind', ('DEADLINE_NEARS',)),
    ('webhook', 'events', EVENTS),
    ('webhook_delivery', 'event', EVENTS),
)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table, constraint, words in VOCABULARIES:
        first, rest = _definition(table, constraint).split("ARRAY['", 1)
        _define(table, constraint, f"{first}ARRAY[{_listed(words)}'{rest}")
    op.create_table(
        'reminder',
        sa.Column('registrant_id', sa.Uuid(), nullable=False),
        sa.Column('hours', sa.Integer(), nullable=False),
        sa.Column('verify_by', INSTANT, nullable=False),
        sa.ForeignKeyConstraint(['registrant_id'], ['registrant.id'], name=op.f('fk_reminder_registrant_id_registrant')),
        sa.PrimaryKeyConstraint('registrant_id', 'hours', 'verify_by', name=op.f('pk_reminder')),
    )
    op.create_index('ix_reminder_verify_by', 'reminder', ['verify_by'])
    op.create_table(
        'reminder_round',
        sa.Column('hours', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('until', INSTANT, nullable=False),
        sa.PrimaryKeyConstraint('hours', name=op.f('pk_reminder_round')),
    )


def downgrade() -> None:
    op.drop_table('reminder_round')
    op.drop_table('reminder')
    # Rows of the newer vocabulary stay.
    for table, constraint, words in VOCABULARIES:
        written = _definition(table, constraint).removesuffix(' NOT VALID').replace(_listed(words), '')
        _define(table, constraint, f'{written} NOT VALID')


def _listed(words: Sequence[str]) -> str:
    return ''.join(f"'{word}'::text, " for word in words)


def _definition(table: str, constraint: str) -> str:
    found = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name AND conrelid = CAST(:of AS regclass)"),
        {'name': f'ck_{table}_{constraint}', 'of': table},
    )
    return str(found.scalar_one())


def _define(table: str, constraint: str, written: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{constraint}'), table, type_='check')
    op.execute(f'ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{constraint} {written}')
