"""sweeps that would end too many people at once, and wait

Revision ID: 0034
Revises: 0033
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0034'
down_revision: str | None = '0033'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    'POLICY_SAVED', 'ORGANIZER_SAVED', 'WINDOW_SAVED', 'WINDOW_WITHDRAWN', 'SEASON_SAVED', 'CLIENT_ISSUED',
    'CLIENT_ROTATED', 'CLIENT_REVOKED', 'CLIENT_WEBHOOK_SECRET_ISSUED', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED',
    'NIK_ALLOWANCE_SET', 'NIK_ALLOWANCE_USED', 'NIK_ALARM_RAISED', 'CASE_DECIDED', 'QUOTA_RELEASED',
    'QUOTA_RELEASE_CANCELLED', 'STAFF_ADDED', 'STAFF_REMOVED',
)
NEW = ('SWEEP_HALTED', 'SWEEP_ALLOWED')
VOCABULARIES = (
    ('change', 'kind', NEW),
    ('webhook', 'events', ('sweep.halted',)),
    ('webhook_delivery', 'event', ('sweep.halted',)),
)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'sweep_halt',
        sa.Column('organizer_code', sa.Text(), nullable=False),
        sa.Column('ends', sa.Text(), nullable=False),
        sa.Column('people', sa.Integer(), nullable=False),
        sa.Column('holders', sa.Integer(), nullable=False),
        sa.Column('due_until', INSTANT, nullable=False),
        sa.Column('halted_at', INSTANT, nullable=True),
        sa.Column('judged_at', INSTANT, nullable=False),
        sa.Column('allowed_until', INSTANT, server_default=sa.text("'-infinity'"), nullable=False),
        sa.CheckConstraint("ends IN ('FORFEITED', 'NO_SHOW')", name=op.f('ck_sweep_halt_ends')),
        sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], name=op.f('fk_sweep_halt_organizer_code_organizer')),
        sa.PrimaryKeyConstraint('organizer_code', 'ends', name=op.f('pk_sweep_halt')),
    )
    for table, constraint, words in VOCABULARIES:
        first, rest = _definition(table, constraint).split("ARRAY['", 1)
        _define(table, constraint, f"{first}ARRAY[{_listed(words)}'{rest}")
    _administrative((*BEFORE, *NEW))


def downgrade() -> None:
    _administrative(BEFORE)
    # Rows of the newer vocabulary stay.
    for table, constraint, words in VOCABULARIES:
        written = _definition(table, constraint).removesuffix(' NOT VALID').replace(_listed(words), '')
        _define(table, constraint, f'{written} NOT VALID')
    op.drop_table('sweep_halt')


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


def _administrative(kinds: Sequence[str]) -> None:
    """The index of the changes that Hubdat reads."""
    where = f"kind IN ({', '.join(repr(kind) for kind in kinds)}) AND registrant_id IS NULL"
    op.drop_index('ix_change_administrative', table_name='change')
    op.create_index('ix_change_administrative', 'change', ['xact_id', 'id'], unique=False, postgresql_where=sa.text(where))
