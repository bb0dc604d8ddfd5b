"""what all processes answered, minute by minute

Revision ID: 0042
Revises: 0041
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0042'
down_revision: str | None = '0041'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        'pulse',
        sa.Column('minute', sa.DateTime(timezone=True), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('answers', sa.Integer(), nullable=False),
        sa.Column('errors', sa.Integer(), nullable=False),
        sa.Column('steps', postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column('refusals', postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint('minute', 'id', name=op.f('pk_pulse')),
    )


def downgrade() -> None:
    op.drop_table('pulse')
