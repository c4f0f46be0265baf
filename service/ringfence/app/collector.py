"""The garbage collector, while great numbers of objects are made that stay.

Python looks at all objects again and again to find those that only refer to each other. While 100,000 records are read,
each such look finds nothing, stops the whole process for up to 0.2 s (mode changes wait as long) and all of them
together take a tenth of the time. Records, plans and directories refer to each other in no circle: they go when nobody
has them any more, without the collector.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = (10_000, 10)
"""So many new objects, and so many looks at new objects alone: such a look takes some milliseconds."""
NEVER: Final = 1 << 30
MANY_LOOKS: Final = 1
"""Since the last look at everything; each stands for 100,000 objects that were made and are still there."""


class _Rest:
    """One for the process, as the collector is."""

    def __init__(self) -> None:
        self.depth = 0
        self.usual = (0, 0, 0)

    def begin(self) -> None:
        if self.depth == 0:
            self.usual = gc.get_threshold()
            gc.set_threshold(*YOUNG, NEVER)
        self.depth += 1

    def end(self) -> None:
        self.depth -= 1
        if self.depth == 0:
            if gc.get_count()[2] > MANY_LOOKS:
                # They live for long: the collector need not look at them ever again.
                gc.freeze()
            gc.set_threshold(*self.usual)


_REST: Final = _Rest()


@contextmanager
def resting() -> Iterator[None]:
    """In here only young objects are looked at. What stays of very many is then left alone for good. May be nested, and
    entered by several tasks at once; on the event loop only."""
    _REST.begin()
    try:
        yield
    finally:
        _REST.end()
