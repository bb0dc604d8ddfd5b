"""functions of the logs that a server cannot deceive: by an argument that is nothing, or by a table of its own

Revision ID: 0036
Revises: 0035
"""

from collections.abc import Sequence

from alembic import op

revision: str = '0036'
down_revision: str | None = '0035'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# With a NULL, a comparison is neither true nor false: a month was dropped of which nothing was sealed.
MONTHS = ('log_make_months(text, timestamptz, int)', 'log_drop_month(text, text, xid8, bigint)')
# A trigger runs as whoever writes. It took the columns of a temporary table of that session for those of the log.
TRIGGERS = ('keep_change()', 'keep_nik_access()')


def upgrade() -> None:
    for function in MONTHS:
        op.execute(f'ALTER FUNCTION {function} STRICT')
    for function in TRIGGERS:
        op.execute(f'ALTER FUNCTION {function} SET search_path = public, pg_temp')


def downgrade() -> None:
    for function in TRIGGERS:
        op.execute(f'ALTER FUNCTION {function} RESET search_path')
    for function in MONTHS:
        op.execute(f'ALTER FUNCTION {function} CALLED ON NULL INPUT')
