"""whose turn it is among the imports that wait

Revision ID: 0028
Revises: 0027
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0028'
down_revision: str | None = '0027'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNFINISHED = sa.text("state IN ('QUEUED', 'RUNNING')")


def upgrade() -> None:
    op.drop_index('ix_import_job_to_do', table_name='import_job')
    op.create_index('ix_import_job_to_do', 'import_job', ['organizer_code', 'id'], unique=False, postgresql_where=UNFINISHED)


def downgrade() -> None:
    op.drop_index('ix_import_job_to_do', table_name='import_job')
    op.create_index('ix_import_job_to_do', 'import_job', ['created_at'], unique=False, postgresql_where=UNFINISHED)
