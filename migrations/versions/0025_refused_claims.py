"""which claims of a case were refused

Revision ID: 0025
Revises: 0024
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0025'
down_revision: str | None = '0024'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FILL = """
UPDATE case_claim k SET refused = told.refused, first_refused_at = told.first_at, last_refused_at = told.last_at
FROM (
    SELECT facts ->> 'case' AS case_id, facts ->> 'claimant' AS claimant, count(*) AS refused, min(at) AS first_at,
           max(at) AS last_at
    FROM change WHERE kind = 'DUPLICATE_REFUSED' GROUP BY 1, 2
) told WHERE told.case_id = CAST(k.case_id AS text) AND told.claimant = k.organizer_code
"""


def upgrade() -> None:
    op.add_column('case_claim', sa.Column('refused', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.add_column('case_claim', sa.Column('first_refused_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('case_claim', sa.Column('last_refused_at', sa.DateTime(timezone=True), nullable=True))
    op.execute(FILL)


def downgrade() -> None:
    op.drop_column('case_claim', 'last_refused_at')
    op.drop_column('case_claim', 'first_refused_at')
    op.drop_column('case_claim', 'refused')
