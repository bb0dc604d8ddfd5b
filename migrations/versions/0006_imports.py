"""imports

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = '0006'
down_revision: str | None = '0005'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNFINISHED = "state IN ('QUEUED', 'RUNNING')"
KEPT = "wiped_at IS NULL"


def upgrade() -> None:
    op.create_table('import_job',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('day', sa.Date(), nullable=True),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('covers', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('extension', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('error_indonesian', sa.Text(), nullable=True),
    sa.Column('error_english', sa.Text(), nullable=True),
    sa.Column('rows_read', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('rows_done', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('results', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('codes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('missing', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('wiped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('runner', sa.Uuid(), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("mode IN ('UPSERT', 'SNAPSHOT')", name='mode'),
    sa.CheckConstraint("state IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')", name='state'),
    sa.CheckConstraint("(state IN ('DONE', 'FAILED')) = (finished_at IS NOT NULL)", name='finished_at'),
    sa.CheckConstraint("(state = 'FAILED') = (error_code IS NOT NULL)", name='error'),
    sa.CheckConstraint("(state = 'RUNNING') = (runner IS NOT NULL)", name='runner'),
    sa.CheckConstraint("(runner IS NULL) = (lease_until IS NULL)", name='lease'),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_import_job_organizer_code_id', 'import_job', ['organizer_code', 'id'], unique=False)
    op.create_index('ix_import_job_to_do', 'import_job', ['created_at'], unique=False, postgresql_where=sa.text(UNFINISHED))
    op.create_index('ix_import_job_to_wipe', 'import_job', ['finished_at'], unique=False, postgresql_where=sa.text(KEPT))
    op.create_table('import_file',
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['import_job.id'], ),
    sa.PrimaryKeyConstraint('job_id', 'number')
    )
    # Sealed bytes do not get smaller.
    op.execute("ALTER TABLE import_file ALTER COLUMN sealed SET STORAGE EXTERNAL")
    op.create_table('import_chunk',
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('verdicts', sa.LargeBinary(), nullable=False),
    sa.Column('registrants', sa.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('refused', sa.ARRAY(sa.LargeBinary()), nullable=False),
    sa.Column('organizers', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['import_job.id'], ),
    sa.PrimaryKeyConstraint('job_id', 'number')
    )
    op.create_table('import_missing',
    sa.Column('job_id', sa.Uuid(), nullable=False),
    sa.Column('registrant_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('last_change', sa.BigInteger(), nullable=False),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'FORFEITED', 'CANCELLED', 'NO_SHOW')", name='status'),
    sa.ForeignKeyConstraint(['job_id'], ['import_job.id'], ),
    sa.ForeignKeyConstraint(['registrant_id'], ['registrant.id'], ),
    sa.PrimaryKeyConstraint('job_id', 'registrant_id')
    )


def downgrade() -> None:
    op.drop_table('import_missing')
    op.drop_table('import_chunk')
    op.drop_table('import_file')
    op.drop_index('ix_import_job_to_wipe', table_name='import_job', postgresql_where=sa.text(KEPT))
    op.drop_index('ix_import_job_to_do', table_name='import_job', postgresql_where=sa.text(UNFINISHED))
    op.drop_index('ix_import_job_organizer_code_id', table_name='import_job')
    op.drop_table('import_job')
