"""who is asked to correct a NIK, and cases that close by themselves

Revision ID: 0026
Revises: 0025
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0026'
down_revision: str | None = '0025'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = "state IN ('OPEN', 'CONFIRMED', 'NOT_DUPLICATE')"
STATES = "state IN ('OPEN', 'CONFIRMED', 'NOT_DUPLICATE', 'CLOSED')"


def upgrade() -> None:
    op.add_column('duplicate_case', sa.Column('mistyped_by', sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f('fk_duplicate_case_mistyped_by_organizer'), 'duplicate_case', 'organizer', ['mistyped_by'], ['code']
    )
    op.drop_constraint(op.f('ck_duplicate_case_state'), 'duplicate_case', type_='check')
    op.create_check_constraint(op.f('ck_duplicate_case_state'), 'duplicate_case', STATES)


def downgrade() -> None:
    op.execute("UPDATE duplicate_case SET state = 'OPEN', decided_at = NULL WHERE state = 'CLOSED'")
    op.drop_constraint(op.f('ck_duplicate_case_state'), 'duplicate_case', type_='check')
    op.create_check_constraint(op.f('ck_duplicate_case_state'), 'duplicate_case', BEFORE)
    op.drop_constraint(op.f('fk_duplicate_case_mistyped_by_organizer'), 'duplicate_case', type_='foreignkey')
    op.drop_column('duplicate_case', 'mistyped_by')
