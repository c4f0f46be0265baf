"""An event loop that tells when nobody will ever wake it: nothing is ready, and nothing is due."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from selectors import DefaultSelector, SelectorKey
from typing import Any, TypeVar

T = TypeVar("T")


class WaitsForEver(AssertionError):
    """What is awaited will not come: all that happens here happens on a made-up clock."""


class _Selector(DefaultSelector):
    """The loop asks without a time limit only where it has nothing left to do."""

    starved: Callable[[], object] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None and self.starved is not None:
            self.starved()
            return super().select(0)
        return super().select(timeout)


def run(work: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`. Raises WaitsForEver."""
    selector = _Selector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        return runner.run(_told(work, selector))


async def _told(work: Coroutine[Any, Any, T], selector: _Selector) -> T:
    task = asyncio.current_task()
    assert task is not None
    selector.starved = task.cancel
    try:
        return await work
    except asyncio.CancelledError as ended:
        ways = [f"{Path(step.filename).name}:{step.lineno}" for step in traceback.extract_tb(ended.__traceback__)]
        raise WaitsForEver(f"waits for ever: {' > '.join(ways[1:])}") from None
    finally:
        selector.starved = None
