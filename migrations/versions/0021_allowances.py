"""how many NIKs that are not its own an organizer may learn of in a day

Revision ID: 0021
Revises: 0020
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0021'
down_revision: str | None = '0020'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    'POLICY_SAVED', 'ORGANIZER_SAVED', 'WINDOW_SAVED', 'WINDOW_WITHDRAWN', 'SEASON_SAVED', 'CLIENT_ISSUED',
    'CLIENT_ROTATED', 'CLIENT_REVOKED', 'CLIENT_WEBHOOK_SECRET_ISSUED', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED',
)
NEW = ('NIK_ALLOWANCE_SET', 'NIK_ALLOWANCE_USED', 'NIK_ALARM_RAISED')
EVENTS = ('nik.allowance_used', 'nik.alarm_raised')
VOCABULARIES = (('change', 'kind', NEW), ('webhook', 'events', EVENTS), ('webhook_delivery', 'event', EVENTS))
AFTER = ('CASE_DECIDED', 'QUOTA_RELEASED', 'QUOTA_RELEASE_CANCELLED')
MAKE = """
CREATE FUNCTION make_nik_allowance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO nik_allowance (organizer_code, day) VALUES (NEW.code, '-infinity');
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER make_nik_allowance AFTER INSERT ON organizer FOR EACH ROW EXECUTE FUNCTION make_nik_allowance()
"""


def upgrade() -> None:
    op.create_table(
        'nik_allowance',
        sa.Column('organizer_code', sa.Text(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('named', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('withheld', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('holders', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('set_per_day', sa.Integer(), nullable=True),
        sa.Column('cut', sa.Boolean(), nullable=False, server_default='false'),
        sa.Column('told_percent', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('alarmed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], name=op.f('fk_nik_allowance_organizer_code_organizer')),
        sa.PrimaryKeyConstraint('organizer_code', name=op.f('pk_nik_allowance')),
    )
    op.execute("INSERT INTO nik_allowance (organizer_code, day) SELECT code, '-infinity' FROM organizer")
    op.execute(MAKE)
    op.execute(TRIGGER)
    op.add_column('import_job', sa.Column('waits_until', sa.DateTime(timezone=True), nullable=True))
    op.add_column('import_job', sa.Column('rehearsed_seats', postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column('nik_access', sa.Column('area', sa.LargeBinary(), nullable=True))
    # While an index is made, nobody writes the table. On a large one, make it by hand before, CONCURRENTLY.
    op.create_index('ix_nik_access_at', 'nik_access', ['at'], unique=False, if_not_exists=True)
    for table, constraint, words in VOCABULARIES:
        first, rest = _definition(table, constraint).split("ARRAY['", 1)
        _define(table, constraint, f"{first}ARRAY[{_listed(words)}'{rest}")
    _administrative((*BEFORE, *NEW, *AFTER))
    _vocabulary(
        ('AVAILABLE', 'REGISTERED', 'BLOCKED', 'OUTBOUND_MISSING', 'UNDECIDED'),
        ('CHECK', 'SUBMISSION', 'CORRECTION', 'REOPENING', 'DRY_RUN', 'LOOKUP', 'EXPORT', 'ACCESS_LOG'),
    )


def downgrade() -> None:
    _administrative((*BEFORE, *AFTER))
    # Rows of the newer vocabulary stay.
    for table, constraint, words in VOCABULARIES:
        written = _definition(table, constraint).removesuffix(' NOT VALID').replace(_listed(words), '')
        _define(table, constraint, f'{written} NOT VALID')
    op.execute("DELETE FROM nik_access WHERE outcome = 'UNDECIDED' OR purpose IN ('SUBMISSION', 'CORRECTION', 'REOPENING', 'DRY_RUN')")
    _vocabulary(
        ('AVAILABLE', 'REGISTERED', 'BLOCKED', 'OUTBOUND_MISSING'), ('CHECK', 'LOOKUP', 'EXPORT', 'ACCESS_LOG')
    )
    op.drop_index('ix_nik_access_at', table_name='nik_access')
    op.drop_column('nik_access', 'area')
    op.drop_column('import_job', 'rehearsed_seats')
    op.drop_column('import_job', 'waits_until')
    op.execute("DROP TRIGGER make_nik_allowance ON organizer")
    op.execute("DROP FUNCTION make_nik_allowance()")
    op.drop_table('nik_allowance')


def _listed(words: Sequence[str]) -> str:
    return ''.join(f"'{word}'::text, " for word in words)


def _definition(table: str, constraint: str) -> str:
    found = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = :name AND conrelid = CAST(:of AS regclass)"),
        {'name': f'ck_{table}_{constraint}', 'of': table},
    )
    return str(found.scalar_one())


def _define(table: str, constraint: str, written: str) -> None:
    op.drop_constraint(op.f(f'ck_{table}_{constraint}'), table, type_='check')
    op.execute(f'ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{constraint} {written}')


def _administrative(kinds: Sequence[str]) -> None:
    """The index of the changes that Hubdat reads."""
    where = f"kind IN ({', '.join(repr(kind) for kind in kinds)}) AND registrant_id IS NULL"
    op.drop_index('ix_change_administrative', table_name='change')
    op.create_index('ix_change_administrative', 'change', ['xact_id', 'id'], unique=False, postgresql_where=sa.text(where))


def _vocabulary(outcomes: Sequence[str], purposes: Sequence[str]) -> None:
    for column, words in (('outcome', outcomes), ('purpose', purposes)):
        op.drop_constraint(column, 'nik_access', type_='check')
        op.create_check_constraint(column, 'nik_access', f"{column} IN ({', '.join(repr(word) for word in words)})")
