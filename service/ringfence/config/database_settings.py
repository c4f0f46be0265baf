"""Where the database is: a file in state_dir, or a PostgreSQL server. An address holds no password, ever: it would be
in backups of the configuration, in its diffs, and on the screen of whoever looks at it."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator

SQLITE: Final = "sqlite+aiosqlite:///"
POSTGRESQL: Final = ("postgresql://", "postgres://", "postgresql+psycopg://")
PASSWORD_SECRET: Final = "database_password"  # noqa: S105  the secret's name
EXAMPLE: Final = "postgresql+psycopg://ringfence@/ringfence"
SSL_MODES: Final = ("disable", "require", "verify-ca", "verify-full")

_TAKE_OUT: Final = (
    f"holds a password: take it out, and write it to the secret `{PASSWORD_SECRET}` "
    "(RINGFENCE_DATABASE_PASSWORD_FILE, or the file of that name beside the configuration)"
)


def on_server(database: str) -> bool:
    """Whether this setting, once checked, names a server."""
    return database.startswith(POSTGRESQL)


def checked_address(text: str) -> str:
    """The address as SQLAlchemy reads it. Raises ValueError, which never repeats it."""
    if not text or text.startswith(SQLITE):
        return text
    if not text.startswith(POSTGRESQL):
        raise ValueError(f"is no address of a database: leave it away for a file in state_dir, or write {EXAMPLE}")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError(f"is no address of a database: write one like {EXAMPLE}") from None
    query = parse_qs(parts.query, keep_blank_values=True)
    if parts.password is not None or "password" in query:
        raise ValueError(_TAKE_OUT)
    if not parts.path.strip("/"):
        raise ValueError(f"names no database: write one like {EXAMPLE}")
    mode = query.get("sslmode", [""])[-1]
    host = parts.hostname or query.get("host", [""])[-1]
    if mode and mode not in SSL_MODES:
        raise ValueError(f"sslmode {mode!r} promises nothing, or is none: one of {', '.join(SSL_MODES)}")
    if not mode and not _is_this_machine(host):
        raise ValueError(
            f"names another machine and no sslmode: add ?sslmode=verify-full&sslrootcert=FILE, or say with one of "
            f"{', '.join(SSL_MODES)} what is wanted; private numbers go over this line"
        )
    return f"postgresql+psycopg://{text.partition('://')[2]}"


def _is_this_machine(host: str) -> bool:
    """A socket's folder, or loopback."""
    return not host or host.startswith(("/", "@", "127.")) or host in ("localhost", "::1")


DatabaseAddress = Annotated[str, AfterValidator(checked_address)]
