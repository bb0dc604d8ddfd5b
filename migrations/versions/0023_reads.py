"""who read lists of people

Revision ID: 0023
Revises: 0022
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0023'
down_revision: str | None = '0022'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    "purpose IN ('CHECK', 'SUBMISSION', 'CORRECTION', 'REOPENING', 'DRY_RUN', 'LOOKUP', 'EXPORT', 'ACCESS_LOG')"
)
PURPOSES = (
    "purpose IN ('CHECK', 'SUBMISSION', 'CORRECTION', 'REOPENING', 'DRY_RUN', 'LOOKUP', 'EXPORT', 'ACCESS_LOG', 'READ')"
)


def upgrade() -> None:
    op.create_table(
        'people_read',
        sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('client_id', sa.Text(), nullable=False),
        sa.Column('organizer_code', sa.Text(), nullable=False),
        sa.Column('what', sa.Text(), nullable=False),
        sa.Column('asked', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column('count', sa.Integer(), nullable=False),
        sa.Column('first_id', sa.Uuid(), nullable=False),
        sa.Column('last_id', sa.Uuid(), nullable=False),
        sa.Column('organizers', sa.ARRAY(sa.Text()), nullable=False),
        sa.Column('people', sa.ARRAY(sa.Uuid()), nullable=True),
        sa.CheckConstraint('count > 0', name=op.f('ck_people_read_count')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_people_read')),
    )
    op.create_index('ix_people_read_at', 'people_read', ['at'], unique=False)
    op.create_index('ix_people_read_client_id_at', 'people_read', ['client_id', 'at'], unique=False)
    op.create_index('ix_people_read_people', 'people_read', ['people'], unique=False, postgresql_using='gin', postgresql_where=sa.text('people IS NOT NULL'))
    op.create_index('ix_people_read_bounded', 'people_read', ['first_id'], unique=False, postgresql_where=sa.text('people IS NULL OR until IS NULL'))
    op.drop_constraint(op.f('ck_nik_access_purpose'), 'nik_access', type_='check')
    op.create_check_constraint(op.f('ck_nik_access_purpose'), 'nik_access', PURPOSES)


def downgrade() -> None:
    op.drop_constraint(op.f('ck_nik_access_purpose'), 'nik_access', type_='check')
    op.create_check_constraint(op.f('ck_nik_access_purpose'), 'nik_access', BEFORE)
    op.drop_table('people_read')
