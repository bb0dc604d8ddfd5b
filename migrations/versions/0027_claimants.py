"""under which name a claimant brought a NIK

Revision ID: 0027
Revises: 0026
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0027'
down_revision: str | None = '0026'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('case_claim', sa.Column('id', sa.Uuid(), server_default=sa.text('gen_random_uuid()'), nullable=False))
    op.add_column('case_claim', sa.Column('nik_index', sa.LargeBinary(), nullable=True))
    op.add_column('case_claim', sa.Column('name_sealed', sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(op.f('uq_case_claim_id'), 'case_claim', ['id'])
    op.create_index('ix_case_claim_nik_index', 'case_claim', ['nik_index'], unique=False, postgresql_where=sa.text('nik_index IS NOT NULL'))


def downgrade() -> None:
    op.drop_index('ix_case_claim_nik_index', table_name='case_claim')
    op.drop_constraint(op.f('uq_case_claim_id'), 'case_claim', type_='unique')
    op.drop_column('case_claim', 'name_sealed')
    op.drop_column('case_claim', 'nik_index')
    op.drop_column('case_claim', 'id')
