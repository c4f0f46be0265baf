"""What became of the calls offered in one phase: the columns of the demonstration's and the faults' tables.

*Lost*: the caller was not put through although the plan held a step that answers. Every DID of the lab's organisation
has such a step, so an announcement is a loss here. Busy, declined, rung out and the caller's own hang-up are apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from tests.lab.records import Account, AnsweredBy

PERSONS_DOING = frozenset({486, 487, 600, 603})
RANG_OUT, RANG_OUT_SECONDS = 480, 10.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of calls; `worst_added_ms`: the longest post-dial delay less the usual one on a healthy platform."""

    phase: str
    offered: int
    platform: int
    default_number: int
    fallback: int
    announcement: int
    busy_or_unanswered: int
    lost: int
    worst_added_ms: int | None
    verdict_ms: int | None


def tally(
    phase: str,
    accounts: Iterable[Account],
    fallback_numbers: frozenset[str],
    usual_seconds: float,
    verdict_ms: int | None = None,
    announcements_expected: bool = False,
) -> Tally:
    """Counts one phase's calls, all of which have ended or been answered."""
    calls = list(accounts)
    announced = sum(1 for call in calls if call.answered_by is AnsweredBy.ANNOUNCEMENT)
    mobiles = [call for call in calls if call.answered_by is AnsweredBy.DEFAULT_NUMBER and call.leg]
    fallback = sum(1 for call in mobiles if call.leg and call.leg.number in fallback_numbers)
    nobody = [call for call in calls if call.answered_by is AnsweredBy.NOBODY]
    persons = sum(1 for call in nobody if call.offered.final_status in PERSONS_DOING or _rang_out(call))
    delays = [d for call in calls if (d := call.offered.ringing_after_seconds) is not None]
    return Tally(
        phase=phase,
        offered=len(calls),
        platform=sum(1 for call in calls if call.answered_by is AnsweredBy.PLATFORM),
        default_number=len(mobiles) - fallback,
        fallback=fallback,
        announcement=announced,
        busy_or_unanswered=persons,
        lost=len(nobody) - persons + (0 if announcements_expected else announced),
        worst_added_ms=max(0, round((max(delays) - usual_seconds) * 1000)) if delays else None,
        verdict_ms=verdict_ms,
    )


def _rang_out(call: Account) -> bool:
    """It rang for long, and nobody came."""
    rang_at, ended_at = call.offered.ringing_at, call.offered.ended_at
    if call.offered.final_status != RANG_OUT or rang_at is None or ended_at is None:
        return False
    return ended_at - rang_at >= RANG_OUT_SECONDS


def usual_delay_seconds(accounts: Iterable[Account]) -> float:
    """The median post-dial delay of calls to a healthy platform."""
    delays = [d for call in accounts if (d := call.offered.ringing_after_seconds) is not None]
    return median(delays) if delays else 0.0


def between(accounts: Iterable[Account], start: float, end: float) -> list[Account]:
    """The calls of that time (seconds since 1970): those first heard ringing in it, or offered in it and never heard.
    A call that a fault caught while it waited belongs to the fault's time."""
    return [call for call in accounts if start <= _belongs_at(call) < end]


def _belongs_at(call: Account) -> float:
    ringing = call.offered.ringing_after_seconds
    return call.offered.invited_at + (ringing or 0.0)
