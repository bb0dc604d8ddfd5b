"""files that move and correct people, and what differs from what is stored

Revision ID: 0016
Revises: 0015
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0016'
down_revision: str | None = '0015'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('import_job', sa.Column('changes', sa.Text(), server_default=sa.text("'REPORT'"), nullable=False))
    op.add_column('import_job', sa.Column('as_of', sa.DateTime(timezone=True), nullable=True))
    op.add_column('import_job', sa.Column('even_though', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_check_constraint(op.f('ck_import_job_changes'), 'import_job', "changes IN ('REPORT', 'APPLY')")
    op.add_column('import_chunk', sa.Column('differences', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column('import_chunk', 'differences')
    op.drop_constraint(op.f('ck_import_job_changes'), 'import_job', type_='check')
    op.drop_column('import_job', 'even_though')
    op.drop_column('import_job', 'as_of')
    op.drop_column('import_job', 'changes')
