"""figures of a season for everybody, off until Hubdat switches them on

Revision ID: 0041
Revises: 0040
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0041'
down_revision: str | None = '0040'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('season', sa.Column('publishes_figures', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.create_table(
        'publication',
        sa.Column('season', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('until', sa.Date(), nullable=False),
        sa.Column('final', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.ForeignKeyConstraint(['season'], ['season.year'], name=op.f('fk_publication_season_season')),
        sa.PrimaryKeyConstraint('season', name=op.f('pk_publication')),
    )
    op.create_table(
        'public_count',
        sa.Column('season', sa.Integer(), nullable=False),
        sa.Column('organizer_code', sa.Text(), nullable=False),
        sa.Column('direction', sa.Text(), nullable=False),
        sa.Column('service', sa.Text(), nullable=False),
        sa.Column('origin', sa.Text(), nullable=False),
        sa.Column('destination', sa.Text(), nullable=False),
        sa.Column('day', sa.Date(), nullable=False),
        sa.Column('seen', sa.Integer(), nullable=False),
        sa.Column('counted', sa.Integer(), nullable=False),
        sa.CheckConstraint('counted = 0 OR counted >= 5', name=op.f('ck_public_count_no_small_group')),
        sa.ForeignKeyConstraint(['season'], ['season.year'], name=op.f('fk_public_count_season_season')),
        sa.PrimaryKeyConstraint(
            'season', 'organizer_code', 'direction', 'service', 'origin', 'destination', 'day', name=op.f('pk_public_count')
        ),
    )
    op.create_table(
        'public_stage',
        sa.Column('season', sa.Integer(), nullable=False),
        sa.Column('direction', sa.Text(), nullable=False),
        sa.Column('service', sa.Text(), nullable=False),
        sa.Column('stage', sa.Text(), nullable=False),
        sa.Column('counted', sa.Integer(), nullable=False),
        sa.CheckConstraint('counted = 0 OR counted >= 5', name=op.f('ck_public_stage_no_small_group')),
        sa.ForeignKeyConstraint(['season'], ['season.year'], name=op.f('fk_public_stage_season_season')),
        sa.PrimaryKeyConstraint('season', 'direction', 'service', 'stage', name=op.f('pk_public_stage')),
    )
    op.create_table(
        'public_file',
        sa.Column('season', sa.Integer(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('content', sa.LargeBinary(), nullable=False),
        sa.Column('digest', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['season'], ['season.year'], name=op.f('fk_public_file_season_season')),
        sa.PrimaryKeyConstraint('season', 'name', name=op.f('pk_public_file')),
    )


def downgrade() -> None:
    for table in ('public_file', 'public_stage', 'public_count', 'publication'):
        op.drop_table(table)
    op.drop_column('season', 'publishes_figures')
