"""ends that come before their registrations

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0012'
down_revision: str | None = '0011'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('early_end',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('nik_index', sa.LargeBinary(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("direction IN ('MUDIK', 'BALIK')", name='direction'),
    sa.CheckConstraint("service IN ('PASSENGER', 'MOTORCYCLE')", name='service'),
    sa.CheckConstraint("status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'FORFEITED', 'CANCELLED', 'NO_SHOW')", name='status'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_early_end', 'early_end', ['nik_index', 'organizer_code', 'season', 'direction', 'service', 'reference', 'registered_at'], unique=True, postgresql_nulls_not_distinct=True)
    op.create_index('ix_early_end_season', 'early_end', ['season'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_early_end_season', table_name='early_end')
    op.drop_index('uq_early_end', table_name='early_end', postgresql_nulls_not_distinct=True)
    op.drop_table('early_end')
