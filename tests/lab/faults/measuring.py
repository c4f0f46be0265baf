"""Runs one fault with calls through it and holds what was measured against what must be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from statistics import median

from tests.lab.faults.result import Bound, Row
from tests.lab.faults.stage import EGRESS_NO_PROGRESS_SECONDS, NO_PROGRESS_SECONDS, Gap, Stage, now
from tests.lab.records import Account, AnsweredBy, ReceivedCall
from tests.lab.tally import tally, usual_delay_seconds

MARGIN_SECONDS = 0.3
AFTER_VERDICT_SECONDS = 0.1
"""What is called "none": two cores run both sides of the call, and a process waits for its turn."""
REFUSED_CALLS = 10
IN_FLIGHT_SECONDS = 0.05
"""A call that arrives while the tenth failure is on its way to the verdict is no eleventh failure before it."""

Act = Callable[[Stage], Awaitable[None]]


async def nothing(_: Stage) -> None:
    """For a fault that needs no preparation."""


class Kind(Enum):
    """Which bounds hold."""

    SILENT = "silent"
    """The platform dies: verdict in time, everything to default numbers afterwards."""
    REFUSING = "refusing"
    """The platform answers and takes no call: ten failed calls."""
    EGRESS = "egress"
    """The scope is in DR; egress trunk A dies and B takes its calls."""
    NO_DAEMON = "no daemon"
    """The platform dies and nobody decides: each call finds out by itself."""
    TRANSPARENT = "transparent"
    """The platform is healthy: no call may go anywhere else."""
    DIVERTED = "diverted"
    """The scope is in DR, by a person's word or by an outage that was decided on before: no call may go back."""


@dataclass(frozen=True, slots=True)
class Load:
    """The carrier's calls."""

    count: int = 220
    per_second: float = 20.0
    before_seconds: float = 3.0
    hold_seconds: float = 0.5
    patience_seconds: float = 60.0
    """How long a caller waits without any sign."""

    @property
    def before_count(self) -> int:
        return round(self.per_second * self.before_seconds)


@dataclass(frozen=True, slots=True)
class Fault:
    """`inject` happens while calls come in. `alone`: on a stage of its own, thrown away afterwards. `witness` looks
    when the calls have ended, before `mend`; it gives further bounds, or like `inject` adds to `Stage.bounds` and
    `Stage.notes`."""

    name: str
    what: str
    kind: Kind
    inject: Act
    prepare: Act = nothing
    mend: Act = nothing
    witness: Callable[[Stage], Awaitable[Sequence[Bound] | None]] = nothing
    verdict_seconds: float | None = None
    alone: bool = False
    small_disk: bool = False
    adds_delay: bool = False
    """The healthy platform itself, or a machine that stands still, is slow: what that adds is its own."""
    load: Load = field(default_factory=Load)
    judge: Callable[[Stage, Measured], list[Bound]] | None = None
    """The bounds in place of the kind's; that no call may be lost holds all the same."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: the calls, when the fault came, when Asterisk was told."""

    accounts: list[Account]
    platform_legs: list[ReceivedCall]
    injected_at: float
    decided_at: float | None
    failovers_before: int = 0
    """Moves away from the platform while it was still well."""

    @property
    def verdict_seconds(self) -> float | None:
        return None if self.decided_at is None else max(0.0, self.decided_at - self.injected_at)

    @property
    def usual_seconds(self) -> float:
        """Of the calls that had rung before the fault."""
        return usual_delay_seconds(a for a in self.accounts if (_rang_at(a) or self.injected_at) < self.injected_at)

    @property
    def diverted(self) -> int:
        return sum(1 for a in self.accounts if a.answered_by is not AnsweredBy.PLATFORM)

    def worst_added_ms(self, since: float) -> int | None:
        delays = [d for a in self.accounts if a.offered.invited_at >= since and (d := a.offered.ringing_after_seconds)]
        return max(0, round((max(delays) - self.usual_seconds) * 1000)) if delays else None

    @property
    def failed_before_verdict(self) -> int | None:
        """Calls the platform failed until the verdict, less those still in flight when the deciding one failed."""
        if self.decided_at is None:
            return None
        latest = self.decided_at - IN_FLIGHT_SECONDS
        failed = [leg for leg in self.platform_legs if leg.final_status != 200 and self.injected_at <= leg.at <= latest]
        return len({leg.number for leg in failed})


async def run(fault: Fault, stage: Stage) -> Row:
    """One row. Leaves the stage as it is when the calls have ended; `Fault.mend` is done."""
    await stage.heal()
    stage.begin()
    await fault.prepare(stage)
    carrier, load, began_at = stage.lab.carrier, fault.load, now()
    already = len(carrier.records())
    await stage.lab.bring_calls(
        stage.dids,
        call_count=load.count,
        calls_per_second=load.per_second,
        hold_seconds=load.hold_seconds,
        patience_seconds=load.patience_seconds,
    )
    await carrier.wait_records(already + load.before_count, deadline_seconds=load.before_seconds * 3 + 10)
    injected_at = now()
    try:
        await fault.inject(stage)
        await carrier.wait_finished()
        stage.bounds.extend(await fault.witness(stage) or ())
    finally:
        await fault.mend(stage)
    hurt_at = injected_at if stage.struck_at is None else stage.struck_at
    watch, decision = (stage.egress_watch, "down") if fault.kind is Kind.EGRESS else (stage.watch, "divert")
    found, too_early = watch.first(decision, hurt_at), watch.first(decision, injected_at)
    legs = [leg for leg in stage.lab.platform.calls() if leg.at >= began_at]
    measured = Measured(
        routed(stage.accounts(began_at), stage.gaps),
        legs,
        hurt_at,
        found.at if found is not None else None,
        int(too_early is not None and too_early.at < hurt_at),
    )
    return _row(fault, stage, measured)


def routed(accounts: Sequence[Account], gaps: Sequence[Gap]) -> list[Account]:
    """Without those whom Asterisk had when it died, and those who came while there was none: no routing reaches them.
    `Stage.words` counts them."""
    return [account for account in accounts if not any(gap.takes(account) for gap in gaps)]


def _row(fault: Fault, stage: Stage, measured: Measured) -> Row:
    verdict = measured.verdict_seconds
    organisation = stage.organisation
    counted = tally(
        fault.name,
        measured.accounts,
        frozenset(organisation.fallback(site) for site in ("north", "south")),
        measured.usual_seconds,
        None if verdict is None else round(verdict * 1000),
    )
    after = None if measured.decided_at is None else measured.worst_added_ms(measured.decided_at)
    bounds = [
        Bound("offered too few", max(0, 200 - counted.offered), 0),
        Bound("lost", counted.lost, 0),
        Bound("announcements", counted.announcement, 0),
        *(fault.judge(stage, measured) if fault.judge is not None else _bounds(fault, measured, after)),
        *stage.bounds,
    ]
    return Row(fault.name, "; ".join([fault.what, *stage.words()]), tuple(bounds), counted, after)


def _bounds(fault: Fault, measured: Measured, after: int | None) -> list[Bound]:
    added, verdict = measured.worst_added_ms(0), measured.verdict_seconds
    if fault.kind is Kind.TRANSPARENT:
        # Told apart from the verdict: a mode that never changed is what we want here.
        found = [Bound("diverted", measured.diverted, 0)]
        return found if fault.adds_delay else [*found, _added(added, 0.0)]
    if fault.kind is Kind.DIVERTED:
        found = [Bound("at the platform", len(measured.accounts) - measured.diverted, 0)]
        return found if fault.adds_delay else [*found, _added(added, EGRESS_NO_PROGRESS_SECONDS)]
    if fault.kind is Kind.NO_DAEMON:
        return [_added(added, NO_PROGRESS_SECONDS)]
    no_progress = EGRESS_NO_PROGRESS_SECONDS if fault.kind is Kind.EGRESS else NO_PROGRESS_SECONDS
    found = [] if fault.adds_delay else [_added(added, no_progress if verdict is None else min(no_progress, verdict))]
    if fault.kind is Kind.SILENT:
        found.append(Bound("failovers before it", measured.failovers_before, 0))
    if fault.kind is Kind.EGRESS and fault.verdict_seconds is None:
        return found  # its OPTIONS are answered: each call tries it first, and loses a few milliseconds
    found.append(Bound("added after verdict", after, AFTER_VERDICT_SECONDS * 1000, "ms"))
    if fault.verdict_seconds is not None:
        found.append(Bound("verdict", _ms(verdict), fault.verdict_seconds * 1000, "ms"))
    elif fault.kind is Kind.REFUSING:
        found.append(Bound("failed calls before verdict", measured.failed_before_verdict, REFUSED_CALLS))
    return found


def _added(measured_ms: int | None, seconds: float) -> Bound:
    return Bound("added", measured_ms, round((seconds + MARGIN_SECONDS) * 1000), "ms")


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000)


def _rang_at(account: Account) -> float | None:
    return account.offered.ringing_at if account.offered.ringing_at is not None else account.offered.answered_at


def middle(values: list[float]) -> float | None:
    """The median, or nothing of nothing."""
    return median(values) if values else None
