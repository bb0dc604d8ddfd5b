"""the feed tells that a case was settled, and that a correction is asked for

Revision ID: 0045
Revises: 0044
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0045'
down_revision: str | None = '0044'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WORDS = "'CASE_SETTLED'::text, 'CORRECTION_ASKED'::text, "


def upgrade() -> None:
    first, rest = _definition().split("ARRAY['", 1)
    _define(f"{first}ARRAY[{WORDS}'{rest}")


def downgrade() -> None:
    # Rows of the newer vocabulary stay.
    _define(f"{_definition().removesuffix(' NOT VALID').replace(WORDS, '')} NOT VALID")


def _definition() -> str:
    found = op.get_bind().execute(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_change_kind' AND conrelid = 'change'::regclass")
    )
    return str(found.scalar_one())


def _define(written: str) -> None:
    op.drop_constraint(op.f('ck_change_kind'), 'change', type_='check')
    op.execute(f'ALTER TABLE change ADD CONSTRAINT ck_change_kind {written}')
