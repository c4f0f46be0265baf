"""The scheduled backup as a process of its own: the daemon's loop never waits for it, its memory ends with it.

    python -m ringfence.bootstrap.backup_aside CONFIG

prints one JSON object: what was made, or why nothing was.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ringfence.app.backup.faults import BackupFault
from ringfence.app.backup.keeper import MadeBackup
from ringfence.app.ports import RingfenceError

log = logging.getLogger(__name__)

ASIDE_SECONDS: Final = 3_600.0
NICE: Final = 10  # calls on the same machine come first
_LOOK: Final = "`ringfence backup` says why."


class BackupAside:
    """Implements `app.backup.keeper.Maker`."""

    def __init__(self, config: Path) -> None:
        self._config = config

    async def make(self) -> MadeBackup:
        command = ("-P", "-m", "ringfence.bootstrap.backup_aside", str(self._config))
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable, *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
            )
        except OSError as error:
            raise BackupFault(f"No process could be started for the backup: {error.strerror}.", _LOOK) from None
        try:
            async with asyncio.timeout(ASIDE_SECONDS):
                said, _ = await child.communicate()
        except TimeoutError:
            raise BackupFault(f"The backup took longer than {ASIDE_SECONDS:g} s and was ended.", _LOOK) from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return _understood(said)


def _understood(said: bytes) -> MadeBackup:
    try:
        found = json.loads(said)
        if "error" in found:
            raise BackupFault(str(found["error"]), str(found["fix"]))
        return MadeBackup(datetime.fromisoformat(found["at"]), int(found["size"]), int(found["rows"]))
    except (ValueError, KeyError, TypeError):
        raise BackupFault("The backup ended without a word.", _LOOK) from None


def main(config: Path) -> dict[str, Any]:
    """Makes it; what is to be said of it."""
    # Here, so that the daemon, which starts this process, does not load what is loaded in it.
    from ringfence.backup.seal import Locks
    from ringfence.bootstrap.backup_making import Order, make_and_prune
    from ringfence.config import ConfigError, load

    os.umask(0o077)
    try:
        settings = load(config)
        locks = Locks(tuple(settings.backup.recipients))
        made = asyncio.run(make_and_prune(Order(settings, config, locks)))
    except ConfigError as error:
        return {"error": error.faults[0], "fix": "See `ringfence check-config`."}
    except RingfenceError as error:
        return {"error": error.message, "fix": error.fix}
    return {"at": made.at.isoformat(), "size": made.size, "rows": made.manifest.rows}


if __name__ == "__main__":
    with suppress(OSError):  # a hardened service may not even do that
        os.nice(NICE)
    json.dump(main(Path(sys.argv[1])), sys.stdout)
