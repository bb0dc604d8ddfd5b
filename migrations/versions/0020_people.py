"""which files name a person who is erased

Revision ID: 0020
Revises: 0019
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0020'
down_revision: str | None = '0019'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('import_chunk', sa.Column('named', sa.LargeBinary(), nullable=True))
    op.create_table(
        'import_erased',
        sa.Column('job_id', sa.Uuid(), nullable=False),
        sa.Column('digest', sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(['job_id'], ['import_job.id'], name=op.f('fk_import_erased_job_id_import_job')),
        sa.PrimaryKeyConstraint('job_id', 'digest', name=op.f('pk_import_erased')),
    )


def downgrade() -> None:
    op.drop_table('import_erased')
    op.drop_column('import_chunk', 'named')
