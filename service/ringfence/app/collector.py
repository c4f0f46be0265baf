"""The garbage collector: while great numbers of objects are made that stay, and in the days between.

Python looks at all objects again and again to find those that only refer to each other. While 100,000 records are read,
each such look finds nothing, stops the whole process for up to 0.2 s (mode changes wait as long) and all of them
together take a tenth of the time. Records, plans and directories refer to each other in no circle: they go when nobody
has them any more, without the collector.

In the days between Python looks too seldom: at everything only once 85,000 objects more have been made than have gone,
all that outlived two short looks. Until then each task, connection and error that refers to itself stays with
everything it has, and where one lies among those that live, so does the memory around it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ringfence.app.ports import Clock

YOUNG: Final = (5_000, 2)
"""So many new objects, and so many looks at new objects alone before those that were left are looked at together, once:
some 15,000, 6 ms. Of 100,000, which cost no less in all, one such look stops the process for 27 ms."""
NEVER: Final = 1 << 30
MANY_LOOKS: Final = 2
"""Of those while they were made; each stands for 15,000 objects that were made and are still there. Of more, Python
would look at everything as soon as it may again: between an import's reading and its storing, for 0.1 s with 40,000
DIDs."""
OLDEST: Final = 2
"""The generation that is looked at with everything alone."""
FREEZES: Final = 20
"""What was under way while something was left alone for good is left alone with it. After so many times everything is
looked at once, which stops the process for some 0.2 s with 100,000 records."""
COLLECT_SECONDS: Final = 60.0
MANY_OLD: Final = 50_000
"""Objects. Where a look by the clock finds more of them, some 12 ms, what is there is left alone for good."""


class _Rest:
    """One for the process, as the collector is."""

    def __init__(self) -> None:
        self.depth = 0
        self.usual = (0, 0, 0)
        self._looks = 0
        self._freezes = 0

    def begin(self) -> None:
        if self.depth == 0:
            self.usual = gc.get_threshold()
            gc.set_threshold(*YOUNG, NEVER)
            self._looks = _looks()
        self.depth += 1

    def end(self) -> None:
        self.depth -= 1
        if self.depth == 0:
            # Those of the hours before do not count: they stand for hardly anything that stays.
            if _looks() - self._looks > MANY_LOOKS:
                self.freeze()
            gc.set_threshold(*self.usual)

    def freeze(self) -> None:
        """They live for long: the collector need not look at them again."""
        self._freezes += 1
        if self._freezes % FREEZES == 0:
            gc.unfreeze()
            gc.collect()
        gc.freeze()


def _looks() -> int:
    """At what is no longer quite new, since the process began."""
    return int(gc.get_stats()[1]["collections"])


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


async def collect(clock: Clock) -> None:
    """Again and again, for as long as the node; on the event loop, for what goes may be a connection of its own."""
    while True:
        await clock.sleep(COLLECT_SECONDS)
        if _REST.depth:
            continue
        gc.collect()
        if len(gc.get_objects(OLDEST)) > MANY_OLD:
            _REST.freeze()
