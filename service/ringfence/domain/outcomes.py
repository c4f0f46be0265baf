"""What real calls say of a platform: call outcomes in a window, turned into one piece of evidence.

Only an owned DID that the platform put through lately counts, and each DID once: an outsider who dials unallocated
numbers, or one number two hundred times, can never trigger a failover. One call put through inside the window says
that the platform still works for somebody, and then nothing moves.

A telephone that is logged out is answered 480 or 404 by a healthy platform, and at night all of them may be. Such a
call is *doubtful* unless somebody got through to that DID a short while ago.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ringfence.domain.moment import Moment

LOGGED_OUT: Final = frozenset({404, 480})
"""What registrars answer for a user without a telephone at this moment."""


class OutcomeClass(StrEnum):
    """How the platform's leg of one call ended. The SIP status' class is decided in `asterisk/sip_status.py`."""

    PUT_THROUGH = "put_through"  # it rang, gave audio or was answered
    FAILURE = "failure"  # no answer at all, or the platform could not (5xx, 401, 407, 408...)
    UNDELIVERABLE = "undeliverable"  # the platform answers but will not reach the person (403, 404, 480...)
    PERSONS_DOING = "persons_doing"  # busy, declined, the caller's own hang-up


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """One platform leg's end as the dialplan judged it. `status` is the SIP status, None when there was no answer.
    `began_at`: when its call came in, None where that is not known. `doubtful`: the telephone may be logged out."""

    scope: str
    did: str
    caller: str
    outcome: OutcomeClass
    status: int | None
    at: Moment
    began_at: Moment | None = None
    doubtful: bool = False

    def is_newer_than(self, put_through: Moment) -> bool:
        """Whether this call came in after that. Its end would not do: a call that met silence ends seconds later, and
        calls that came after it may have been put through in that time."""
        return (self.began_at or self.at).monotonic > put_through.monotonic


@dataclass(frozen=True, slots=True)
class OutcomePolicy:
    """`window_seconds` 5 to 3600; failures to `min_dids` different owned DIDs from `min_callers` callers are an outage.

    `delivered_within_days`: a DID counts only when the platform put a call to it through in that time.
    `reached_within_seconds`: for so long after a call put through, a DID that looks logged out is no doubtful case.
    """

    window_seconds: float = 120.0
    min_dids: int = 10
    min_callers: int = 3
    delivered_within_days: int = 30
    reached_within_seconds: float = 3600.0


class OutcomeState(StrEnum):
    """What the calls in the window say."""

    SILENT = "silent"  # no calls: no opinion
    GOOD = "good"
    MIXED = "mixed"
    FEW_BAD = "few_bad"  # only failures, not yet enough of them
    LOGGED_OUT = "logged_out"  # enough of them for an outage, unless those telephones are merely logged out
    REFUSING = "refusing"


@dataclass(frozen=True, slots=True)
class CallWindow:
    """The failures of one platform since the last call it put through, oldest first; immutable."""

    failures: tuple[CallOutcome, ...] = ()
    last_put_through_at: Moment | None = None

    def observe(self, outcome: CallOutcome, counts: bool, policy: OutcomePolicy) -> CallWindow:
        """The window after one more outcome. `counts` says whether the DID is owned and was delivered lately."""
        if outcome.outcome is OutcomeClass.PUT_THROUGH:
            return replace(self, last_put_through_at=outcome.at)
        if outcome.outcome is OutcomeClass.PERSONS_DOING or not counts:
            return self
        kept = tuple(f for f in self.failures if _fresh(f, outcome.at, policy) and f.did != outcome.did)
        return replace(self, failures=_bounded((*kept, outcome), 4 * policy.min_dids))

    def judge(self, now: Moment, policy: OutcomePolicy) -> OutcomeState:
        """What the window says at `now`."""
        failures = self.fresh_failures(now, policy)
        put_through = self.last_put_through_at
        alive_lately = put_through is not None and now.since(put_through) <= policy.window_seconds
        if not failures:
            return OutcomeState.GOOD if alive_lately else OutcomeState.SILENT
        after = [f for f in failures if put_through is None or f.is_newer_than(put_through)]
        if _enough([f for f in after if not f.doubtful], policy):
            return OutcomeState.REFUSING
        if _enough(after, policy):
            return OutcomeState.LOGGED_OUT
        return OutcomeState.MIXED if alive_lately else OutcomeState.FEW_BAD

    def fresh_failures(self, now: Moment, policy: OutcomePolicy) -> tuple[CallOutcome, ...]:
        """The failures still inside the window."""
        return tuple(f for f in self.failures if _fresh(f, now, policy))


def delivered_lately(delivered_at: datetime | None, now: datetime, policy: OutcomePolicy) -> bool:
    """Whether a DID's last delivery by the platform is recent enough for its failures to count."""
    return delivered_at is not None and now - delivered_at <= timedelta(days=policy.delivered_within_days)


def may_be_logged_out(outcome: CallOutcome, delivered_at: datetime | None, policy: OutcomePolicy) -> bool:
    """Whether the platform may have said nothing but the truth about one telephone. Where somebody got through a short
    while ago, it has lost that telephone since, and of many at once that is an outage."""
    if outcome.outcome is not OutcomeClass.UNDELIVERABLE or outcome.status not in LOGGED_OUT:
        return False
    reached = timedelta(seconds=policy.reached_within_seconds)
    return delivered_at is None or outcome.at.wall - delivered_at > reached


def words(failures: Iterable[CallOutcome], state: OutcomeState) -> str:
    """One sentence on what the calls say, without any number."""
    found = list(failures)
    if state is OutcomeState.SILENT:
        return "no calls lately, so nothing can be said by them"
    if not found:
        return "calls are put through"
    by_status: dict[str, int] = {}
    for failure in found:
        key = str(failure.status) if failure.status else "no answer"
        by_status[key] = by_status.get(key, 0) + 1
    listed = ", ".join(f"{count} x {status}" for status, count in sorted(by_status.items(), key=lambda i: -i[1]))
    doubtful = len({f.did for f in found if f.doubtful})
    maybe = f"; {doubtful} of their telephones may be logged out" if doubtful else ""
    return f"calls to {len({f.did for f in found})} DIDs were not put through ({listed}){maybe}"


def _fresh(failure: CallOutcome, now: Moment, policy: OutcomePolicy) -> bool:
    return now.since(failure.at) <= policy.window_seconds


def _enough(failures: list[CallOutcome], policy: OutcomePolicy) -> bool:
    """Each DID is in a window once."""
    return len(failures) >= policy.min_dids and len({f.caller for f in failures}) >= policy.min_callers


def _bounded(failures: tuple[CallOutcome, ...], most: int) -> tuple[CallOutcome, ...]:
    """With room for the words beside what it takes to decide. The doubtful ones go first: whoever rings telephones that
    are logged out cannot crowd out the others."""
    if len(failures) <= most:
        return failures
    goes = next((place for place, failure in enumerate(failures) if failure.doubtful), 0)
    return (*failures[:goes], *failures[goes + 1 :])
