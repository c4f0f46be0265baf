"""Waiting on a condition with a deadline; the only way anything in the lab waits.

A wait that fails names what it waited for and shows the tail of the log that explains it: an
integration test that only says "timeout" costs an afternoon.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

POLL_INTERVAL_SECONDS = 0.02
patience = 1.0
"""Each deadline is multiplied by it. Test runs raise it: a deadline there only ends what hangs, and a machine that is
shared says nothing of what is tested. Whatever measures keeps its own."""


class LabError(Exception):
    """The lab could not do what it was asked; the message says what to do about it."""


class WaitTimeoutError(LabError):
    """A condition did not come true before its deadline."""


async def wait_until(
    condition: Callable[[], object],
    *,
    what: str,
    deadline_seconds: float,
    diagnose: Callable[[], str] | None = None,
    interval_seconds: float = POLL_INTERVAL_SECONDS,
) -> None:
    """Poll until the condition holds; an awaitable one is awaited each time."""
    waits = deadline_seconds * patience
    deadline = time.monotonic() + waits
    while True:
        outcome = condition()
        if await outcome if inspect.isawaitable(outcome) else outcome:
            return
        if time.monotonic() >= deadline:
            detail = f"\n{diagnose()}" if diagnose is not None else ""
            raise WaitTimeoutError(f"waited {waits:g} s for {what}{detail}")
        await asyncio.sleep(interval_seconds)


def tail_of(path: object, line_count: int = 30) -> str:
    """The last lines of a log, labelled; an absent log is said, not raised."""
    try:
        with open(str(path), "rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 64 * 1024))
            lines = log.read().decode(errors="replace").splitlines()[-line_count:]
    except OSError as error:
        return f"--- {path}: {error.strerror}"
    return "\n".join([f"--- tail of {path}:", *lines])
