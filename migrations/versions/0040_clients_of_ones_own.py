"""people who work for an organizer, and operators, may manage clients

Revision ID: 0040
Revises: 0039
"""

from collections.abc import Sequence

from alembic import op

revision: str = '0040'
down_revision: str | None = '0039'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OF_THEM = "FROM staff WHERE staff.id = client.id AND staff.role IN ('operator', 'organizer')"


def upgrade() -> None:
    op.execute(f"""UPDATE client SET scopes = scopes || '{{clients:write}}'::text[] {OF_THEM}
        AND NOT 'clients:write' = ANY(scopes)""")


def downgrade() -> None:
    op.execute("UPDATE client SET scopes = array_remove(scopes, 'clients:write') WHERE 'clients:write' = ANY(scopes)")
