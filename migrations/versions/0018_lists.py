"""who changed what, and when a client was last there

Revision ID: 0018
Revises: 0017
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0018'
down_revision: str | None = '0017'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ADMINISTRATIVE = (
    "kind IN ('POLICY_SAVED', 'ORGANIZER_SAVED', 'WINDOW_SAVED', 'WINDOW_WITHDRAWN', 'SEASON_SAVED', 'CLIENT_ISSUED',"
    " 'CLIENT_ROTATED', 'CLIENT_REVOKED', 'CLIENT_WEBHOOK_SECRET_ISSUED', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED',"
    " 'CASE_DECIDED', 'QUOTA_RELEASED', 'QUOTA_RELEASE_CANCELLED') AND registrant_id IS NULL"
)


def upgrade() -> None:
    op.add_column('client', sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True))
    # While an index is made, nobody writes the log. On a large one, make it by hand before, CONCURRENTLY.
    op.create_index('ix_change_administrative', 'change', ['xact_id', 'id'], unique=False, postgresql_where=sa.text(ADMINISTRATIVE), if_not_exists=True)


def downgrade() -> None:
    op.drop_index('ix_change_administrative', table_name='change', postgresql_where=sa.text(ADMINISTRATIVE))
    op.drop_column('client', 'last_used_at')
