"""Long work shows that it goes on: a bar on standard error, where somebody sees it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

LOOK_SECONDS: Final = 0.5

Answer = dict[str, Any]
Look = Callable[[], Awaitable[tuple[str, int, int | None]]]
"""What is being done now, how much of it is done, and how much there is; None: nobody knows."""


async def shown(what: str, work: Coroutine[Any, Any, Answer], look: Look | None = None) -> Answer:
    """The work's answer. `what` it is, in a word or two, until `look` says more."""
    working = asyncio.create_task(work)
    if sys.stderr.isatty():
        await _show(what, working, look)
    return await working


async def _show(what: str, working: asyncio.Task[Answer], look: Look | None) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, rows="")
        while not working.done():
            await asyncio.wait([working], timeout=LOOK_SECONDS)
            if working.done() or look is None:
                continue
            now, done, in_all = await look()
            rows = "" if in_all is None else f"{done:,} of {in_all:,}"
            bar.tasks[0].total = in_all  # `update` takes None for "as it was"
            bar.update(task, description=now, completed=done, rows=rows)
