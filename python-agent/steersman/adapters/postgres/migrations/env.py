"""What alembic runs: it only writes the script of the missing steps, `migrate` runs that."""

from alembic import context

# "named" keeps the percent signs of our SQL single.
context.configure(dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, as_sql=True)
with context.begin_transaction():
    context.run_migrations()
