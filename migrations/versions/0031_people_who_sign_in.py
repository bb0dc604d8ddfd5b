"""people who sign in to the pages, their links and sessions

Revision ID: 0031
Revises: 0030
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0031'
down_revision: str | None = '0030'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    'POLICY_SAVED', 'ORGANIZER_SAVED', 'WINDOW_SAVED', 'WINDOW_WITHDRAWN', 'SEASON_SAVED', 'CLIENT_ISSUED',
    'CLIENT_ROTATED', 'CLIENT_REVOKED', 'CLIENT_WEBHOOK_SECRET_ISSUED', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED',
    'NIK_ALLOWANCE_SET', 'NIK_ALLOWANCE_USED', 'NIK_ALARM_RAISED', 'CASE_DECIDED', 'QUOTA_RELEASED',
    'QUOTA_RELEASE_CANCELLED',
)
NEW = ('STAFF_ADDED', 'STAFF_REMOVED')
LISTED = ''.join(f"'{kind}'::text, " for kind in NEW)
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        'staff',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('email', sa.Text(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False),
        sa.Column('added_at', INSTANT, nullable=False),
        sa.Column('removed_at', INSTANT, nullable=True),
        sa.Column('last_signed_in_at', INSTANT, nullable=True),
        sa.CheckConstraint("role IN ('operator', 'organizer', 'posko', 'viewer')", name=op.f('ck_staff_role')),
        sa.ForeignKeyConstraint(['id'], ['client.id'], name=op.f('fk_staff_id_client')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_staff')),
    )
    op.create_index('uq_staff_email', 'staff', ['email'], unique=True, postgresql_where=sa.text('removed_at IS NULL'))
    _tokens('sign_in_link')
    _tokens('staff_session', sa.Column('began_at', INSTANT, nullable=False))
    first, rest = _kinds().split("ARRAY['", 1)
    _define(f"{first}ARRAY[{LISTED}'{rest}")
    _administrative((*BEFORE, *NEW))


def downgrade() -> None:
    _administrative(BEFORE)
    # Rows of the newer kinds stay.
    _define(f"{_kinds().removesuffix(' NOT VALID').replace(LISTED, '')} NOT VALID")
    for table in ('staff_session', 'sign_in_link', 'staff'):
        op.drop_table(table)


def _tokens(table: str, *columns: sa.Column[object]) -> None:
    """A table of digests of tokens, each of somebody of the staff, that end."""
    op.create_table(
        table,
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.Column('staff_id', sa.Text(), nullable=False),
        *columns,
        sa.Column('ends_at', INSTANT, nullable=False),
        sa.ForeignKeyConstraint(['staff_id'], ['staff.id'], name=op.f(f'fk_{table}_staff_id_staff')),
        sa.PrimaryKeyConstraint('digest', name=op.f(f'pk_{table}')),
    )
    op.create_index(op.f(f'ix_{table}_staff_id'), table, ['staff_id'])
    op.create_index(op.f(f'ix_{table}_ends_at'), table, ['ends_at'])


def _kinds() -> str:
    found = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_change_kind' AND conrelid = 'change'::regclass")
    )
    return str(found.scalar_one())


def _define(written: str) -> None:
    op.drop_constraint(op.f('ck_change_kind'), 'change', type_='check')
    op.execute(f'ALTER TABLE change ADD CONSTRAINT ck_change_kind {written}')


def _administrative(kinds: Sequence[str]) -> None:
    """The index of the changes that Hubdat reads."""
    where = f"kind IN ({', '.join(repr(kind) for kind in kinds)}) AND registrant_id IS NULL"
    op.drop_index('ix_change_administrative', table_name='change')
    op.create_index('ix_change_administrative', 'change', ['xact_id', 'id'], unique=False, postgresql_where=sa.text(where))
