"""Which notice goes to whom, when it may go, and when it is tried again. Values and functions; nothing is sent here.

A *route* is one configured way of telling people: a channel with what it wants to hear of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.ring_hours import RingHours

FIRST_WAIT_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 300.0
LONGEST_ASKED_WAIT_SECONDS: Final = 3_600.0  # a receiver that asks us to wait longer is asked again after this
TRY_FOR: Final = timedelta(hours=72)
MAX_REFUSALS: Final = 3

ASKED_FOR: Final = frozenset({NoticeKind.INCIDENT})
"""What only a route gets that names it: an incident opens and closes with a mode change, and that is told already."""

GROUP_WINDOW: Final = timedelta(minutes=5)
GROUP_PASSES: Final = 3
"""So many notices of one kind, scope and severity go out by themselves within the window; the rest become one."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way of telling people. Of `severities` and `scopes` an empty one means all, of `kinds` all but `ASKED_FOR`:
    one event is one message. What is about no scope goes to everybody. `quiet`: the local hours in which only what is
    critical passes. A critical notice that nobody has acknowledged after `escalate_after` goes to the route
    `escalate_to` as well (empty: to nobody else). `escalations_only`: it is told nothing else."""

    name: str
    kinds: frozenset[NoticeKind] = frozenset()
    severities: frozenset[Severity] = frozenset()
    scopes: frozenset[str] = frozenset()
    quiet: RingHours | None = None
    escalate_to: str = ""
    escalate_after: timedelta = timedelta(minutes=15)
    escalations_only: bool = False

    def wants(self, notice: Notice) -> bool:
        """Whether this notice is for this route. A test goes to the one it was pressed for, never by choice."""
        if self.escalations_only or notice.kind is NoticeKind.TEST:
            return False
        return (
            (notice.kind in self.kinds if self.kinds else notice.kind not in ASKED_FOR)
            and (not self.severities or notice.severity in self.severities)
            and (not self.scopes or not notice.scope or notice.scope in self.scopes)
        )

    def quiet_at(self, at: datetime) -> bool:
        """Whether only what is critical passes at this moment. Asked at each try, so that neither a clock change nor
        new hours leave something held for longer than they say."""
        return self.quiet is not None and self.quiet.open_at(at)


def routes_for(notice: Notice, routes: Iterable[Route]) -> tuple[str, ...]:
    """The names of the routes that want it."""
    return tuple(route.name for route in routes if route.wants(notice))


def wait_seconds(tries: int, share: float, asked_seconds: float | None = None) -> float:
    """How long to wait after this many failed tries (1 or more): twice as long each time, from 1 s to 5 min, of which
    `share` (0 to 1, at random) takes off up to half, so that many who wait do not come back together. A receiver's own
    wish is kept to where it is longer, up to an hour."""
    assert tries >= 1
    assert 0.0 <= share <= 1.0
    # 2.0 ** 1024 is no float any more; the longest wait is reached long before.
    doubled = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(tries - 1, 30))
    waited = max(FIRST_WAIT_SECONDS, doubled * (1 - share / 2))
    if asked_seconds is None:
        return waited
    return max(waited, min(asked_seconds, LONGEST_ASKED_WAIT_SECONDS))


def refusal_seconds(refusals: int) -> float:
    """How long to wait at least after this many refusals (1 or more): 1 min, then 5."""
    assert refusals >= 1
    return 60.0 if refusals == 1 else 300.0


def given_up(first_tried_at: datetime, now: datetime) -> bool:
    """Whether it was tried for long enough. Hours in which it was held back do not count."""
    return now - first_tried_at >= TRY_FOR


def loudest(severities: Iterable[Severity]) -> Severity:
    """That of a summary is the loudest of what it sums up."""
    order = list(Severity)
    return max(severities, key=order.index)


def escalation_faults(targets: Mapping[str, str]) -> list[str]:
    """Route -> the route it escalates to. What is wrong with it, in sentences."""
    known = ", ".join(sorted(targets)) or "none"
    faults = []
    for name, target in sorted(targets.items()):
        if target and target not in targets:
            faults.append(f"notify {name!r} escalates to {target!r}, which has no [[notify]]; known: {known}")
        elif target == name:
            faults.append(f"notify {name!r} escalates to itself; name another, or leave escalate_to out")
    return faults
