"""Pictures lie in the database, issues can be taken out of the archive, search engines let in."""

from alembic import op
import sqlalchemy as sa


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('pictures',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_pictures'))
    )
    op.add_column('publications', sa.Column('search_engines', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('issues', sa.Column('withdrawn_at', sa.DateTime(timezone=True), nullable=True))
