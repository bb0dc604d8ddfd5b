"""the pages of a season's routes

Revision ID: 0007
Revises: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0007'
down_revision: str | None = '0006'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index('ix_route_season_id', 'route', ['season', 'id'], unique=False, postgresql_where=sa.text('merged_into IS NULL'))


def downgrade() -> None:
    op.drop_index('ix_route_season_id', table_name='route', postgresql_where=sa.text('merged_into IS NULL'))
