"""What was deleted must not lie about in the database's own files."""

from sqlalchemy import Engine, text

from workflows.runtime import Runtime


def tidy(rt: Runtime) -> None:
    """SQLite: empty the log beside the file. PostgreSQL: overwrite the space of rows that were changed."""
    engine = rt.sessions.kw["bind"]
    if not isinstance(engine, Engine):
        return
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            raw.close()
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("data_keys", "requests", "messages", "outbox", "challenges", "plan_items", "findings"):
            connection.execute(text(f"VACUUM {table}"))  # names of ours
