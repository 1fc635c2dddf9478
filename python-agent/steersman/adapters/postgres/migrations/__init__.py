"""The steps that make the tables. `HEAD` is the newest one, known without importing alembic.

For who writes one. Processes of the release before go on working while the first of the new ones
migrates, and may be the last to be replaced. So a change takes two releases:

1. Expand: add tables, nullable columns or columns with a default, indexes. Statements of the
   release before must go on working, and rows that they write must do for the new one.
2. Contract, one release later: drop or rename what no release reads or writes any more.

All missing steps are one transaction. It gives up after a second whenever it has to wait for a
lock, and begins anew: take the strongest locks first, and leave long rewrites of rows to a loop
outside. A new step goes through `test_migrations.py` over a database with data in it.
"""

HEAD = "0005"
