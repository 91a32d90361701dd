"""Alembic's entry: runs the migrations on the connection it is given."""

from alembic import context

from publisher.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=False
)
context.run_migrations()
