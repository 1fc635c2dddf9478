"""The steps that make the tables. `HEAD` is the newest one, known without importing alembic."""

HEAD = "0004"
