"""Reads the HR sources on their timetable, and on a person's word."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from ringfence.app.collector import resting
from ringfence.app.hr.desk import RosterDesk
from ringfence.app.hr.ports import Feed, FeedRefused, HrRun, HrSource, Progress, SourceError, SourceUnavailable
from ringfence.app.hr.views import Rehearsal
from ringfence.app.operator import NotOurs
from ringfence.app.ports import Clock, StoreError
from ringfence.app.supervisor import supervise

AGAIN_SECONDS: Final = 300.0
"""After a failure that may pass, a source is read again so soon."""


@dataclass(frozen=True, slots=True)
class Timetabled:
    """A source and how often it is read. `quiet_is_good`: an answer without anything new is a good run, as that of a
    directory; an empty folder tells nothing of the export that should fill it."""

    source: HrSource
    every_seconds: float
    quiet_is_good: bool = False


class HrSync:
    """Sources that are read; one that pushes (SCIM) is not among them."""

    def __init__(self, desk: RosterDesk, sources: Sequence[Timetabled], clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._sources = {timed.source.name: timed for timed in sources}
        self._reading = {name: asyncio.Lock() for name in self._sources}
        self._due = dict.fromkeys(self._sources, float("-inf"))  # by the monotonic clock

    async def run(self) -> None:
        """Reads every source at once and then when it is due, each for itself: a slow or broken one does not delay the
        others."""
        async with asyncio.TaskGroup() as group:
            for name, timed in self._sources.items():
                work = partial(self._keep_reading, timed)
                group.create_task(supervise(f"hr source {name}", work, self._clock), name=f"hr source {name}")
            await asyncio.Event().wait()

    async def sync(
        self, name: str | None, *, dry_run: bool, progress: Progress = lambda _done, _all: None
    ) -> list[HrRun | Rehearsal]:
        """Reads one source now, or all of them (None), one after the other. A source with nothing new gives an
        UNCHANGED run that is not stored; one that fails gives its FAILED or REFUSED run and does not stop the others.
        Returns once the directory in force is the new one. Raises NotOurs for a name that is not configured,
        StoreError before anything has been loaded."""
        if name is not None and name not in self._sources:
            known = ", ".join(self._sources) or "none"
            raise NotOurs(f"source: there is no source {name[:64]!r} that is read.", f"Known: {known}.", "source")
        self._desk.check_loaded()
        answers: list[HrRun | Rehearsal] = []
        for timed in [self._sources[name]] if name is not None else list(self._sources.values()):
            if dry_run:
                answers.append(await self._rehearse(timed.source, progress))
            else:
                run, _ = await self._read(timed, progress)
                answers.append(run)
        await self._desk.settled()
        return answers

    async def _keep_reading(self, timed: Timetabled) -> None:
        await self._desk.wait_loaded()
        name, soon = timed.source.name, min(AGAIN_SECONDS, timed.every_seconds)
        while True:
            wait = self._due[name] - self._clock.now().monotonic
            if wait > 0:
                await self._clock.sleep(wait)
            # Before it is read: a reading that breaks what supervises it must not be tried again and again.
            self._due[name] = self._clock.now().monotonic + soon
            _, again = await self._read(timed, lambda _done, _all: None)
            self._due[name] = self._clock.now().monotonic + (soon if again else timed.every_seconds)

    async def _read(self, timed: Timetabled, progress: Progress) -> tuple[HrRun, bool]:
        """The run, and whether an early new attempt may help."""
        source = timed.source
        async with self._reading[source.name]:
            with resting():
                return await self._read_now(timed, progress)

    async def _read_now(self, timed: Timetabled, progress: Progress) -> tuple[HrRun, bool]:
        """The same, of a source that nobody else reads."""
        source = timed.source
        try:
            feed = await source.read(self._desk.cursor(source.name), progress)
        except FeedRefused as refused:
            run = await self._desk.failed(source.name, refused)
            await self._settle(source, None, refused)
            return run, False
        except SourceError as error:
            return await self._desk.failed(source.name, error), error.retry
        if feed is None:
            # A file that was stored just before a crash is put away now; what is archived for too long is deleted.
            unsettled = await self._settle(source, None, None)
            return unsettled or self._desk.nothing_new(source.name, good=timed.quiet_is_good), False
        try:
            run = await self._desk.hear(feed.batch, feed.label, feed.cursor)
        except FeedRefused as refused:
            run = await self._desk.failed(source.name, refused, feed.label)
            await self._settle(source, feed, refused)
            return run, False
        except StoreError as error:
            # Not settled: the same feed is read again.
            return await self._desk.failed(source.name, SourceUnavailable(error.message, error.fix)), True
        await self._settle(source, feed, None)
        return run, False

    async def _settle(self, source: HrSource, feed: Feed | None, refused: FeedRefused | None) -> HrRun | None:
        """The failed run where it could not be done. What was said is stored all the same; the feed may be read once
        more, and says nothing new then."""
        try:
            await source.settle(feed, refused)
        except SourceError as error:
            return await self._desk.failed(source.name, error, feed.label if feed else "")
        return None

    async def _rehearse(self, source: HrSource, progress: Progress) -> HrRun | Rehearsal:
        label = ""
        async with self._reading[source.name]:
            try:
                feed = await source.read(self._desk.cursor(source.name), progress)
                if feed is None:
                    return self._desk.unchanged_run(source.name)
                label = feed.label
                return await self._desk.rehearse(feed.batch, label)
            except SourceError as error:
                return self._desk.failed_run(source.name, error, label)
