"""Keeps a coroutine alive with back-off, and logs the edge: once when it breaks, once when it runs again.

The only place with a broad `except`: a fault in one adapter must not take the others down, and must not be silent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ringfence.app.ports import Clock, RingfenceError
from ringfence.domain.notice_mask import masked_but_ours

log = logging.getLogger(__name__)

FIRST_BACK_OFF_SECONDS = 0.5
MAX_BACK_OFF_SECONDS = 15.0
HEALTHY_AFTER_SECONDS = 30.0

Work = Callable[[], Coroutine[Any, Any, None]]
"""Runs until it is cancelled."""
Part = tuple[str, Work]
"""One thing that a daemon keeps running, by the name it has in the log."""


def unquoted(text: str) -> str:
    """What an error that nobody expected says of itself: it may quote what it was given, so every number is masked."""
    return masked_but_ours(text, lambda _: False)


async def supervise(name: str, work: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Runs `work` for ever. Cancellation passes through; everything else is logged once per edge and tried again."""
    back_off = FIRST_BACK_OFF_SECONDS
    broken = False
    trace: Exception | None
    while True:
        started = clock.now()
        try:
            await work()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Not we were cancelled but something we waited for: without this the task would vanish without a word.
            reason, trace = "what it waited for was cancelled", None
        except RingfenceError as error:
            reason, trace = str(error), None
        except Exception as error:  # noqa: BLE001  the one boundary that catches broadly
            reason, trace = unquoted(f"{type(error).__name__}: {error}"), error
        else:
            reason, trace = "it ended by itself", None
        if clock.now().since(started) >= HEALTHY_AFTER_SECONDS:
            back_off, broken = FIRST_BACK_OFF_SECONDS, False
        if not broken:
            log.error("task broke, trying again", extra={"task": name, "reason": reason}, exc_info=trace)
            broken = True
        await clock.sleep(back_off)
        back_off = min(back_off * 2, MAX_BACK_OFF_SECONDS)
