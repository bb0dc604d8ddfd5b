"""what follows a change

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision: str = '0002'
down_revision: str | None = '0001'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = [
    'REGISTRANT_MOVED', 'REGISTRANT_CORRECTED', 'MOTORCYCLE_HANDED_OVER', 'REGISTRANT_ERASED', 'DUPLICATE_REFUSED',
    'DUPLICATE_SUSPECTED', 'CASE_DECIDED', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED', 'QUOTA_RELEASED', 'QUOTA_FILLED',
    'QUOTA_RETURNED', 'ROUTE_SAVED', 'TERMINAL_SAVED', 'ORGANIZER_SAVED', 'POLICY_SAVED', 'WINDOW_SAVED',
    'SEASON_SAVED', 'SEASON_PURGED', 'CLIENT_ISSUED', 'CLIENT_ROTATED', 'CLIENT_REVOKED',
]
NEW_KINDS = [
    'REGISTRANT_REROUTED', 'ROUTE_MERGED', 'TERMINAL_MERGED', 'CLIENT_WEBHOOK_SECRET_ISSUED', 'IMPORT_FINISHED',
    'WEBHOOK_SAVED', 'WEBHOOK_DELETED', 'WEBHOOK_DISABLED',
]


class TransactionId(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def allow(kinds: list[str], validated: str = "") -> None:
    members = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f('ck_change_kind'), 'change', type_='check')
    op.execute(f"ALTER TABLE change ADD CONSTRAINT ck_change_kind CHECK (kind IN ({members})) {validated}")


def upgrade() -> None:
    allow(KINDS + NEW_KINDS)
    # In another cluster, as after a dump was restored, transactions have other numbers: what is added to them keeps the
    # order of the log. `pemudik migrate` sets it. STABLE, since plans that are kept do not notice that what they took
    # for IMMUTABLE has changed.
    op.execute("CREATE FUNCTION log_shift() RETURNS bigint LANGUAGE sql STABLE RETURN 0")
    op.execute(
        "CREATE FUNCTION log_transaction(xid8) RETURNS xid8 LANGUAGE sql STABLE"
        " RETURN ($1::text::bigint + log_shift())::text::xid8"
    )
    op.execute("ALTER TABLE change ALTER xact_id SET DEFAULT log_transaction(pg_current_xact_id())")
    op.create_table('projection',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('xact_id', TransactionId(), server_default=sa.text("'0'"), nullable=False),
    sa.Column('change_id', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('advanced_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('name')
    )
    # A follower reads one organizer's changes in the order of the log.
    op.create_index('ix_change_organizer_code_xact_id_id', 'change', ['organizer_code', 'xact_id', 'id'])
    op.drop_index('ix_change_organizer_code_id', table_name='change')


def downgrade() -> None:
    op.create_index('ix_change_organizer_code_id', 'change', ['organizer_code', 'id'], unique=False)
    op.drop_index('ix_change_organizer_code_xact_id_id', table_name='change')
    op.drop_table('projection')
    op.execute("ALTER TABLE change ALTER xact_id SET DEFAULT pg_current_xact_id()")
    op.execute("DROP FUNCTION log_transaction")
    op.execute("DROP FUNCTION log_shift")
    # The log is append-only: what stands in it of the new kinds stays.
    allow(KINDS, "NOT VALID")
