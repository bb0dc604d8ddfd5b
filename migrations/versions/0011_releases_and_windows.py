"""daily releases; windows are withdrawn

Revision ID: 0011
Revises: 0010
"""

import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0011'
down_revision: str | None = '0010'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NEW_KINDS = ('QUOTA_RELEASE_CANCELLED', 'WINDOW_WITHDRAWN')


def allow(kinds: Callable[[list[str]], list[str]], validated: str = '') -> None:
    """The members of the CHECK as it is, with what this migration adds to them or takes away."""
    allowed = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_change_kind'")
    ).scalar_one()
    members = ', '.join(f"'{kind}'" for kind in kinds(re.findall(r"'(\w+)'", allowed)))
    op.drop_constraint(op.f('ck_change_kind'), 'change', type_='check')
    op.execute(f"ALTER TABLE change ADD CONSTRAINT ck_change_kind CHECK (kind IN ({members})) {validated}")


def upgrade() -> None:
    op.add_column('quota_release', sa.Column('daily_id', sa.Uuid(), nullable=True))
    op.create_index('ix_quota_release_daily_id', 'quota_release', ['daily_id'], unique=False, postgresql_where=sa.text('daily_id IS NOT NULL'))
    allow(lambda kinds: [*kinds, *NEW_KINDS])


def downgrade() -> None:
    # The log is append-only: what stands in it of the new kinds stays.
    allow(lambda kinds: [kind for kind in kinds if kind not in NEW_KINDS], 'NOT VALID')
    op.drop_index('ix_quota_release_daily_id', table_name='quota_release', postgresql_where=sa.text('daily_id IS NOT NULL'))
    op.drop_column('quota_release', 'daily_id')
