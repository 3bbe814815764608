"""The look of a publication, discreet editions, texts taken from Zawgyi, links that were tried."""

from alembic import op
import sqlalchemy as sa


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

AWARE = sa.DateTime(timezone=True)
EMPTY = sa.text("'{}'")


def upgrade() -> None:
    for column in (
        sa.Column('theme', sa.JSON(), nullable=False, server_default=EMPTY),
        sa.Column('logo_name', sa.String(length=80), nullable=True),
        sa.Column('logo_width', sa.Integer(), nullable=True),
        sa.Column('logo_height', sa.Integer(), nullable=True),
        sa.Column('logo_alts', sa.JSON(), nullable=False, server_default=EMPTY),
        sa.Column('hosted_images', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('discreet', sa.JSON(), nullable=False, server_default=EMPTY),
    ):
        op.add_column('publications', column)
    op.add_column('subscriptions', sa.Column('discreet', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table('conversions',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('publication_id', sa.Integer(), nullable=False),
    sa.Column('issue_id', sa.Integer(), nullable=True),
    sa.Column('resource_id', sa.Integer(), nullable=True),
    sa.Column('place', sa.String(length=80), nullable=False),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('original', sa.Text(), nullable=False),
    sa.Column('proposed', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reasons', sa.JSON(), nullable=False),
    sa.Column('found_at', AWARE, nullable=False),
    sa.Column('decided_at', AWARE, nullable=True),
    sa.ForeignKeyConstraint(['publication_id'], ['publications.id'], name=op.f('fk_conversions_publication_id_publications'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['issue_id'], ['issues.id'], name=op.f('fk_conversions_issue_id_issues'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['resource_id'], ['resources.id'], name=op.f('fk_conversions_resource_id_resources'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversions'))
    )
    op.create_index('ix_conversions_issue_id', 'conversions', ['issue_id', 'state'])
    op.create_index('ix_conversions_resource_id', 'conversions', ['resource_id'])
    op.create_table('link_checks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('url_hash', sa.String(length=64), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('verdict', sa.String(length=16), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('detail', sa.Text(), nullable=False, server_default=''),
    sa.Column('checked_at', AWARE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link_checks')),
    sa.UniqueConstraint('url_hash', name=op.f('uq_link_checks_url_hash'))
    )
