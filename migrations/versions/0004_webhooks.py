"""webhooks

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0004'
down_revision: str | None = '0003'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table('webhook',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('events', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('enabled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disabled_because', sa.Text(), nullable=True),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('paused_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('old_secret_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("disabled_because IN ('GONE', 'FAILING')", name='disabled_because'),
    sa.CheckConstraint("events <@ ARRAY['registrant.forfeited', 'registrant.no_show', 'duplicate.found', 'quota.filled', 'quota.returned', 'window.amended', 'import.finished', 'case.decided', 'webhook.test']::text[] AND cardinality(events) > 0", name='events'),
    sa.CheckConstraint('(disabled_at IS NULL) = (disabled_because IS NULL)', name='disabled'),
    sa.CheckConstraint('(old_secret_sealed IS NULL) = (old_secret_until IS NULL)', name='old_secret'),
    sa.CheckConstraint('(secret_sealed IS NULL) = (deleted_at IS NOT NULL)', name='secret'),
    sa.CheckConstraint('length(url) <= 2000', name='url'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_webhook_organizer_code_url', 'webhook', ['organizer_code', 'url'], unique=True, postgresql_where=sa.text('deleted_at IS NULL'))
    op.create_table('webhook_delivery',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('place', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('webhook_id', sa.Uuid(), nullable=False),
    sa.Column('change_id', sa.BigInteger(), nullable=True),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(finished_at IS NULL) = (state = 'PENDING')", name='finished'),
    sa.CheckConstraint("due_at IS NULL OR state = 'PENDING'", name='due'),
    sa.CheckConstraint("event IN ('registrant.forfeited', 'registrant.no_show', 'duplicate.found', 'quota.filled', 'quota.returned', 'window.amended', 'import.finished', 'case.decided', 'webhook.test')", name='event'),
    sa.CheckConstraint("state IN ('PENDING', 'DELIVERED', 'FAILED')", name='state'),
    sa.CheckConstraint('leased_until IS NULL OR due_at IS NOT NULL', name='leased'),
    sa.ForeignKeyConstraint(['change_id'], ['change.id'], ),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_webhook_delivery_due', 'webhook_delivery', ['webhook_id', 'due_at'], unique=False, postgresql_where=sa.text('due_at IS NOT NULL'))
    op.create_index('ix_webhook_delivery_finished_at', 'webhook_delivery', ['finished_at'], unique=False, postgresql_where=sa.text('finished_at IS NOT NULL'))
    op.create_index('ix_webhook_delivery_leased', 'webhook_delivery', ['webhook_id'], unique=False, postgresql_where=sa.text('leased_until IS NOT NULL'))
    op.create_index('ix_webhook_delivery_pending', 'webhook_delivery', ['webhook_id', 'subject', 'place'], unique=False, postgresql_where=sa.text("state = 'PENDING'"))
    op.create_index('ix_webhook_delivery_webhook_id_id', 'webhook_delivery', ['webhook_id', 'id'], unique=False)
    op.create_index('uq_webhook_delivery_on_its_way', 'webhook_delivery', ['webhook_id', 'subject'], unique=True, postgresql_where=sa.text('due_at IS NOT NULL'))
    op.create_index('uq_webhook_delivery_webhook_id_change_id', 'webhook_delivery', ['webhook_id', 'change_id'], unique=True)
    op.create_table('webhook_attempt',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('delivery_id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('duration_ms', sa.Integer(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.CheckConstraint("error IN ('URL_REFUSED', 'NAME_NOT_FOUND', 'ADDRESS_REFUSED', 'CONNECT_FAILED', 'TLS_FAILED', 'TIMEOUT', 'BROKEN_ANSWER')", name='error'),
    sa.CheckConstraint('num_nonnulls(status, error) = 1', name='outcome'),
    sa.ForeignKeyConstraint(['delivery_id'], ['webhook_delivery.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_webhook_attempt_delivery_id'), 'webhook_attempt', ['delivery_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_webhook_attempt_delivery_id'), table_name='webhook_attempt')
    op.drop_table('webhook_attempt')
    op.drop_index('uq_webhook_delivery_webhook_id_change_id', table_name='webhook_delivery')
    op.drop_index('uq_webhook_delivery_on_its_way', table_name='webhook_delivery', postgresql_where=sa.text('due_at IS NOT NULL'))
    op.drop_index('ix_webhook_delivery_webhook_id_id', table_name='webhook_delivery')
    op.drop_index('ix_webhook_delivery_pending', table_name='webhook_delivery', postgresql_where=sa.text("state = 'PENDING'"))
    op.drop_index('ix_webhook_delivery_leased', table_name='webhook_delivery', postgresql_where=sa.text('leased_until IS NOT NULL'))
    op.drop_index('ix_webhook_delivery_finished_at', table_name='webhook_delivery', postgresql_where=sa.text('finished_at IS NOT NULL'))
    op.drop_index('ix_webhook_delivery_due', table_name='webhook_delivery', postgresql_where=sa.text('due_at IS NOT NULL'))
    op.drop_table('webhook_delivery')
    op.drop_index('uq_webhook_organizer_code_url', table_name='webhook', postgresql_where=sa.text('deleted_at IS NULL'))
    op.drop_table('webhook')
