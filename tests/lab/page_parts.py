"""What the written pages of measured figures share: tables in Markdown, and the machine they were measured on."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a cell may hold any character but a line's end."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def machine(*programs: str) -> str:
    """Without names or paths: what matters to the times. `programs` with their versions, beside Python's own."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}"
    speed = f"Python {platform.python_version()} that adds ten million numbers in {_adding_seconds():.2f} s"
    return ", ".join([cores, speed, *programs])


def _adding_seconds() -> float:
    """A machine shared with others is at one time twice as fast as at another: the times tell of that, too."""

    def once() -> float:
        began, total = time.perf_counter(), 0
        for number in range(10_000_000):
            total += number
        return time.perf_counter() - began

    return min(once() for _ in range(3))
