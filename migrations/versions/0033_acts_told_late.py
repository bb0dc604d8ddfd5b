"""acts of poskos that are told late: a flag

Revision ID: 0033
Revises: 0032
"""

from collections.abc import Sequence

from alembic import op

revision: str = '0033'
down_revision: str | None = '0032'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = ('OUTSIDE_WINDOW', 'ARRIVED_LATE', 'VERIFIED_EARLY', 'VERIFIED_LATE')
LAST = 'HANDED_OVER_ON_ANOTHER_DAY'


def upgrade() -> None:
    _flags((*BEFORE, 'TOLD_LATE', LAST))


def downgrade() -> None:
    # Rows with the newer flag stay.
    _flags((*BEFORE, LAST), ' NOT VALID')


def _flags(known: Sequence[str], validity: str = '') -> None:
    listed = ', '.join(f"'{flag}'" for flag in known)
    op.drop_constraint(op.f('ck_registrant_flags'), 'registrant', type_='check')
    op.execute(
        f"ALTER TABLE registrant ADD CONSTRAINT ck_registrant_flags CHECK (flags <@ ARRAY[{listed}]::text[]){validity}"
    )
