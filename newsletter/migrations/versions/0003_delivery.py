"""Deliveries are claimed by chunks; events, pacing, outages, notices."""

from alembic import op
import sqlalchemy as sa


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

AWARE = sa.DateTime(timezone=True)
_CHUNK = 500


def upgrade() -> None:
    _deliveries()
    op.create_table('chunks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('issue_id', sa.Integer(), nullable=False),
    sa.Column('first_id', sa.Integer(), nullable=False),
    sa.Column('last_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('turn', sa.Integer(), nullable=False, server_default='0'),
    sa.Column('turn_at', AWARE, nullable=True),
    sa.Column('mark', sa.Integer(), nullable=False),
    sa.Column('owner', sa.String(length=64), nullable=True),
    sa.Column('lease_until_at', AWARE, nullable=True),
    sa.Column('not_before_at', AWARE, nullable=True),
    sa.Column('tally', sa.JSON(), nullable=True),
    sa.Column('changed_at', AWARE, nullable=False),
    sa.ForeignKeyConstraint(['issue_id'], ['issues.id'], name=op.f('fk_chunks_issue_id_issues'), ondelete='RESTRICT'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_chunks'))
    )
    op.create_index('ix_chunks_issue_state', 'chunks', ['issue_id', 'state', 'id'])
    for name, column, condition in (('owner', 'owner', 'owner IS NOT NULL'), ('uncounted', 'id', 'tally IS NULL')):
        op.create_index(f'ix_chunks_{name}', 'chunks', [column], sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
    op.create_table('events',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('mark', sa.LargeBinary(length=32), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('delivery_id', sa.Integer(), nullable=True),
    sa.Column('status', sa.String(length=16), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('outcome', sa.String(length=32), nullable=False),
    sa.Column('at', AWARE, nullable=False),
    sa.Column('received_at', AWARE, nullable=False),
    sa.Column('raw', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['delivery_id'], ['deliveries.id'], name=op.f('fk_events_delivery_id_deliveries'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_events')),
    sa.UniqueConstraint('mark', name=op.f('uq_events_mark'))
    )
    op.create_index('ix_events_delivery_id', 'events', ['delivery_id'])
    op.create_index('ix_events_received_at', 'events', ['received_at'])
    waiting = sa.text("outcome = 'waiting'")
    op.create_index('ix_events_waiting', 'events', ['id'], sqlite_where=waiting, postgresql_where=waiting)
    op.create_table('soft_bounces',
    sa.Column('subscriber_id', sa.Integer(), nullable=False),
    sa.Column('issues', sa.Integer(), nullable=False),
    sa.Column('last_issue_id', sa.Integer(), nullable=True),
    sa.Column('first_at', AWARE, nullable=False),
    sa.Column('last_at', AWARE, nullable=False),
    sa.ForeignKeyConstraint(['subscriber_id'], ['subscribers.id'], name=op.f('fk_soft_bounces_subscriber_id_subscribers'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('subscriber_id', name=op.f('pk_soft_bounces'))
    )
    op.create_table('paces',
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.Column('tokens', sa.Float(), nullable=False),
    sa.Column('refilled_at', AWARE, nullable=False),
    sa.Column('day', sa.Date(), nullable=True),
    sa.Column('day_count', sa.Integer(), nullable=False, server_default='0'),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_paces'))
    )
    op.create_table('outages',
    sa.Column('provider', sa.String(length=32), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('since_at', AWARE, nullable=False),
    sa.Column('until_at', AWARE, nullable=False),
    sa.PrimaryKeyConstraint('provider', name=op.f('pk_outages'))
    )
    op.create_table('notices',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('publication_id', sa.Integer(), nullable=False),
    sa.Column('issue_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('created_at', AWARE, nullable=False),
    sa.Column('mailed_at', AWARE, nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False, server_default='0'),
    sa.ForeignKeyConstraint(['publication_id'], ['publications.id'], name=op.f('fk_notices_publication_id_publications'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['issue_id'], ['issues.id'], name=op.f('fk_notices_issue_id_issues'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices'))
    )
    op.create_index('ix_notices_mailed_at', 'notices', ['mailed_at'])
    op.add_column('publications', sa.Column('unknown_policy', sa.String(length=8), nullable=False, server_default='never'))
    op.add_column('publications', sa.Column('quiet_hours', sa.String(length=11), nullable=False, server_default=''))
    _forget_readers()
    _chunk_what_is_there()


def _deliveries() -> None:
    op.drop_index('ix_deliveries_issue_state', 'deliveries')
    op.drop_index('ix_deliveries_lease', 'deliveries')
    with op.batch_alter_table('deliveries', table_kwargs={'sqlite_autoincrement': True}) as table:
        table.drop_constraint(op.f('fk_deliveries_issue_id_issues'), type_='foreignkey')
        table.drop_constraint(op.f('fk_deliveries_subscriber_id_subscribers'), type_='foreignkey')
        table.drop_constraint(op.f('fk_deliveries_confirmation_id_confirmations'), type_='foreignkey')
        table.add_column(sa.Column('turn', sa.Integer(), nullable=False, server_default='0'))
        table.alter_column('attempts', existing_type=sa.Integer(), server_default='0')
    trouble = sa.text("state IN ('unknown', 'refused')")
    op.create_index('ix_deliveries_trouble', 'deliveries', ['issue_id', 'state', 'id'], sqlite_where=trouble, postgresql_where=trouble)
    put_off = sa.text("state = 'planned' AND answer IS NOT NULL")
    op.create_index('ix_deliveries_put_off', 'deliveries', ['issue_id', 'not_before_at'], sqlite_where=put_off, postgresql_where=put_off)


def _forget_readers() -> None:
    """What the foreign keys did, without a look at another table for each row of a launch."""
    deeds = {
        'subscribers': 'UPDATE deliveries SET subscriber_id = NULL WHERE subscriber_id = OLD.id',
        'confirmations': 'DELETE FROM deliveries WHERE confirmation_id = OLD.id',
    }
    for table, deed in deeds.items():
        name = f'deliveries_forget_{table}'
        if op.get_bind().dialect.name == 'sqlite':
            op.execute(f'CREATE TRIGGER {name} AFTER DELETE ON {table} BEGIN {deed}; END')
            continue
        op.execute(f'CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {deed}; RETURN NULL; END $$')
        op.execute(f'CREATE TRIGGER {name} AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()')
    if op.get_bind().dialect.name != 'sqlite':
        op.execute('ALTER SEQUENCE deliveries_id_seq CACHE 100')


def _chunk_what_is_there() -> None:
    """Issues launched before: what was only claimed is planned, what may have left is unknown."""
    bind = op.get_bind()
    bind.execute(sa.text("UPDATE deliveries SET state = 'planned', owner = NULL, lease_until_at = NULL WHERE state = 'claimed' AND issue_id IS NOT NULL"))
    bind.execute(sa.text("UPDATE deliveries SET state = 'unknown', lease_until_at = NULL, answer = 'the program was upgraded before the answer was written down' WHERE state = 'submitting' AND issue_id IS NOT NULL"))
    moment = sa.func.current_timestamp()
    deliveries = sa.table('deliveries', sa.column('id'), sa.column('issue_id'), sa.column('state'), sa.column('changed_at', AWARE))
    chunks = sa.table('chunks', *(sa.column(name) for name in ('issue_id', 'first_id', 'last_id', 'state', 'mark')), sa.column('changed_at', AWARE))
    part = (deliveries.c.id / _CHUNK) if bind.dialect.name == 'sqlite' else sa.func.floor(deliveries.c.id / _CHUNK)
    grouped = sa.select(deliveries.c.issue_id, sa.func.min(deliveries.c.id), sa.func.max(deliveries.c.id), sa.func.max(sa.case((deliveries.c.state == 'planned', 'open'), else_='done')), sa.func.min(deliveries.c.id) - 1, sa.func.max(deliveries.c.changed_at))
    grouped = grouped.where(deliveries.c.issue_id.is_not(None)).group_by(deliveries.c.issue_id, part)
    bind.execute(chunks.insert().from_select(['issue_id', 'first_id', 'last_id', 'state', 'mark', 'changed_at'], grouped))
