"""applicants and lap infants

Revision ID: 0015
Revises: 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0015'
down_revision: str | None = '0014'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TALLIES = ('tally', 'tally_day', 'tally_route')
SEALED = ('booked_by_index', 'booked_by_nik_sealed', 'booked_by_name_sealed')


def upgrade() -> None:
    op.add_column('registrant', sa.Column('lap_infant', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    for column in SEALED:
        op.add_column('registrant', sa.Column(column, sa.LargeBinary(), nullable=True))
    op.create_check_constraint('lap_infant', 'registrant', "NOT lap_infant OR service = 'PASSENGER'")
    op.create_index('ix_registrant_booked_by_index', 'registrant', ['booked_by_index'], unique=False, postgresql_where=sa.text('booked_by_index IS NOT NULL'))
    for table in TALLIES:
        op.add_column(table, sa.Column('lap_infants', sa.Integer(), server_default=sa.text('0'), nullable=False))


def downgrade() -> None:
    for table in TALLIES:
        op.drop_column(table, 'lap_infants')
    op.drop_index('ix_registrant_booked_by_index', table_name='registrant', postgresql_where=sa.text('booked_by_index IS NOT NULL'))
    op.drop_constraint('lap_infant', 'registrant', type_='check')
    for column in SEALED:
        op.drop_column('registrant', column)
    op.drop_column('registrant', 'lap_infant')
