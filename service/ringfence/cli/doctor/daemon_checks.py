"""What the running daemon says of itself, over its local socket. Calls are routed without it, by the last table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp

from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground

DEADLINE_SECONDS: Final = 2.0
MAX_NAMED: Final = 5
MAX_TOLD_LOOPS: Final = 10
_LOG: Final = "Its log says more; `ringfence status` shows the state of everything."


async def daemon(ground: Ground) -> list[Finding]:
    """Runs, and is ready."""
    path = ground.settings.socket
    try:
        ground.daemon_status = await _status(path)
    except PermissionError:
        return [unknown(f"{path} may not be opened.", "Run as root or as the service's own account.")]
    except (OSError, TimeoutError, aiohttp.ClientError, ValueError) as error:
        if isinstance(error, (FileNotFoundError, ConnectionRefusedError, aiohttp.ClientConnectorError)):
            words = f"The daemon does not listen on {path}: nothing is watched, and calls go by the last table."
            return [warn(words, "Start it: `ringfence run`.")]
        return [warn(f"Something listens on {path} and does not answer as the daemon does.", "Restart the daemon.")]
    status = ground.daemon_status
    said = [str(words) for words in (*status.get("not_ready_because", ()), *status.get("alarms", ()))]
    if said:
        return [warn(f"The daemon says: {'; '.join(said[:MAX_NAMED])}.", _LOG)]
    return [ok("The daemon runs and is ready.")]


async def table_equal(ground: Ground) -> list[Finding]:
    """Only the daemon can tell, for it holds the directory: it verifies AstDB record by record."""
    if ground.daemon_status is None:
        return [unknown("Only the running daemon can compare AstDB with the directory.", "Start it: `ringfence run`.")]
    table = ground.daemon_status.get("table")
    state = table.get("state") if isinstance(table, dict) else None
    if not isinstance(table, dict) or not isinstance(state, str):
        return [unknown("The daemon said nothing of its table.", _LOG)]
    age = table.get("age_seconds")
    if state == "equal":
        since = f", verified {age:.0f} s ago" if isinstance(age, (int, float)) else ""
        return [ok(f"AstDB equals the directory{since}.")]
    return [warn(f"The daemon says of the table in AstDB: {state}. {table.get('detail', '')}".rstrip(), _LOG)]


async def platforms_known(ground: Ground) -> list[Finding]:
    """A platform renamed in the configuration, and not in the directory, takes the plans from all its DIDs."""
    if ground.daemon_status is None:
        return [unknown("Only the running daemon knows the directory.", "Start it: `ringfence run`.")]
    table = ground.daemon_status.get("table")
    lost = table.get("lost_scopes") if isinstance(table, dict) else None
    if not isinstance(lost, list):
        return [unknown("The daemon said nothing of its DIDs' platforms.", _LOG)]
    if not lost:
        return [ok("Every DID's platform is configured.")]
    names = ", ".join(str(name) for name in lost[:MAX_NAMED])
    words = f"DIDs belong to platforms that are not configured: {names}. Their plans are not used."
    return [fail(words, "Import a dids.csv that names a configured platform, or give the platform its name back.")]


async def no_loops(ground: Ground) -> list[Finding]:
    """Numbers of the directory that would bring calls back to us: no plan holds them, so somebody is not rung."""
    if ground.daemon_status is None:
        return [unknown("Only the running daemon knows the directory.", "Start it: `ringfence run`.")]
    table = ground.daemon_status.get("table")
    told = table.get("would_loop") if isinstance(table, dict) else None
    if not isinstance(told, list):
        return [unknown("The daemon said nothing of loops.", _LOG)]
    if not told:
        return [ok("No number of the directory is known to bring a call back to us.")]
    fix = "Correct the number, or take out the forward; where it is none, correct [[known_forward]] or `ranges`."
    found = [warn(f"Left out of the plans: {words}.", fix) for words in told[:MAX_TOLD_LOOPS]]
    if len(told) > MAX_TOLD_LOOPS:
        found.append(warn(f"Left out of the plans: {len(told) - MAX_TOLD_LOOPS} more such numbers or loops.", fix))
    return found


async def _status(path: Path) -> Mapping[str, Any]:
    """Raises OSError, TimeoutError, aiohttp.ClientError or ValueError."""
    connector = aiohttp.UnixConnector(str(path))
    limit = aiohttp.ClientTimeout(total=DEADLINE_SECONDS)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=limit, trust_env=False) as session,
        session.get("http://localhost/v1/status") as answer,
    ):
        answer.raise_for_status()
        found = await answer.json()
    if not isinstance(found, dict):
        raise ValueError("not a status")
    return found
