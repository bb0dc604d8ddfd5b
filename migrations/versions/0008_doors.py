"""answers to requests with a key are sealed

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0008'
down_revision: str | None = '0007'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Old servers go on to write `answer`. New ones leave it empty: an old server fails on an empty answer, and so does
    # nothing twice.
    op.alter_column('keyed_request', 'answer', server_default=sa.text("''"))
    op.add_column('keyed_request', sa.Column('answer_sealed', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM keyed_request WHERE answer = ''")
    op.drop_column('keyed_request', 'answer_sealed')
    op.alter_column('keyed_request', 'answer', server_default=None)
