"""the cases that nobody has decided are found without looking through the others

Revision ID: 0043
Revises: 0042
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0043'
down_revision: str | None = '0042'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index('ix_duplicate_case_open', 'duplicate_case', ['id'], postgresql_where=sa.text("state = 'OPEN'"))


def downgrade() -> None:
    op.drop_index('ix_duplicate_case_open', table_name='duplicate_case')
