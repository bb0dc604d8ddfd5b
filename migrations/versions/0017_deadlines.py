"""deadlines: verification periods, late news, outages, and what is flagged

Revision ID: 0017
Revises: 0016
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0017'
down_revision: str | None = '0016'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KIND = "'DEADLINE_PROLONGED'::text, "
FLAGS = "ARRAY['OUTSIDE_WINDOW', 'ARRIVED_LATE', 'VERIFIED_EARLY', 'VERIFIED_LATE', 'HANDED_OVER_ON_ANOTHER_DAY']::text[]"
TALLIES = ('tally', 'tally_day', 'tally_route')
AWAITS = "status = 'REGISTERED' AND coalesce(forfeits_at, verify_by) IS NOT NULL"


def kinds() -> str:
    found = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_change_kind'")
    )
    return str(found.scalar_one()).removesuffix(' NOT VALID')


def set_kinds(written: str) -> None:
    op.drop_constraint(op.f('ck_change_kind'), 'change', type_='check')
    op.execute(f'ALTER TABLE change ADD CONSTRAINT ck_change_kind {written}')


def upgrade() -> None:
    op.add_column('policy', sa.Column('news_grace_hours', sa.Integer(), nullable=True))
    op.add_column('policy', sa.Column('late_arrival_days', sa.Integer(), server_default=sa.text('2'), nullable=False))
    op.add_column('policy', sa.Column('forfeit_at_period_end', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('policy', sa.Column('refuse_early_verification', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_check_constraint(op.f('ck_policy_news_grace_hours'), 'policy', 'news_grace_hours BETWEEN 0 AND 72')
    op.create_check_constraint(op.f('ck_policy_late_arrival_days'), 'policy', 'late_arrival_days BETWEEN 0 AND 90')
    # What is on by default for hubdat is on as well where hubdat decided something else.
    op.execute("UPDATE policy SET forfeit_at_period_end = true WHERE organizer_code = 'hubdat'")
    op.add_column('registrant', sa.Column('first_verify_by', sa.DateTime(timezone=True), nullable=True))
    op.add_column('registrant', sa.Column('forfeits_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('registrant', sa.Column('flags', sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False))
    op.create_check_constraint(op.f('ck_registrant_flags'), 'registrant', f'flags <@ {FLAGS}')
    op.create_index('ix_registrant_forfeits', 'registrant', [sa.text('(coalesce(forfeits_at, verify_by))')], unique=False, postgresql_where=sa.text(AWAITS))
    op.create_table('heartbeat',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_heartbeat_only_one')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_heartbeat'))
    )
    op.create_table('prolongation',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=True),
    sa.Column('organizer_code', sa.Text(), nullable=True),
    sa.Column('after', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seconds', sa.Integer(), nullable=True),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("cause IN ('OUTAGE', 'PERIOD')", name=op.f('ck_prolongation_cause')),
    sa.CheckConstraint("(cause = 'OUTAGE') = (seconds IS NOT NULL)", name=op.f('ck_prolongation_outage')),
    sa.CheckConstraint("(cause = 'PERIOD') = (season IS NOT NULL AND organizer_code IS NOT NULL AND ends_at IS NOT NULL)", name=op.f('ck_prolongation_period')),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], name=op.f('fk_prolongation_organizer_code_organizer')),
    sa.ForeignKeyConstraint(['season'], ['season.year'], name=op.f('fk_prolongation_season_season')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_prolongation'))
    )
    op.create_index('ix_prolongation_made_at', 'prolongation', ['made_at'], unique=False)
    op.create_index('ix_prolongation_outage', 'prolongation', ['until'], unique=False, postgresql_where=sa.text("cause = 'OUTAGE'"))
    op.create_index('ix_prolongation_pending', 'prolongation', ['made_at'], unique=False, postgresql_where=sa.text('done_at IS NULL'))
    for table in TALLIES:
        op.add_column(table, sa.Column('arrived_late', sa.Integer(), server_default=sa.text('0'), nullable=False))
    first, rest = kinds().split("ARRAY['", 1)
    set_kinds(f"{first}ARRAY[{KIND}'{rest}")


def downgrade() -> None:
    # Rows of the newer kind stay.
    set_kinds(f"{kinds().replace(KIND, '')} NOT VALID")
    for table in TALLIES:
        op.drop_column(table, 'arrived_late')
    op.drop_table('prolongation')
    op.drop_table('heartbeat')
    op.drop_index('ix_registrant_forfeits', table_name='registrant')
    op.drop_constraint(op.f('ck_registrant_flags'), 'registrant', type_='check')
    for column in ('flags', 'forfeits_at', 'first_verify_by'):
        op.drop_column('registrant', column)
    for column in ('refuse_early_verification', 'forfeit_at_period_end', 'late_arrival_days', 'news_grace_hours'):
        op.drop_column('policy', column)
