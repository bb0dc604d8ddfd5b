"""the registry

Revision ID: 0001
Revises: 
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType
from sqlalchemy.dialects import postgresql
revision: str = '0001'
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


class TransactionId(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.create_table('change',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('xact_id', TransactionId(), server_default=sa.text('pg_current_xact_id()'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=True),
    sa.Column('organizer_code', sa.Text(), nullable=True),
    sa.Column('registrant_id', sa.Uuid(), nullable=True),
    sa.Column('route_id', sa.Uuid(), nullable=True),
    sa.Column('from_status', sa.Text(), nullable=True),
    sa.Column('to_status', sa.Text(), nullable=True),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.CheckConstraint("from_status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'FORFEITED', 'CANCELLED', 'NO_SHOW')", name='from_status'),
    sa.CheckConstraint("kind IN ('REGISTRANT_MOVED', 'REGISTRANT_CORRECTED', 'MOTORCYCLE_HANDED_OVER', 'REGISTRANT_ERASED', 'DUPLICATE_REFUSED', 'DUPLICATE_SUSPECTED', 'CASE_DECIDED', 'NIK_BLOCKED', 'NIK_BLOCK_LIFTED', 'QUOTA_RELEASED', 'QUOTA_FILLED', 'QUOTA_RETURNED', 'ROUTE_SAVED', 'TERMINAL_SAVED', 'ORGANIZER_SAVED', 'POLICY_SAVED', 'WINDOW_SAVED', 'SEASON_SAVED', 'SEASON_PURGED', 'CLIENT_ISSUED', 'CLIENT_ROTATED', 'CLIENT_REVOKED')", name='kind'),
    sa.CheckConstraint("to_status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'FORFEITED', 'CANCELLED', 'NO_SHOW')", name='to_status'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_change_organizer_code_id', 'change', ['organizer_code', 'id'], unique=False)
    op.create_index('ix_change_registrant_id', 'change', ['registrant_id'], unique=False, postgresql_where=sa.text('registrant_id IS NOT NULL'))
    op.create_index('ix_change_xact_id_id', 'change', ['xact_id', 'id'], unique=False)
    op.create_table('nik_access',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('nik_index', sa.LargeBinary(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=True),
    sa.Column('service', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.CheckConstraint("direction IN ('MUDIK', 'BALIK')", name='direction'),
    sa.CheckConstraint("outcome IN ('AVAILABLE', 'REGISTERED', 'BLOCKED')", name='outcome'),
    sa.CheckConstraint("purpose IN ('CHECK', 'LOOKUP', 'EXPORT', 'ACCESS_LOG')", name='purpose'),
    sa.CheckConstraint("service IN ('PASSENGER', 'MOTORCYCLE')", name='service'),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_nik_access_client_id_at', 'nik_access', ['client_id', 'at'], unique=False)
    op.create_index('ix_nik_access_nik_index_at', 'nik_access', ['nik_index', 'at'], unique=False)
    op.create_table('organizer',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('coordinator_code', sa.Text(), nullable=True),
    sa.Column('schemes', sa.ARRAY(sa.Text()), nullable=False),
    sa.CheckConstraint("code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 40", name='code'),
    sa.CheckConstraint("schemes <@ ARRAY['GRAPHQL', 'WEBHOOK', 'EXCEL', 'NIK_CHECK', 'DAILY_CONSOLIDATION']::text[]", name='schemes'),
    sa.CheckConstraint('coordinator_code <> code', name='coordinator'),
    sa.ForeignKeyConstraint(['coordinator_code'], ['organizer.code'], ),
    sa.PrimaryKeyConstraint('code'),
    sa.UniqueConstraint('name')
    )
    op.create_index(op.f('ix_organizer_coordinator_code'), 'organizer', ['coordinator_code'], unique=False)
    op.create_table('season',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('purged_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('year')
    )
    op.create_table('client',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('scopes', sa.ARRAY(sa.Text()), nullable=False),
    sa.Column('public_keys', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('check_capacity', sa.Integer(), nullable=False),
    sa.Column('check_refill', sa.Integer(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('check_capacity > 0', name='check_capacity'),
    sa.CheckConstraint('check_refill > 0', name='check_refill'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_client_organizer_code'), 'client', ['organizer_code'], unique=False)
    op.create_table('policy',
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('verify_within_days', sa.Integer(), nullable=True),
    sa.Column('block_when_forfeited', sa.Boolean(), nullable=False),
    sa.Column('block_seasons', sa.Integer(), nullable=False),
    sa.Column('enforce_window', sa.Boolean(), nullable=False),
    sa.Column('return_requires_outbound', sa.Boolean(), nullable=False),
    sa.Column('return_same_day', sa.Boolean(), nullable=False),
    sa.Column('no_show_after_minutes', sa.Integer(), nullable=False),
    sa.CheckConstraint('block_seasons BETWEEN 1 AND 10', name='block_seasons'),
    sa.CheckConstraint('no_show_after_minutes BETWEEN 0 AND 1440', name='no_show_after_minutes'),
    sa.CheckConstraint('verify_within_days BETWEEN 1 AND 90', name='verify_within_days'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('season', 'organizer_code')
    )
    op.create_table('registration_window',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('opens_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('until_quota_is_full', sa.Boolean(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('replaces', sa.Uuid(), nullable=True),
    sa.Column('superseded_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('REGISTRATION', 'VERIFICATION')", name='kind'),
    sa.CheckConstraint('closes_at > opens_at', name='closes_after_it_opens'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['replaces'], ['registration_window.id'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_registration_window_current', 'registration_window', ['season', 'organizer_code'], unique=False, postgresql_where=sa.text('superseded_at IS NULL'))
    op.create_table('terminal',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('city', sa.Text(), nullable=False),
    sa.Column('city_key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('region_code', sa.Text(), nullable=True),
    sa.Column('organizer_code', sa.Text(), nullable=True),
    sa.CheckConstraint("code ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(code) <= 60", name='code'),
    sa.CheckConstraint("kind IN ('TERMINAL', 'STATION', 'PORT', 'MEETING_POINT')", name='kind'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.PrimaryKeyConstraint('code')
    )
    op.create_index(op.f('ix_terminal_city_key'), 'terminal', ['city_key'], unique=False)
    op.create_table('check_budget',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('tokens', sa.Float(), server_default=sa.text('0'), nullable=False),
    sa.Column('refilled_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('tokens >= 0', name='tokens'),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.PrimaryKeyConstraint('client_id'),
    postgresql_with={'fillfactor': 20}
    )
    op.create_table('client_secret',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_client_secret_client_id'), 'client_secret', ['client_id'], unique=False)
    op.create_table('route',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('mode', sa.Text(), nullable=False),
    sa.Column('origin_code', sa.Text(), nullable=False),
    sa.Column('destination_code', sa.Text(), nullable=False),
    sa.Column('departs_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('quota', sa.Integer(), nullable=True),
    sa.Column('taken', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("direction IN ('MUDIK', 'BALIK')", name='direction'),
    sa.CheckConstraint("mode IN ('BUS', 'TRAIN', 'SHIP', 'TRUCK')", name='mode'),
    sa.CheckConstraint("service IN ('PASSENGER', 'MOTORCYCLE')", name='service'),
    sa.CheckConstraint('taken <= quota', name='never_oversold'),
    sa.CheckConstraint('taken >= 0', name='taken'),
    sa.ForeignKeyConstraint(['destination_code'], ['terminal.code'], ),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['origin_code'], ['terminal.code'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('uq_route_natural', 'route', ['season', 'organizer_code', 'direction', 'service', 'name', 'origin_code', 'destination_code', 'departs_at'], unique=True, postgresql_nulls_not_distinct=True)
    op.create_table('used_assertion',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('jti', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.PrimaryKeyConstraint('client_id', 'jti')
    )
    op.create_index(op.f('ix_used_assertion_expires_at'), 'used_assertion', ['expires_at'], unique=False)
    op.create_table('quota_release',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('route_id', sa.Uuid(), nullable=False),
    sa.Column('seats', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('released_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('seats <> 0', name='seats'),
    sa.ForeignKeyConstraint(['route_id'], ['route.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_quota_release_pending', 'quota_release', ['due_at', 'route_id'], unique=False, postgresql_where=sa.text('released_at IS NULL'))
    op.create_index('ix_quota_release_route_id', 'quota_release', ['route_id'], unique=False)
    op.create_table('registrant',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('route_id', sa.Uuid(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('nik_index', sa.LargeBinary(), nullable=True),
    sa.Column('nik_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('name_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('reference', sa.Text(), nullable=True),
    sa.Column('identity_document', sa.Text(), nullable=True),
    sa.Column('plate', sa.Text(), nullable=True),
    sa.Column('registration_number', sa.Text(), nullable=True),
    sa.Column('handed_over_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('registered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('arrived_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('verify_by', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('posko', sa.Text(), nullable=True),
    sa.Column('departed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('late', sa.Boolean(), nullable=True),
    sa.Column('healthy', sa.Boolean(), nullable=True),
    sa.Column('outbound_id', sa.Uuid(), nullable=True),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'DEPARTED') = (departed_at IS NOT NULL)", name='departed_at'),
    sa.CheckConstraint("direction IN ('MUDIK', 'BALIK')", name='direction'),
    sa.CheckConstraint("identity_document IN ('KTP', 'SIM', 'KK', 'KIA')", name='identity_document'),
    sa.CheckConstraint("service <> 'MOTORCYCLE' OR (plate IS NOT NULL AND registration_number IS NOT NULL) OR erased_at IS NOT NULL", name='motorcycle_papers'),
    sa.CheckConstraint("service IN ('PASSENGER', 'MOTORCYCLE')", name='service'),
    sa.CheckConstraint("status <> 'DEPARTED' OR healthy IS TRUE", name='healthy'),
    sa.CheckConstraint("status <> 'VERIFIED' OR verified_at IS NOT NULL", name='verified_at'),
    sa.CheckConstraint("status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'FORFEITED', 'CANCELLED', 'NO_SHOW')", name='status'),
    sa.CheckConstraint('(nik_index IS NULL) = (erased_at IS NOT NULL) AND (nik_index IS NULL) = (nik_sealed IS NULL) AND (nik_index IS NULL) = (name_sealed IS NULL)', name='erased'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['outbound_id'], ['registrant.id'], initially='DEFERRED', deferrable=True),
    sa.ForeignKeyConstraint(['route_id'], ['route.id'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_registrant_aboard', 'registrant', ['route_id'], unique=False, postgresql_where=sa.text("status = 'VERIFIED'"))
    op.create_index('ix_registrant_due', 'registrant', ['verify_by'], unique=False, postgresql_where=sa.text("status = 'REGISTERED' AND verify_by IS NOT NULL"))
    op.create_index('ix_registrant_nik_index', 'registrant', ['nik_index'], unique=False)
    op.create_index('ix_registrant_organizer_code_id', 'registrant', ['organizer_code', 'id'], unique=False)
    op.create_index('ix_registrant_organizer_code_reference', 'registrant', ['organizer_code', 'reference'], unique=False, postgresql_where=sa.text('reference IS NOT NULL'))
    op.create_index('ix_registrant_outbound_id', 'registrant', ['outbound_id'], unique=False, postgresql_where=sa.text('outbound_id IS NOT NULL'))
    op.create_index('ix_registrant_route_id_id', 'registrant', ['route_id', 'id'], unique=False)
    op.create_index('uq_registrant_holding_nik', 'registrant', ['season', 'nik_index', 'direction', 'service'], unique=True, postgresql_where=sa.text("status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')"))
    op.create_table('duplicate_case',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('season', sa.Integer(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('holder_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('suspect', sa.Boolean(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint("direction IN ('MUDIK', 'BALIK')", name='direction'),
    sa.CheckConstraint("service IN ('PASSENGER', 'MOTORCYCLE')", name='service'),
    sa.CheckConstraint("state IN ('OPEN', 'CONFIRMED', 'NOT_DUPLICATE')", name='state'),
    sa.ForeignKeyConstraint(['holder_id'], ['registrant.id'], ),
    sa.ForeignKeyConstraint(['season'], ['season.year'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('holder_id')
    )
    op.create_table('nik_block',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('nik_index', sa.LargeBinary(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('from_season', sa.Integer(), nullable=False),
    sa.Column('until_season', sa.Integer(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('registrant_id', sa.Uuid(), nullable=True),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lifted_by', sa.Text(), nullable=True),
    sa.Column('lift_reason', sa.Text(), nullable=True),
    sa.CheckConstraint('until_season >= from_season', name='seasons'),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.ForeignKeyConstraint(['registrant_id'], ['registrant.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_nik_block_standing', 'nik_block', ['nik_index'], unique=False, postgresql_where=sa.text('lifted_at IS NULL'))
    op.create_table('case_claim',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('organizer_code', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['case_id'], ['duplicate_case.id'], ),
    sa.ForeignKeyConstraint(['organizer_code'], ['organizer.code'], ),
    sa.PrimaryKeyConstraint('case_id', 'organizer_code')
    )
    op.execute(
        """
        CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the change log is append-only'; END $$
        """
    )
    op.execute(
        "CREATE TRIGGER change_is_append_only BEFORE UPDATE OR DELETE ON change"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()"
    )


def downgrade() -> None:
    op.drop_table('case_claim')
    op.drop_index('ix_nik_block_standing', table_name='nik_block', postgresql_where=sa.text('lifted_at IS NULL'))
    op.drop_table('nik_block')
    op.drop_table('duplicate_case')
    op.drop_index('uq_registrant_holding_nik', table_name='registrant', postgresql_where=sa.text("status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')"))
    op.drop_index('ix_registrant_route_id_id', table_name='registrant')
    op.drop_index('ix_registrant_outbound_id', table_name='registrant', postgresql_where=sa.text('outbound_id IS NOT NULL'))
    op.drop_index('ix_registrant_organizer_code_reference', table_name='registrant', postgresql_where=sa.text('reference IS NOT NULL'))
    op.drop_index('ix_registrant_organizer_code_id', table_name='registrant')
    op.drop_index('ix_registrant_nik_index', table_name='registrant')
    op.drop_index('ix_registrant_due', table_name='registrant', postgresql_where=sa.text("status = 'REGISTERED' AND verify_by IS NOT NULL"))
    op.drop_index('ix_registrant_aboard', table_name='registrant', postgresql_where=sa.text("status = 'VERIFIED'"))
    op.drop_table('registrant')
    op.drop_index('ix_quota_release_route_id', table_name='quota_release')
    op.drop_index('ix_quota_release_pending', table_name='quota_release', postgresql_where=sa.text('released_at IS NULL'))
    op.drop_table('quota_release')
    op.drop_index(op.f('ix_used_assertion_expires_at'), table_name='used_assertion')
    op.drop_table('used_assertion')
    op.drop_index('uq_route_natural', table_name='route', postgresql_nulls_not_distinct=True)
    op.drop_table('route')
    op.drop_index(op.f('ix_client_secret_client_id'), table_name='client_secret')
    op.drop_table('client_secret')
    op.drop_table('check_budget')
    op.drop_index(op.f('ix_terminal_city_key'), table_name='terminal')
    op.drop_table('terminal')
    op.drop_index('ix_registration_window_current', table_name='registration_window', postgresql_where=sa.text('superseded_at IS NULL'))
    op.drop_table('registration_window')
    op.drop_table('policy')
    op.drop_index(op.f('ix_client_organizer_code'), table_name='client')
    op.drop_table('client')
    op.drop_table('season')
    op.drop_index(op.f('ix_organizer_coordinator_code'), table_name='organizer')
    op.drop_table('organizer')
    op.drop_index('ix_nik_access_nik_index_at', table_name='nik_access')
    op.drop_index('ix_nik_access_client_id_at', table_name='nik_access')
    op.drop_table('nik_access')
    op.drop_index('ix_change_xact_id_id', table_name='change')
    op.drop_index('ix_change_registrant_id', table_name='change', postgresql_where=sa.text('registrant_id IS NOT NULL'))
    op.drop_index('ix_change_organizer_code_id', table_name='change')
    op.drop_table('change')
    op.execute("DROP FUNCTION refuse_to_rewrite_history()")
