"""The database on a PostgreSQL server: reached as the daemon reaches it, its schema, whose it is, and how the line to
it is protected. Nothing is written, and no lock is taken."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import StoreError
from ringfence.bootstrap.storing import database_of, password_of
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.store.database import Database
from ringfence.store.migrating import present_revision, revisions

VERIFYING: Final = frozenset({"verify-ca", "verify-full"})
_GUIDE: Final = "docs/howto/use-postgresql.md"
_LOOK: Final = """
SELECT current_user AS role, current_database() AS name,
  pg_has_role(current_user, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') AS owns,
  (SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()
    AND NOT pg_has_role(current_user, tableowner, 'USAGE')) AS foreign_tables,
  pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS frozen,
  COALESCE((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), '') AS tls,
  inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr() AS near
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server says of this database and of our connection. `tls`: its version; empty: in clear. `near`: the
    line does not leave this machine. `writer`: the daemon that writes into it, as it names itself."""

    engine: str
    role: str
    name: str
    owns: bool
    foreign_tables: int
    frozen: bool
    tls: str
    near: bool
    writer: str | None
    revision: str | None


async def database_on_server(ground: Ground) -> list[Finding]:
    """Whether the daemon can use it as it is configured."""
    address = ground.settings.database
    try:
        password = password_of(address, ground.config_path)
    except StoreError as error:
        return [unknown(error.message, "Run as root or as the service's own account.")]
    database = database_of(ground.settings, ground.config_path, as_it_is=True)
    try:
        seen = await _seen(database)
    except StoreError as error:
        if not password and "authentication failed" in error.message:
            # Without a password the account says who we are, and ours need not be the daemon's.
            words = f"The database lets the service in by its account, and this one not: {error.message}"
            return [unknown(words, "Run as the service's own account: `runuser -u ringfence -- ringfence doctor`.")]
        return [fail(error.message, error.fix or f"See {_GUIDE}, or restore a backup.")]
    finally:
        await database.close()
    found = [*_of_role(seen), *_of_schema(seen), *_of_writer(seen), *line(address, seen)]
    tls = f"over {seen.tls}" if seen.tls else "without leaving this machine" if seen.near else "in clear"
    return found or [ok(f"{seen.engine} answers {tls}; {seen.name} is {seen.role}'s, schema {seen.revision}.")]


async def _seen(database: Database) -> Seen:
    async with database.reading() as connection:
        row = (await connection.execute(text(_LOOK))).one()
        about = await database.about(connection)
        revision = await _revision(connection, row.foreign_tables)
        return Seen(about.engine, writer=about.owner, revision=revision, **row._mapping)


async def _revision(connection: AsyncConnection, foreign_tables: int) -> str | None:
    # What belongs to another role may not be read either.
    return None if foreign_tables else await present_revision(connection)


def _of_role(seen: Seen) -> list[Finding]:
    found = []
    if seen.frozen:
        words = f"{seen.name} takes no changes: the server is a standby, or the database was made read-only."
        found.append(fail(words, "Name the primary server in `database`."))
    if seen.foreign_tables:
        words = f"{seen.foreign_tables} tables of {seen.name} belong to another role than {seen.role}."
        fix = f"On the server, in that database: REASSIGN OWNED BY that_role TO {seen.role}; see {_GUIDE}."
        found.append(fail(words, fix))
    elif not seen.owns:
        words = f"{seen.name} does not belong to {seen.role}: an upgrade may fail to change its tables."
        found.append(fail(words, f"On the server: ALTER DATABASE {seen.name} OWNER TO {seen.role}; see {_GUIDE}."))
    return found


def _of_schema(seen: Seen) -> list[Finding]:
    known = revisions()
    if seen.revision == known[-1] or seen.foreign_tables:
        return []
    if seen.revision is None:
        return [
            warn(f"{seen.name} has no tables yet.", "`ringfence db move` fills it; `ringfence run` makes new ones.")
        ]
    if seen.revision in known:
        words = f"{seen.name} is of schema {seen.revision}, and this version's is {known[-1]}."
        return [warn(words, "Restart the service: it makes a copy, and brings the database up to date.")]
    words = f"{seen.name} was made by a newer Ringfence: its schema is {seen.revision}."
    return [fail(words, "Install that version again, or put back the copy: `ringfence restore --replace`.")]


def _of_writer(seen: Seen) -> list[Finding]:
    if seen.writer is None or seen.writer.rpartition(" (")[0] == f"ringfence on {socket.gethostname()}":
        return []
    words = f"{seen.name} belongs to {seen.writer}, which runs and writes into it: this node stores nothing there."
    return [fail(words, "Give every node a database of its own (two sites are two pairs), or stop the other one.")]


def line(address: str, seen: Seen) -> list[Finding]:
    """How what is stored gets there. Not asked of a line within this machine."""
    if seen.near:
        return []
    fix = f"Write ?sslmode=verify-full&sslrootcert=FILE into `database`; see {_GUIDE}."
    if not seen.tls:
        return [warn(f"Private numbers go to {seen.name} in clear, over the network.", fix)]
    if parse_qs(urlsplit(address).query).get("sslmode", [""])[-1] not in VERIFYING:
        return [warn(f"Nobody checks that it is our server that gets private numbers over {seen.tls}.", fix)]
    return []
