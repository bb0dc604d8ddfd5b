"""statistics

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0003'
down_revision: str | None = '0002'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PEOPLE = ['registered', 'verified', 'departed', 'forfeited', 'cancelled', 'no_show', 'ever_verified']


def people() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=False) for name in PEOPLE]


def upgrade() -> None:
    op.create_table('tally',
    *people(),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('season', 'organizer_code', 'direction', 'service'),
    postgresql_with={'fillfactor': 70}
    )
    op.create_table('tally_day',
    *people(),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('season', 'organizer_code', 'direction', 'service', 'day'),
    postgresql_with={'fillfactor': 70}
    )
    op.create_table('tally_route',
    *people(),
    sa.Column('route_id', sa.Uuid(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('route_id', 'organizer_code', 'day'),
    postgresql_with={'fillfactor': 70}
    )
    op.create_table('tally_deadline',
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('verify_by', sa.DateTime(timezone=True), nullable=False),
    sa.Column('waiting', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('season', 'organizer_code', 'direction', 'service', 'day', 'verify_by'),
    postgresql_with={'fillfactor': 70}
    )
    op.create_table('tally_pair',
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('claimant', sa.Text(), nullable=False),
    sa.Column('refused', sa.Integer(), nullable=False),
    sa.Column('suspected', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('season', 'holder', 'claimant'),
    postgresql_with={'fillfactor': 70}
    )
    op.create_table('tally_duplicate',
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('claimant', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('refused', sa.Integer(), nullable=False),
    sa.Column('suspected', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('season', 'holder', 'claimant', 'direction', 'service', 'day'),
    postgresql_with={'fillfactor': 70}
    )
    # Routes are shown in the order of their departures.
    op.create_index('ix_route_season_departs_at_id', 'route', ['season', 'departs_at', 'id'])


def downgrade() -> None:
    op.drop_index('ix_route_season_departs_at_id', table_name='route')
    op.drop_table('tally_duplicate')
    op.drop_table('tally_pair')
    op.drop_table('tally_deadline')
    op.drop_table('tally_route')
    op.drop_table('tally_day')
    op.drop_table('tally')
