"""Wrapped keys, sign-ups, pauses, imports, audit; the delivery table becomes the outbox of all."""

from alembic import op
import sqlalchemy as sa


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

AWARE = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table('data_keys',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('use', sa.String(length=8), nullable=False),
    sa.Column('kid', sa.String(length=8), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', AWARE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_keys')),
    sa.UniqueConstraint('use', 'kid', name=op.f('uq_data_keys_use_kid'))
    )
    op.create_table('audit_entries',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', AWARE, nullable=False),
    sa.Column('deed', sa.String(length=32), nullable=False),
    sa.Column('how', sa.String(length=64), nullable=False),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_entries'))
    )
    op.create_index(op.f('ix_audit_entries_at'), 'audit_entries', ['at'])
    op.create_table('keyholders',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', AWARE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_keyholders')),
    sa.UniqueConstraint('name', name=op.f('uq_keyholders_name'))
    )
    op.create_table('signup_marks',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('mark', sa.LargeBinary(length=16), nullable=False),
    sa.Column('at', AWARE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_signup_marks'))
    )
    op.create_index('ix_signup_marks_mark', 'signup_marks', ['mark', 'at'])
    op.create_index('ix_signup_marks_at', 'signup_marks', ['at'])
    op.create_table('list_imports',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('publication_id', sa.Integer(), nullable=False),
    sa.Column('mark', sa.LargeBinary(length=16), nullable=False),
    sa.Column('rows_done', sa.Integer(), nullable=False),
    sa.Column('started_at', AWARE, nullable=False),
    sa.Column('changed_at', AWARE, nullable=False),
    sa.Column('finished_at', AWARE, nullable=True),
    sa.Column('given_up_at', AWARE, nullable=True),
    sa.ForeignKeyConstraint(['publication_id'], ['publications.id'], name=op.f('fk_list_imports_publication_id_publications'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_imports')),
    sa.UniqueConstraint('publication_id', 'mark', name=op.f('uq_list_imports_publication_id_mark'))
    )
    op.create_table('confirmations',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('public_id', sa.Uuid(), nullable=False),
    sa.Column('subscription_id', sa.Integer(), nullable=False),
    sa.Column('edition', sa.String(length=128), nullable=False),
    sa.Column('wording', sa.Text(), nullable=False),
    sa.Column('created_at', AWARE, nullable=False),
    sa.Column('expires_at', AWARE, nullable=False),
    sa.Column('used_at', AWARE, nullable=True),
    sa.ForeignKeyConstraint(['subscription_id'], ['subscriptions.id'], name=op.f('fk_confirmations_subscription_id_subscriptions'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_confirmations')),
    sa.UniqueConstraint('public_id', name=op.f('uq_confirmations_public_id'))
    )
    op.create_index(op.f('ix_confirmations_subscription_id'), 'confirmations', ['subscription_id'])
    op.create_index('ix_confirmations_expires_at', 'confirmations', ['expires_at'])

    op.add_column('publications', sa.Column('archived_at', AWARE, nullable=True))
    for column in (
        sa.Column('wrapping', sa.JSON(), nullable=True),
        sa.Column('restored_at', AWARE, nullable=True),
        sa.Column('backup_of_at', AWARE, nullable=True),
        sa.Column('restored_seen_at', AWARE, nullable=True),
        sa.Column('purged_at', AWARE, nullable=True),
    ):
        op.add_column('installation', column)
    op.add_column('subscriptions', sa.Column('text_only', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('subscriptions', sa.Column('paused_until_at', AWARE, nullable=True))
    _seal_keys()
    _outbox()


def _seal_keys() -> None:
    if op.get_bind().dialect.name == 'sqlite':
        # Not by rebuilding the table: dropping the old one would cascade into subscriptions.
        op.execute(
            'ALTER TABLE subscribers ADD COLUMN seal_key_id INTEGER'
            ' CONSTRAINT fk_subscribers_seal_key_id_data_keys REFERENCES data_keys (id)'
        )
    else:
        op.add_column('subscribers', sa.Column('seal_key_id', sa.Integer(), nullable=True))
        op.create_foreign_key(op.f('fk_subscribers_seal_key_id_data_keys'), 'subscribers', 'data_keys', ['seal_key_id'], ['id'])
    op.create_index(op.f('ix_subscribers_seal_key_id'), 'subscribers', ['seal_key_id'])


def _outbox() -> None:
    # AUTOINCREMENT: a number never comes back, since a Message-ID is made of it.
    with op.batch_alter_table('deliveries', table_kwargs={'sqlite_autoincrement': True}) as table:
        table.alter_column('issue_id', existing_type=sa.Integer(), nullable=True)
        table.add_column(sa.Column('confirmation_id', sa.Integer(), nullable=True))
        table.create_foreign_key(op.f('fk_deliveries_confirmation_id_confirmations'), 'confirmations', ['confirmation_id'], ['id'], ondelete='CASCADE')
        table.drop_constraint(op.f('uq_deliveries_issue_id_subscriber_id'), type_='unique')
        table.create_unique_constraint(op.f('uq_deliveries_subscriber_id_issue_id'), ['subscriber_id', 'issue_id'])
        table.create_check_constraint('one_origin', '(issue_id IS NULL) <> (confirmation_id IS NULL)')
    wanted = sa.text('confirmation_id IS NOT NULL')
    op.create_index('uq_deliveries_confirmation_id', 'deliveries', ['confirmation_id'], unique=True, sqlite_where=wanted, postgresql_where=wanted)
