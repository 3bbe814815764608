"""Feeds and WordPress sites fill the inbox by themselves, each entry once ever."""

from alembic import op
import sqlalchemy as sa


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

AWARE = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table('sources',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('publication_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('url_hash', sa.String(length=64), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('category_id', sa.Integer(), nullable=True),
    sa.Column('language', sa.String(length=16), nullable=False),
    sa.Column('every_minutes', sa.Integer(), nullable=False),
    sa.Column('first_days', sa.Integer(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('etag', sa.Text(), nullable=False),
    sa.Column('last_modified', sa.Text(), nullable=False),
    sa.Column('added_at', AWARE, nullable=False),
    sa.Column('checked_at', AWARE, nullable=True),
    sa.Column('seen_at', AWARE, nullable=True),
    sa.Column('next_at', AWARE, nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['publication_id'], ['publications.id'], name=op.f('fk_sources_publication_id_publications'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_sources_category_id_categories'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sources')),
    sa.UniqueConstraint('publication_id', 'url_hash', name=op.f('uq_sources_publication_id_url_hash'))
    )
    op.create_index(op.f('ix_sources_next_at'), 'sources', ['next_at'])
    op.create_table('entries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=False),
    sa.Column('guid_hash', sa.String(length=64), nullable=False),
    sa.Column('url_hash', sa.String(length=64), nullable=False),
    sa.Column('seen_at', AWARE, nullable=False),
    sa.Column('resource_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['source_id'], ['sources.id'], name=op.f('fk_entries_source_id_sources'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['resource_id'], ['resources.id'], name=op.f('fk_entries_resource_id_resources'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_entries')),
    sa.UniqueConstraint('source_id', 'guid_hash', name=op.f('uq_entries_source_id_guid_hash'))
    )
    op.create_index('ix_entries_url_hash', 'entries', ['url_hash'])
    op.create_index('ix_entries_resource_id', 'entries', ['resource_id'])
