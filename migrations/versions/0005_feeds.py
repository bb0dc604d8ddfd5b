"""feeds

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0005'
down_revision: str | None = '0004'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NATURAL = ['season', 'organizer_code', 'direction', 'service', 'name', 'origin_code', 'destination_code', 'departs_at']


def upgrade() -> None:
    op.create_table('keyed_request',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('body_index', sa.LargeBinary(), nullable=False),
    sa.Column('answer', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.PrimaryKeyConstraint('client_id', 'key')
    )
    op.create_index(op.f('ix_keyed_request_at'), 'keyed_request', ['at'], unique=False)
    op.create_table('signed_message',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.PrimaryKeyConstraint('client_id', 'id')
    )
    op.create_index(op.f('ix_signed_message_at'), 'signed_message', ['at'], unique=False)
    op.create_table('client_webhook_secret',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['client.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_client_webhook_secret_client_id'), 'client_webhook_secret', ['client_id'], unique=False)

    for table, own_key in (('terminal', 'code'), ('route', 'id')):
        op.add_column(table, sa.Column('name_key', sa.Text(), server_default=sa.text("''"), nullable=False))
        op.add_column(table, sa.Column('provisional', sa.Boolean(), server_default=sa.text('false'), nullable=False))
        op.add_column(table, sa.Column('merged_into', sa.Text() if table == 'terminal' else sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f'fk_{table}_merged_into_{table}'), table, table, ['merged_into'], [own_key])
    op.create_check_constraint('merged', 'terminal', "merged_into IS NULL OR provisional")
    op.create_check_constraint('merged', 'route', "merged_into IS NULL OR (provisional AND taken = 0)")
    op.create_index('ix_terminal_name_key_city_key', 'terminal', ['name_key', 'city_key'], unique=False)
    op.create_index('uq_terminal_provisional', 'terminal', ['organizer_code', 'name_key', 'city_key', 'kind'], unique=True, postgresql_where=sa.text('provisional'))
    op.create_index('ix_route_name_key', 'route', ['season', 'organizer_code', 'name_key'], unique=False)
    op.create_index('uq_route_provisional', 'route', ['season', 'organizer_code', 'direction', 'service', 'name_key', 'origin_code', 'destination_code', 'departs_at'], unique=True, postgresql_nulls_not_distinct=True, postgresql_where=sa.text('provisional'))
    # What was merged is in nobody's way: its route may be declared after all.
    op.drop_index('uq_route_natural', table_name='route')
    op.create_index('uq_route_natural', 'route', NATURAL, unique=True, postgresql_nulls_not_distinct=True, postgresql_where=sa.text('merged_into IS NULL'))
    give_keys()


def give_keys() -> None:
    """The program's own rule: a copy of it here would find other keys than the program, once the rule changes."""
    from app.registry.values import spellings

    connection = op.get_bind()
    for code, name in connection.execute(sa.text('SELECT code, name FROM terminal')).all():
        given = {'code': code, 'key': spellings.of_place(name)[1]}
        connection.execute(sa.text('UPDATE terminal SET name_key = :key WHERE code = :code'), given)
    for id_, name in connection.execute(sa.text('SELECT id, name FROM route')).all():
        given = {'id': id_, 'key': spellings.of_route(name)}
        connection.execute(sa.text('UPDATE route SET name_key = :key WHERE id = :id'), given)


def downgrade() -> None:
    op.drop_index('uq_route_natural', table_name='route')
    # One that is merged has no registrants, and is not known any more below here.
    op.execute('DELETE FROM quota_release WHERE route_id IN (SELECT id FROM route WHERE merged_into IS NOT NULL)')
    op.execute('DELETE FROM route WHERE merged_into IS NOT NULL')
    op.create_index('uq_route_natural', 'route', NATURAL, unique=True, postgresql_nulls_not_distinct=True)
    op.drop_index('uq_route_provisional', table_name='route')
    op.drop_index('ix_route_name_key', table_name='route')
    op.drop_index('uq_terminal_provisional', table_name='terminal')
    op.drop_index('ix_terminal_name_key_city_key', table_name='terminal')
    for table in ('route', 'terminal'):
        op.drop_constraint('merged', table, type_='check')
        op.drop_constraint(op.f(f'fk_{table}_merged_into_{table}'), table, type_='foreignkey')
        for column in ('merged_into', 'provisional', 'name_key'):
            op.drop_column(table, column)
    op.drop_table('client_webhook_secret')
    op.drop_table('signed_message')
    op.drop_table('keyed_request')
