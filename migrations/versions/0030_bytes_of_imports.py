"""how many bytes an import file has, so that those kept of an organizer can be bounded

Revision ID: 0030
Revises: 0029
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0030'
down_revision: str | None = '0029'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Files that came before count nothing: they are wiped within 30 days.
    op.add_column('import_job', sa.Column('bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.create_index(
        'ix_import_job_kept',
        'import_job',
        ['organizer_code', 'bytes'],
        postgresql_where=sa.text('wiped_at IS NULL AND bytes > 0'),
    )


def downgrade() -> None:
    op.drop_index('ix_import_job_kept', table_name='import_job')
    op.drop_column('import_job', 'bytes')
