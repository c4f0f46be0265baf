"""What processes and their children use, as the kernel counts it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

SAMPLE_SECONDS = 0.1
MIB = 1024


def family(pid: int) -> list[int]:
    """It and all that came of it; those that end meanwhile are left out."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(found for child in children for found in family(child))]


def memory_mib(pids: Sequence[int]) -> float:
    """Resident: all of each process, and of its children what they do not share with it."""
    total = sum(_sizes(pid, "Rss:") for pid in pids)
    children = [child for pid in pids for child in family(pid)[1:]]
    return (total + sum(_sizes(child, "Private_Clean:", "Private_Dirty:") for child in children)) / MIB


def cpu_seconds(pids: Sequence[int]) -> float:
    """Used until now, with children, also those that have ended and been waited for."""
    return sum(_ticks(member) for pid in pids for member in family(pid)) / os.sysconf("SC_CLK_TCK")


class MemoryPeak:
    """`async with MemoryPeak(pids) as peak`: the most that was seen meanwhile."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._task: asyncio.Task[None] | None = None
        self.mib = 0.0

    async def __aenter__(self) -> MemoryPeak:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            self.mib = max(self.mib, await asyncio.to_thread(memory_mib, self._pids))
            await asyncio.sleep(SAMPLE_SECONDS)


def _sizes(pid: int, *names: str) -> int:
    """In KiB; nothing of a process that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])
