"""when somebody last looked for walks through NIKs

Revision ID: 0029
Revises: 0028
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0029'
down_revision: str | None = '0028'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('heartbeat', sa.Column('looked_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('heartbeat', 'looked_at')
