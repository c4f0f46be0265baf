"""What PostgreSQL's errors mean, in our words: the driver's own quote rows, and there are private numbers in them."""

from __future__ import annotations

from typing import Final

import psycopg

from ringfence.app.ports import StoreCorrupt, StoreError, StoreUnavailable

_CALLS_GO_ON: Final = "Calls go on, and what is decided meanwhile is stored once it answers."
_MEANINGS: Final = {
    "25006": ("takes no changes: it is a standby, or was made read-only", "Name the primary server in `database`."),
    "42501": ("does not allow this to our role", "Let the role own the database: docs/howto/use-postgresql.md."),
    "53100": ("cannot grow: its disk is full", "Free some space there; what waits is then stored by itself."),
    "53200": ("has no memory left", "Look at its log."),
    "53300": ("has no connection left for us", "Raise max_connections, or end what holds so many."),
    "55P03": ("is being written by another program", "`SELECT * FROM pg_stat_activity` names it."),
    "57014": ("took too long over one statement", "Look at the server's load, and vacuum the database."),
}
# What is said while connecting comes without a code.
_REFUSALS: Final = (
    ("password", "Write the role's password to the secret `database_password`, and check the server's pg_hba.conf."),
    ("authentication failed", "Check the server's pg_hba.conf, and the role in `database`."),
    ("no pg_hba.conf entry", "Let the role in: a line for it in the server's pg_hba.conf."),
    ("does not exist", "Create the role and the database: docs/howto/use-postgresql.md."),
    ("certificate", "Check `sslmode` and `sslrootcert` in `database`, and the server's certificate."),
    ("SSL", "Check `sslmode` and `sslrootcert` in `database`, and the server's certificate."),
)


class Silent(psycopg.OperationalError):
    """The server was there, and did not answer in time."""


def meaning_of(error: BaseException | None) -> StoreError | None:
    """Our error for one of PostgreSQL's; None when it is none. Never the driver's whole text: it quotes rows, and there
    are private numbers in them."""
    if not isinstance(error, psycopg.Error):
        return None
    if isinstance(error, Silent | psycopg.errors.ConnectionTimeout):
        return silent()
    code = error.sqlstate or ""
    if code in _MEANINGS:
        what, fix = _MEANINGS[code]
        return StoreUnavailable(f"PostgreSQL {what}.", fix)
    if code.startswith("XX00"):
        return StoreCorrupt(f"PostgreSQL has found damage ({code}).", "Look at the server's log; restore a backup.")
    if not code or code.startswith(("08", "57P")):
        return _unreachable(str(error))
    where = ".".join(filter(None, (error.diag.table_name, error.diag.column_name or error.diag.constraint_name)))
    # Data that does not fit is quoted even in the first line; what our own triggers say is not data.
    said = "" if code.startswith(("22", "23")) else error.diag.message_primary or ""
    return StoreUnavailable(
        f"PostgreSQL did not do what was asked: {said or type(error).__name__}{f' ({where})' if where else ''}.",
        "Look at the server's log." if code.startswith(("40", "58")) else "",
    )


def silent() -> StoreUnavailable:
    return StoreUnavailable("PostgreSQL does not answer.", f"{_CALLS_GO_ON} Look at the server and the network.")


def _unreachable(said: str) -> StoreUnavailable:
    line = " ".join(said.split()).rpartition("FATAL: ")[2].removesuffix(".")[:200]
    fix = next((fix for sign, fix in _REFUSALS if sign in said), "Is the server running, and its address right?")
    return StoreUnavailable(f"PostgreSQL cannot be reached: {line.strip()}.", f"{fix} {_CALLS_GO_ON}")
