"""The database that the configuration names, with the password that it does not hold, and what waits beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ringfence.app.journal import Journal
from ringfence.app.ports import Clock, StoreError
from ringfence.config import ConfigError, Settings, load_database_password
from ringfence.store.call_spool import FileCallSpool
from ringfence.store.database import Database
from ringfence.store.journal_store import SqlJournalStore

DATABASE_FILE = "ringfence.db"
CALLS_WAITING = "calls-waiting"


def place_of(settings: Settings) -> Path | str:
    """The file in the state directory, or an address without a password."""
    return settings.database or settings.state_dir / DATABASE_FILE


def database_of(settings: Settings, config: Path, **options: Any) -> Database:
    """Neither opened nor checked; `options` as of `Database.at`. `config` is the configuration's file, beside which the
    secret lies. Raises StoreError when that may not be read."""
    return Database.at(place_of(settings), password=password_of(settings.database, config), **options)


def journal_of(settings: Settings, database: Database, clock: Clock) -> Journal:
    """Call records, and the folder in which they wait while the database takes none."""
    aside = FileCallSpool(settings.state_dir / CALLS_WAITING)
    return Journal(SqlJournalStore(database), clock, settings.keep_calls_days, aside)


def password_of(database: str, config: Path) -> str:
    """Empty where there is none. Raises StoreError when it may not be read."""
    try:
        return load_database_password(config, database)
    except ConfigError as error:
        raise StoreError(error.faults[0]) from None
