"""The daemon with its long rounds shortened: what it does once an hour comes as often as the hours of a soak do.

    python -m tests.lab.soak.hurried CONFIG COMPRESS COUNTS [--trace]

Nothing else of it is changed: it is `ringfence run` otherwise. On SIGUSR2 it writes into COUNTS what only the process
itself can tell: its tasks by name, its timers, who has its memory; with `--trace` also which lines of code hold most
of it.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import importlib
import json
import re
import signal
import sys
import tracemalloc
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

TRACED_LINES, TRACED_TYPES = 60, 60
KEPT_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Round:
    """One of the daemon's own periods: the constant that holds it, and what comes round."""

    module: str
    constant: str
    what: str

    @property
    def seconds(self) -> float:
        return float(getattr(importlib.import_module(f"ringfence.{self.module}"), self.constant))

    def shorten(self, compress: float) -> None:
        module = importlib.import_module(f"ringfence.{self.module}")
        setattr(module, self.constant, self.seconds / compress)


ROUNDS = (
    Round("app.journal", "PRUNE_EVERY_SECONDS", "old call records are removed"),
    Round("app.notifier", "PRUNE_EVERY_SECONDS", "old notices are removed"),
    Round("app.incidents", "PRUNE_EVERY_SECONDS", "old incidents are removed"),
    Round("app.once", "PRUNE_SECONDS", "old answers to idempotency keys are removed"),
    Round("app.hr.retention", "LOOK_SECONDS", "private numbers of leavers are erased"),
    Round("app.caller_retention", "LOOK_SECONDS", "callers' numbers are blanked"),
    Round("app.audit_anchors", "ANCHOR_SECONDS", "the audit record is anchored"),
    Round("app.audit_anchors", "LOOK_SECONDS", "whether it is time to"),
    Round("app.usual_keeper", "SAVE_SECONDS", "what is usual at this hour is stored"),
    Round("app.usual", "WEIGH_SECONDS", "and calls are held against it"),
    Round("app.access.desk", "RUN_EVERY_SECONDS", "sign-ins that are over are removed"),
    Round("app.access.leavers", "LOOK_SECONDS", "and those of people who left"),
    Round("app.hr.watch", "LOOK_SECONDS", "HR sources are looked at"),
    Round("app.backup.keeper", "LOOK_SECONDS", "whether a backup is due"),
    Round("bootstrap.notice_side", "DISK_SECONDS", "free disk space is looked at"),
)
"""Everything of half a minute and more that is work, and no patience with somebody else."""


class Heap(ctypes.Structure):
    """glibc's `struct mallinfo2`: bytes of all its arenas together, as `man 3 mallinfo` names them."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names)


def memory() -> dict[str, float]:
    """Who has it: Python's objects, which lie in arenas of Python's own (each block is one of them, of 512 bytes at
    most), the C library for everybody else, and SQLite, which takes its own from the C library; kB but for the blocks.
    Nothing of what this machine's libraries do not tell."""
    found = {"python blocks": float(sys.getallocatedblocks())}
    library = ctypes.CDLL(None)
    if hasattr(library, "mallinfo2"):
        library.mallinfo2.restype = Heap
        heap = library.mallinfo2()
        found |= {"heap in use": (heap.uordblks + heap.hblkhd) / 1024, "heap free": heap.fordblks / 1024}
    with suppress(OSError):
        sqlite = ctypes.CDLL("libsqlite3.so.0")
        sqlite.sqlite3_memory_used.restype = ctypes.c_int64
        found["sqlite"] = sqlite.sqlite3_memory_used() / 1024
    return found


def counts(trace: bool) -> dict[str, object]:
    """Of the running loop, in the middle of whatever it does."""
    loop = asyncio.get_running_loop()
    tasks = Counter(_kind(task.get_name()) for task in asyncio.all_tasks(loop))
    # Those that were cancelled stay in the loop's heap for a while.
    timers = sum(not handle.cancelled() for handle in loop._scheduled)  # type: ignore[attr-defined]
    found: dict[str, object] = {"tasks": tasks, "timers": timers, "memory": memory()}
    if trace:
        gc.collect()
        found["types"] = dict(Counter(type(one).__qualname__ for one in gc.get_objects()).most_common(TRACED_TYPES))
        held = tracemalloc.take_snapshot().statistics("traceback")[:TRACED_LINES]
        found["held"] = {" < ".join(map(str, reversed(one.traceback))): [one.size, one.count] for one in held}
        found["traced"] = tracemalloc.get_traced_memory()[0]
    return found


def _kind(name: str) -> str:
    """Without what tells one apart from others of its kind."""
    return re.sub(r"\d+", "n", name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.soak.hurried", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("compress", type=float)
    parser.add_argument("counts", type=Path)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    if options.trace:
        tracemalloc.start(KEPT_FRAMES)

    def tell(_: int, __: FrameType | None) -> None:
        aside = options.counts.with_suffix(".new")
        aside.write_text(json.dumps(counts(options.trace)), encoding="utf-8")
        aside.replace(options.counts)

    from ringfence import daemon  # after tracing has begun

    for one in ROUNDS if options.compress > 1 else ():
        one.shorten(options.compress)
    signal.signal(signal.SIGUSR2, tell)
    return daemon.run(options.config)


if __name__ == "__main__":
    sys.exit(main())
