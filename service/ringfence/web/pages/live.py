"""Tells pages that are open that something has changed; they then ask for themselves again.

One task looks, however many watch: a viewer costs a connection and a place to wait, never a rendering. What is told is
a version, no content, so nothing has to be kept back from anybody who may see the state at all.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from ringfence.app.operator import Operator
from ringfence.app.ports import RingfenceError
from ringfence.app.snapshot import Snapshot
from ringfence.domain.access import SignedInBy
from ringfence.web.callers import caller, whose
from ringfence.web.closing import ended_by_the_door, is_closing

HEARTBEAT_SECONDS: Final = 15
LOOK_SECONDS: Final = 1.0  # how often new calls are looked for; the state is waited for
GATHER_SECONDS: Final = 0.25  # many things change in one moment; watchers are told of the first, then of all others
WOKEN_AT_ONCE: Final = 10
BETWEEN_SECONDS: Final = 0.005
MAX_VIEWERS: Final = 400
MAX_VIEWERS_OF_ONE: Final = 40
SPREAD_MS_PER_VIEWER: Final = 10  # they must not all ask again in one moment, nor again before all have asked
SEND_SECONDS: Final = 10.0
RETRY_MS: Final = 3_000


class TooManyViewers(RingfenceError):
    """More pages watch than may."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see now: the state's version, and how many calls have ended since the start."""

    version: str
    calls: int


class Broadcaster:
    """Looks while somebody watches."""

    def __init__(self, operator: Operator, version: Callable[[Snapshot], str]) -> None:
        self._operator = operator
        self._version = version
        self._seen = Seen("", 0)
        self._places: dict[asyncio.Event, str] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def viewers(self) -> int:
        return len(self._places)

    def check_room(self, name: str, at_most: int = MAX_VIEWERS_OF_ONE) -> None:
        """Raises TooManyViewers."""
        own = sum(other == name for other in self._places.values())
        if self.viewers >= MAX_VIEWERS or own >= at_most:
            raise TooManyViewers(
                "live: too many pages watch already.", "Close some; a page can always be loaded again."
            )

    @contextmanager
    def viewer(self, name: str) -> Iterator[asyncio.Event]:
        """Within, somebody watches from this place."""
        place = asyncio.Event()
        self._places[place] = name
        if self._looking is None or self._looking.done():
            self._look_now()
            self._looking = asyncio.create_task(self._look(), name="live pages")
        try:
            yield place
        finally:
            del self._places[place]
            if not self._places and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def seen_after(self, seen: Seen | None, place: asyncio.Event) -> Seen:
        """What there is to see as soon as it is not `seen` any more."""
        while self._seen == seen:
            place.clear()
            await place.wait()
        return self._seen

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._operator.changed()
            except TimeoutError:
                pass
            if self._look_now():
                await self._wake()
                await asyncio.sleep(max(GATHER_SECONDS, self.viewers * SPREAD_MS_PER_VIEWER / 1000))

    def _look_now(self) -> bool:
        """Whether there is something new."""
        seen = Seen(self._version(self._operator.current), self._operator.calls_seen)
        if seen == self._seen:
            return False
        self._seen = seen
        return True

    async def _wake(self) -> None:
        """A few at a time: whoever asks for a page meanwhile must not wait until all are told."""
        places = list(self._places)
        for first in range(0, len(places), WOKEN_AT_ONCE):
            for place in places[first : first + WOKEN_AT_ONCE]:
                place.set()
            await asyncio.sleep(BETWEEN_SECONDS)


def events(request: Request, broadcaster: Broadcaster) -> Response:
    """The answer that stays open. Raises TooManyViewers."""
    # Loaded when somebody first watches.
    from sse_starlette import EventSourceResponse, ServerSentEvent

    asking = caller(request)
    name = whose(asking, request.scope)
    at_most = MAX_VIEWERS if asking.by is SignedInBy.SOCKET else MAX_VIEWERS_OF_ONE
    broadcaster.check_room(name, at_most)

    async def told() -> AsyncIterator[ServerSentEvent]:
        seen: Seen | None = None
        with broadcaster.viewer(name) as place:
            while not is_closing(request):
                try:
                    # Nothing is sent within: what ends the wait must not end a sending.
                    async with asyncio.timeout(None) as wait:
                        with ended_by_the_door(request, wait):
                            seen = await broadcaster.seen_after(seen, place)
                except TimeoutError:
                    return
                spread_ms = broadcaster.viewers * SPREAD_MS_PER_VIEWER
                data = asdict(seen) | {"spread_ms": spread_ms}
                # When the daemon has been restarted they must not all come back in one moment either.
                retry_ms = RETRY_MS + secrets.randbelow(spread_ms + 1)
                yield ServerSentEvent(json.dumps(data), event="seen", retry=retry_ms)

    return EventSourceResponse(told(), ping=HEARTBEAT_SECONDS, send_timeout=SEND_SECONDS)
