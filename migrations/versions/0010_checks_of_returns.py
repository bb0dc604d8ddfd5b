"""checks say that the outbound of a return is missing

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

from alembic import op

revision: str = '0010'
down_revision: str | None = '0009'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_constraint('outcome', 'nik_access', type_='check')
    op.create_check_constraint('outcome', 'nik_access', "outcome IN ('AVAILABLE', 'REGISTERED', 'BLOCKED', 'OUTBOUND_MISSING')")


def downgrade() -> None:
    op.execute("UPDATE nik_access SET outcome = 'AVAILABLE' WHERE outcome = 'OUTBOUND_MISSING'")
    op.drop_constraint('outcome', 'nik_access', type_='check')
    op.create_check_constraint('outcome', 'nik_access', "outcome IN ('AVAILABLE', 'REGISTERED', 'BLOCKED')")
