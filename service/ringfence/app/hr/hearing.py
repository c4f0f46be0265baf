"""One batch of a source: checked, taken in, stored; and the runs that tell of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from ringfence.app.hr.book import RosterBook
from ringfence.app.hr.plans import HeldPlans
from ringfence.app.hr.ports import FeedRefused, HrRun, RunOutcome, SourceError
from ringfence.app.ports import StoreError
from ringfence.domain.hr.category import Category, group
from ringfence.domain.hr.erasure import trimmed
from ringfence.domain.hr.guard import Heard, SourceIndex, check_batch, hear
from ringfence.domain.hr.record import Batch
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange, SourceState

log = logging.getLogger(__name__)

SMALL_BATCH: Final = 20
"""A push of so many records is worked out at once: going through a thread would take longer."""
GATHER: Final = timedelta(minutes=1)
"""The pushes of so long are one run: a hundred come in a second."""
STATE_EVERY: Final = timedelta(seconds=5)
MAX_DETAIL_CHARACTERS: Final = 500


class Hearing:
    """Takes batches in, one at a time. Logs the edges of a source's failing."""

    def __init__(self, book: RosterBook, plans: HeldPlans, want: Callable[[bool], None]) -> None:
        """`want` has the directory in force derived again; True: somebody must not be rung any more."""
        self._book = book
        self._plans = plans
        self._want = want
        self._pushed: dict[str, int] = {}  # the row of each source's last push
        self._state_stored: dict[str, datetime] = {}
        self._unreached: set[str] = set()  # sources whose last fault was that they could not be reached
        self._failed: dict[str, str] = {}  # the label of what was refused last

    async def take(self, batch: Batch, label: str, cursor: str, *, fresh: bool) -> HrRun:
        """Raises FeedRefused, StoreError; then nothing has changed. `fresh`: a sign that the source lives."""
        book = self._book
        async with book.lock:
            now = book.now()
            index, recent = book.index(batch.source), book.recent(batch.source, now)
            before = await self._plans.standing(batch.source) if batch.complete else None
            if batch.complete or len(batch.records) > SMALL_BATCH:
                heard = await asyncio.to_thread(self._work_out, book.roster, index, batch, now, recent)
            else:
                heard = self._work_out(book.roster, index, batch, now, recent)
            run = run_of(batch, heard, label, now)
            row = await self._store(batch, heard, run, cursor, fresh=fresh)
            plan = await self._plans.follow(batch.source, before, complete=batch.complete)
            if plan != row.plan:
                await self._name_plan(replace(row, plan=plan))
        for sentence in heard.loud:
            extra = {"source": batch.source, "leavers": heard.leavers, "reason": sentence}
            log.warning("hr source says something loud, and it is taken in", extra=extra)
        return replace(run, plan=plan, id=row.id)

    async def _store(self, batch: Batch, heard: Heard, run: HrRun, cursor: str, *, fresh: bool) -> HrRun:
        """The run as it is stored."""
        book, now = self._book, run.at
        state, plan = book.state(batch.source), book.open_plans.get(batch.source)
        good = replace(state, attempted_at=now, succeeded_at=now, fault="", cursor=cursor or state.cursor)
        after = good if fresh else state
        row = replace(run if batch.complete else self._gathered(run), plan=plan.id if plan else None)
        keep = batch.complete or self._is_worth_storing(state, after)
        change = replace(heard.change, sources={after.name: after}) if keep else heard.change
        routes = _routes(book.roster, heard.change)
        stored = await book.commit(change, row, draft=heard.draft)
        if routes:
            # Before anything else may fail: whoever has left must not ring.
            self._want(heard.leavers > 0)
        if not batch.complete:
            self._pushed[batch.source] = stored.runs[0]
        if keep:
            self._state_stored[batch.source] = now
        else:
            book.told(after)
        if fresh:
            self._tell_good(state)
        return replace(row, id=stored.runs[0])

    async def _name_plan(self, row: HrRun) -> None:
        """The plan's number is known only once it is stored."""
        try:
            await self._book.commit(RosterChange(), row)
        except StoreError as error:
            log.warning("a run's plan cannot be stored", extra={"source": row.source, "reason": str(error)})

    async def rehearse(self, batch: Batch, label: str) -> tuple[HrRun, Roster]:
        """The run that would be, and the roster after it. Raises FeedRefused."""
        book = self._book
        async with book.lock:
            roster, now, recent = book.roster.copy(), book.now(), book.recent(batch.source, book.now())
        index = await asyncio.to_thread(SourceIndex.of, roster, batch.source, book.policy, book.zones, now)
        heard = await asyncio.to_thread(self._work_out, roster, index, batch, now, recent)
        roster.apply(heard.change)
        return run_of(batch, heard, label, now), roster

    async def failed(self, source: str, error: SourceError, label: str) -> HrRun:
        """Kept once for each edge: the same fault again only moves the time of the last attempt."""
        book = self._book
        async with book.lock:
            state, run = book.state(source), failed_run(source, error, label, book.now())
            (self._unreached.discard if isinstance(error, FeedRefused) else self._unreached.add)(source)
            # Another file that is refused for the same reason is another event.
            again = state.fault == run.detail and self._failed.get(source, label) == label
            self._failed[source] = label
            after = replace(state, attempted_at=run.at, fault=run.detail)
            if not again:
                log.error("hr source cannot be read", extra={"source": source, "reason": run.detail})
            try:
                await book.commit(RosterChange(sources={source: after}), None if again else run)
            except StoreError:
                # The database has an alarm of its own; what is shown must be true all the same.
                book.told(after)
            return run

    def nothing_new(self, source: str, *, good: bool) -> None:
        """The source was reached, and nothing new came. `good`: that is a good run; where it is not, an export that has
        ended becomes late."""
        state, now = self._book.state(source), self._book.now()
        # A feed that was refused stays the last word until a better one comes: an empty folder is none.
        mended = good or source in self._unreached
        if mended:
            self._tell_good(state)
            self._unreached.discard(source)
        fault, succeeded_at = "" if mended else state.fault, now if good else state.succeeded_at
        self._book.told(replace(state, attempted_at=now, succeeded_at=succeeded_at, fault=fault))

    def _work_out(
        self, roster: Roster, index: SourceIndex, batch: Batch, now: datetime, recent: Mapping[Category, int]
    ) -> Heard:
        book = self._book
        refusal = check_batch(batch, len(index.posts), book.policy)
        if refusal is not None:
            raise FeedRefused(refusal, problems=batch.rejected[:20])
        known = trimmed(batch, roster, book.policy, book.zones, now, book.left)
        return hear(roster, index, known, book.policy, book.zones, now, recent)

    def _is_worth_storing(self, before: SourceState, after: SourceState) -> bool:
        """A hundred pushes a second must not write a hundred times that the source lives."""
        stored = self._state_stored.get(after.name)
        young = stored is not None and self._book.now() - stored < STATE_EVERY
        return not young or (before.fault, before.cursor) != (after.fault, after.cursor)

    def _gathered(self, run: HrRun) -> HrRun:
        """This run together with the source's last one, if that was a push and is young: its row is written anew."""
        last = self._book.last_run(run.source, GATHER)
        if last is None or last.id != self._pushed.get(run.source):
            return run
        return replace(_sum(last, run), id=last.id)

    def _tell_good(self, before: SourceState) -> None:
        if before.fault:
            log.info("hr source is read again", extra={"source": before.name})


def run_of(batch: Batch, heard: Heard, label: str, now: datetime) -> HrRun:
    return HrRun(
        source=batch.source,
        at=now,
        outcome=_outcome(heard.accepted, heard.held, heard.leavers, changed=bool(heard.change.records)),
        label=_shown(label),
        rows=batch.rows or len(batch.records),
        rejected=len(batch.rejected),
        leavers=heard.leavers,
        accepted=MappingProxyType(dict(heard.accepted)),
        held=MappingProxyType(dict(heard.held)),
        detail=_first_problem(batch),
    )


def _first_problem(batch: Batch) -> str:
    """Where to begin; a file's others lie in its reject file. Masked where it was found."""
    if not batch.rejected:
        return ""
    first, rest = batch.rejected[0], len(batch.rejected) - 1
    more = f" (and {rest} more)" if rest else ""
    field = f"{first.field} " if first.field else ""
    return _shown(f"{first.where}: {field}{first.message}{more}")


def failed_run(source: str, error: SourceError, label: str, now: datetime) -> HrRun:
    outcome = RunOutcome.REFUSED if isinstance(error, FeedRefused) else RunOutcome.FAILED
    return HrRun(source, now, outcome, _shown(label), detail=_shown(str(error)))


def _shown(text: str) -> str:
    """What a file's name or content may have brought with it is no text that can be stored, sent or shown safely."""
    return "".join(character if character.isprintable() else "?" for character in text[:MAX_DETAIL_CHARACTERS])


def _outcome(
    accepted: Mapping[Category, int], held: Mapping[Category, int], leavers: int, *, changed: bool
) -> RunOutcome:
    taken = leavers > 0 or any(accepted.values())
    if any(held.values()):
        return RunOutcome.PARTLY_HELD if taken else RunOutcome.HELD
    return RunOutcome.APPLIED if taken or changed else RunOutcome.UNCHANGED


def _sum(first: HrRun, second: HrRun) -> HrRun:
    accepted, held = _added(first.accepted, second.accepted), second.held
    leavers = first.leavers + second.leavers
    changed = RunOutcome.UNCHANGED not in (first.outcome, second.outcome) or first.outcome is not second.outcome
    return replace(
        second,
        at=first.at,
        outcome=_outcome(accepted, held, leavers, changed=changed),
        rows=first.rows + second.rows,
        rejected=first.rejected + second.rejected,
        leavers=leavers,
        accepted=accepted,
        held=held,
        plan=second.plan or first.plan,
        detail=second.detail or first.detail,
    )


def _added(first: Mapping[Category, int], second: Mapping[Category, int]) -> Mapping[Category, int]:
    counts = dict(first)
    for category, people in second.items():
        counts[category] = counts.get(category, 0) + people
    return MappingProxyType(counts)


def _routes(roster: Roster, change: RosterChange) -> bool:
    """Whether the change touches anything the directory in force is made from; what was only said does not."""
    if change.entries or change.releases or change.aliases or change.tenures:
        return True
    return any(_in_force(roster.records.get(id_)) != _in_force(state) for id_, state in change.records.items())


def _in_force(state: RecordState | None) -> tuple[object, ...]:
    if state is None:
        return ()
    said = state.said
    if state.accepted is not None:
        return (state.accepted, state.inactive_since)
    if said.active is not False and said.ends is None and said.ends_at is None:
        return ()
    # A stated end counts even while the joiner who states it is held.
    return (said.key, said.site, group(said, Category.TERM), state.inactive_since, state.said_at)
