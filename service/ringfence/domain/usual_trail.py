"""The newest calls of one platform as far as one trait goes: whether there is more of it than a usual hour explains."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from ringfence.domain.chance import tail
from ringfence.domain.moment import Moment
from ringfence.domain.usual import Share, UsualPolicy

WINDOWS: Final = (25, 200)
"""Calls looked at: few, so that a total fault shows soon; many, for one that spares most calls."""
MIN_CALLS: Final = 8
FRESH_SECONDS: Final = 3600.0
MOST_OF_ONE_CALLER: Final = 2
"""Somebody who tries all our numbers in turn, and hangs up, must not look like a fault of the platform."""
WELL_AGAIN: Final = 0.5
"""It is over when chance brings as many bad calls as the newest had this often, or oftener."""
KEPT: Final = 400


@dataclass(frozen=True, slots=True)
class Seen:
    """One call. `caller` is empty where the number is withheld; `rang`: the caller heard it ring."""

    bad: bool
    did: str
    caller: str
    at: Moment
    rang: bool = False


class Trail:
    """`add` each call, `look` now and then. `standing`: it is not as usual, from the call that proved it until the last
    calls are as usual again."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=KEPT)
        self._untested = False
        self._proved_by = 0  # the size of the window that did; 0: as usual

    @property
    def standing(self) -> bool:
        return self._proved_by > 0

    def add(self, seen: Seen) -> None:
        self._seen.append(seen)
        # A good call proves no fault.
        self._untested = self._untested or seen.bad

    def look(self, now: Moment, share: Share | None, false_alarm: float, policy: UsualPolicy) -> None:
        """`false_alarm`: the chance of being wrong in one of these tests; there are as many as WINDOWS for each call.
        Without a `share` nothing is known of this hour, and what stands goes on until there are no calls."""
        if self.standing:
            self._look_for_the_end(now, share)
        elif self._untested and share is not None:
            self._proved_by = self._unusual(now, share, false_alarm, policy)
        self._untested = False

    def recent(self, now: Moment, most: int = WINDOWS[-1]) -> list[Seen]:
        """Newest first."""
        found: list[Seen] = []
        of_caller: Counter[str] = Counter()
        for seen in reversed(self._seen):
            if now.since(seen.at) > FRESH_SECONDS or len(found) == most:
                break
            of_caller[seen.caller] += 1
            if not seen.caller or of_caller[seen.caller] <= MOST_OF_ONE_CALLER:
                found.append(seen)
        return found

    def _unusual(self, now: Moment, share: Share, false_alarm: float, policy: UsualPolicy) -> int:
        recent = self.recent(now)
        for size in WINDOWS:
            part = recent[:size]
            bad = [seen for seen in part if seen.bad]
            if len(part) < MIN_CALLS or len({seen.did for seen in bad}) < policy.min_dids:
                continue
            if tail(len(bad), len(part), share.tolerated, share.base) <= false_alarm:
                return size
        return 0

    def _look_for_the_end(self, now: Moment, share: Share | None) -> None:
        recent = self.recent(now, self._proved_by)
        if recent and (share is None or len(recent) < MIN_CALLS):
            return
        bad = sum(seen.bad for seen in recent)
        if share is None or not recent or tail(bad, len(recent), share.tolerated, share.base) > WELL_AGAIN:
            self._proved_by = 0
            self._seen.clear()  # the bad ones among them would prove it once more


class Quiet:
    """Whether calls come in at all. `needed` of them have to be missing."""

    MIN_SECONDS: Final = 120.0
    LONGEST_STEP_SECONDS: Final = 30.0
    """Whatever we did not look at for longer, we may have missed."""

    def __init__(self) -> None:
        self._looked: Moment | None = None
        self._since: Moment | None = None
        self._expected = 0.0  # since the start
        self._expected_at_call = 0.0
        self._calls: deque[float] = deque()
        self.standing = False

    @property
    def missing(self) -> float:
        """Calls that should have come since the last one."""
        return self._expected - self._expected_at_call

    @property
    def since(self) -> Moment | None:
        """The last call, or when we began to listen."""
        return self._since

    def called(self, now: Moment) -> None:
        self._since, self._expected_at_call = now, self._expected
        if self.standing:
            self._calls.append(self._expected)

    def deaf(self) -> None:
        """We do not hear Asterisk, or did not until now: what was silent was perhaps ourselves."""
        self._looked = self._since = None
        self._expected_at_call = self._expected

    def look(self, now: Moment, calls_per_hour: float, needed: float) -> None:
        if self._looked is not None:
            step = min(now.since(self._looked), self.LONGEST_STEP_SECONDS)
            self._expected += calls_per_hour * step / 3600
        self._looked = now
        self._since = self._since or now
        if not self.standing:
            self.standing = self.missing >= needed and now.since(self._since) >= self.MIN_SECONDS
            self._calls.clear()
            return
        # Half of what is usual has to come back: a day off has a call now and then.
        while self._calls and self._expected - self._calls[0] > needed:
            self._calls.popleft()
        self.standing = len(self._calls) < needed / 2

    def excuse(self) -> None:
        """A day on which nobody has to call."""
        self.standing = False
        self._expected_at_call = self._expected
