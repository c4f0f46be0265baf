"""Brings a database up to date in a short-lived process: the 7 MB that Alembic takes end with it, and do not lie in the
daemon until its next start.

    python -m ringfence.store.migrating_aside < file with the database's address
"""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

log = logging.getLogger(__name__)

ASIDE_SECONDS: Final = 60.0


async def upgrade_aside(url: str) -> None:
    """Returns when the process has ended, whether it could do it or not: who asked looks for themselves, and knows
    better what to say of it. The address goes in by standard input, for it may hold a password."""
    command = ("-P", "-m", "ringfence.store.migrating_aside")
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL
        )
    except OSError as error:
        log.warning("no process could be started to bring the database up to date", extra={"reason": str(error)})
        return
    try:
        async with asyncio.timeout(ASIDE_SECONDS):
            await child.communicate(url.encode())
    except TimeoutError:
        log.warning("bringing the database up to date takes long", extra={"seconds": ASIDE_SECONDS})
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def main(url: str) -> int:
    # Here, so that whoever starts this process does not load what is loaded in it.
    from ringfence.app.ports import StoreError
    from ringfence.store.database import Database

    database = Database(url, copied=True)  # whoever started this process has made the copy
    try:
        await database.prepare()
    except StoreError:
        return 1
    finally:
        await database.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.stdin.read())))
