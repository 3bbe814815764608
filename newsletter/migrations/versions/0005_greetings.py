"""Mails of welcome and goodbye stand in the ledger too; a sign-up may ask for discreet mail."""

from alembic import op
import sqlalchemy as sa


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

AWARE = sa.DateTime(timezone=True)
_ORIGINS = ('issue_id', 'confirmation_id', 'greeting_id')
_ONE = ' + '.join(f'CASE WHEN {name} IS NULL THEN 0 ELSE 1 END' for name in _ORIGINS) + ' = 1'


def upgrade() -> None:
    op.add_column('publications', sa.Column('welcome_mail', sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column('publications', sa.Column('goodbye_mail', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('confirmations', sa.Column('discreet', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table('greetings',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('public_id', sa.Uuid(), nullable=False),
    sa.Column('subscription_id', sa.Integer(), nullable=False),
    sa.Column('edition', sa.String(length=128), nullable=False),
    sa.Column('created_at', AWARE, nullable=False),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscriptions.id'], name=op.f('fk_greetings_subscription_id_subscriptions'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_greetings')),
    sa.UniqueConstraint('public_id', name=op.f('uq_greetings_public_id'))
    )
    op.create_index('ix_greetings_subscription_id', 'greetings', ['subscription_id'])
    op.create_index('ix_greetings_created_at', 'greetings', ['created_at'])
    if op.get_bind().dialect.name == 'sqlite':
        _rebuilt()
    else:
        op.add_column('deliveries', sa.Column('greeting_id', sa.Integer(), nullable=True))
        op.drop_constraint(op.f('ck_deliveries_one_origin'), 'deliveries', type_='check')
        op.create_check_constraint(op.f('ck_deliveries_one_origin'), 'deliveries', _ONE)
    _indexes()
    _triggers()


def _rebuilt() -> None:
    """SQLite cannot change a CHECK, so the table is made anew. Dropping the old one would take the
    events with it, and a number that was given once would be given again: both are kept aside."""
    bind = op.get_bind()
    for name in ('subscribers', 'confirmations'):
        op.execute(f'DROP TRIGGER deliveries_forget_{name}')
    last = bind.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'"))
    op.execute('CREATE TEMP TABLE kept_events AS SELECT * FROM events')
    op.execute('DELETE FROM events')
    with op.batch_alter_table('deliveries', table_kwargs={'sqlite_autoincrement': True}) as table:
        table.add_column(sa.Column('greeting_id', sa.Integer(), nullable=True))
        table.drop_constraint(op.f('ck_deliveries_one_origin'), type_='check')
        table.create_check_constraint(op.f('ck_deliveries_one_origin'), _ONE)
    op.execute('INSERT INTO events SELECT * FROM kept_events')
    op.execute('DROP TABLE kept_events')
    if last is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'deliveries'")
        bind.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('deliveries', :last)"), {'last': last})


def _indexes() -> None:
    greeting = sa.text('greeting_id IS NOT NULL')
    op.create_index('uq_deliveries_greeting_id', 'deliveries', ['greeting_id'], unique=True, sqlite_where=greeting, postgresql_where=greeting)
    alone = sa.text('issue_id IS NULL')
    op.create_index('ix_deliveries_alone', 'deliveries', ['id'], sqlite_where=alone, postgresql_where=alone)


def _triggers() -> None:
    deeds = {'greetings': 'DELETE FROM deliveries WHERE greeting_id = OLD.id'}
    if op.get_bind().dialect.name == 'sqlite':
        deeds |= {
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
