"""deliveries that have ended, by month: so the queue stays small, and a month of them is dropped as a whole

Revision ID: 0044
Revises: 0043
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0044'
down_revision: str | None = '0043'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEPT = 'id, place, webhook_id, change_id, event, subject, state, made_at'
ATTEMPT = 'at timestamptz, duration_ms int, status int, error text'
LOGS_BEFORE = "('change', 'nik_access', 'people_read')"
LOGS = "('change', 'nik_access', 'people_read', 'webhook_delivery_ended')"
# A server may delete these rows, so there is nothing to judge but that it is a month of this table.
DROP_MONTH = """
CREATE FUNCTION delivery_drop_month(month text) RETURNS void LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
BEGIN
    IF month = 'webhook_delivery_ended_default' OR NOT EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = 'webhook_delivery_ended'::regclass AND inhrelid = to_regclass(month)
    ) THEN
        RAISE EXCEPTION '% is no month of deliveries', month;
    END IF;
    EXECUTE format('DROP TABLE %I', month);
END $$
"""


def upgrade() -> None:
    op.create_table(
        'webhook_delivery_ended',
        sa.Column('webhook_id', sa.Uuid(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('id', sa.Uuid(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('place', sa.BigInteger(), nullable=False),
        sa.Column('change_id', sa.BigInteger(), nullable=True),
        sa.Column('event', sa.Text(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('attempts', postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("state <> 'PENDING'", name='state'),
        sa.PrimaryKeyConstraint('webhook_id', 'state', 'id', 'at'),
        postgresql_partition_by='RANGE (at)',
    )
    op.create_index('ix_webhook_delivery_ended_change_id', 'webhook_delivery_ended', ['change_id', 'webhook_id'])
    op.execute('CREATE TABLE webhook_delivery_ended_default PARTITION OF webhook_delivery_ended DEFAULT')
    _functions(LOGS_BEFORE, LOGS)
    op.execute(DROP_MONTH)
    op.execute('REVOKE EXECUTE ON FUNCTION delivery_drop_month(text) FROM PUBLIC')
    # What is there already is moved by the sweep of the servers, some at a time.
    op.execute("SELECT log_make_months('webhook_delivery_ended', now() - interval '30 days', 2)")


def downgrade() -> None:
    op.execute(
        f'INSERT INTO webhook_delivery ({KEPT}, finished_at, tries) OVERRIDING SYSTEM VALUE'
        f' SELECT {KEPT}, at, jsonb_array_length(attempts) FROM webhook_delivery_ended'
        ' WHERE webhook_id IN (SELECT id FROM webhook)'
    )
    op.execute(
        'INSERT INTO webhook_attempt (delivery_id, at, duration_ms, status, error)'
        ' SELECT d.id, a.at, a.duration_ms, a.status, a.error FROM webhook_delivery_ended d'
        f' CROSS JOIN LATERAL jsonb_to_recordset(d.attempts) AS a ({ATTEMPT})'
        ' WHERE webhook_id IN (SELECT id FROM webhook) ORDER BY a.at'
    )
    op.execute('DROP FUNCTION delivery_drop_month')
    _functions(LOGS, LOGS_BEFORE)
    op.drop_table('webhook_delivery_ended')


def _functions(old: str, new: str) -> None:
    """Who makes months knows another table, or no longer."""
    made = op.get_bind().execute(sa.text("SELECT pg_get_functiondef('log_make_months'::regproc)")).scalar_one()
    op.execute(sa.text(made.replace(old, new).replace(':', r'\:')))
