"""The truth: the log, the claims and the inbox in PostgreSQL, through asyncpg and named SQL."""
