"""seats that are held while a person fills a form

Revision ID: 0037
Revises: 0036
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0037'
down_revision: str | None = '0036'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        'seat_hold',
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('route_id', sa.Uuid(), nullable=False),
        sa.Column('organizer_code', sa.Text(), nullable=False),
        sa.Column('client_id', sa.Text(), nullable=True),
        sa.Column('seats', sa.Integer(), nullable=False),
        sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('seats BETWEEN 0 AND 10', name=op.f('ck_seat_hold_seats')),
        sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], name=op.f('fk_seat_hold_organizer_code_organizer')),
        sa.ForeignKeyConstraint(['route_id'], ['route.id'], name=op.f('fk_seat_hold_route_id_route')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_seat_hold')),
    )
    op.create_index('ix_seat_hold_route_id_ends_at', 'seat_hold', ['route_id', 'ends_at'])
    op.create_index('ix_seat_hold_ends_at', 'seat_hold', ['ends_at'])
    op.add_column('policy', sa.Column('hold_percent', sa.Integer(), server_default=sa.text('5'), nullable=False))
    op.create_check_constraint(op.f('ck_policy_hold_percent'), 'policy', 'hold_percent BETWEEN 0 AND 100')


def downgrade() -> None:
    op.drop_constraint(op.f('ck_policy_hold_percent'), 'policy', type_='check')
    op.drop_column('policy', 'hold_percent')
    op.drop_table('seat_hold')
