"""The report of a time in shadow mode: what would have happened, and whether the site is ready to go live."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.paging import Before
from ringfence.app.ports import Clock, OutageStore
from ringfence.app.shadow import ShadowStore
from ringfence.app.snapshot import Snapshot
from ringfence.domain.history import HistoryRow
from ringfence.domain.incident import Span
from ringfence.domain.shadow_report import CallTally, VerdictTime, WouldBeOutage, outages_of, spans_of, verdict_times
from ringfence.domain.time_words import in_words
from ringfence.domain.verdict import VerdictState

WEEK: Final = timedelta(days=7)
MAX_UNKNOWN_SHARE: Final = 0.01
HISTORY_ROWS: Final = 1_000
CALLS_AT_ONCE: Final = 500  # added up before other work gets its turn
NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at before going live. `words` say what was found, `fix` what to do where it is not `ok`."""

    ok: bool
    words: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """`spans`: when nothing was done to calls, within `since` and `until`; `in_shadow`: whether that is so now.
    `verdicts` by platform and verdict."""

    since: datetime
    until: datetime
    in_shadow: bool
    spans: tuple[tuple[datetime, datetime], ...]
    outages: tuple[WouldBeOutage, ...]
    calls: CallTally
    verdicts: dict[tuple[str, str], VerdictTime]
    checks: tuple[Check, ...]

    @property
    def seconds(self) -> float:
        """Of shadow mode, together."""
        return sum((end - begin for begin, end in self.spans), timedelta()).total_seconds()

    @property
    def ready(self) -> bool:
        return all(check.ok for check in self.checks)


class ShadowDesk:
    """Answers what shadow mode has found. `trunks` are the inbound ones that are configured, by which calls come."""

    def __init__(
        self,
        enabled: bool,
        store: ShadowStore,
        history: OutageStore,
        clock: Clock,
        snapshot: Callable[[], Snapshot],
        trunks: Sequence[str],
    ) -> None:
        self.enabled = enabled
        self._store = store
        self._history = history
        self._clock = clock
        self._snapshot = snapshot
        self._trunks = tuple(trunks)

    async def report(self, past: timedelta) -> ShadowReport:
        """Of so long before this moment. Some seconds for a million calls. Raises StoreError."""
        now = self._clock.now().wall
        since = now - past
        notes = await self._store.notes(now)
        spans = spans_of(notes, since, now)
        outages = outages_of(await self._rows_since(since), spans)
        tally = CallTally()
        async for portion in self._store.calls(Span(since, now)):
            for start in range(0, len(portion), CALLS_AT_ONCE):
                for record in portion[start : start + CALLS_AT_ONCE]:
                    tally.add(record, outages)
                await asyncio.sleep(0)
        verdicts = verdict_times(notes, spans, now)
        seconds = sum((end - begin for begin, end in spans), timedelta())
        checks = tuple(self._checks(seconds, tally, outages, verdicts))
        return ShadowReport(since, now, self.enabled, tuple(spans), tuple(outages), tally, verdicts, checks)

    async def _rows_since(self, since: datetime) -> list[HistoryRow]:
        rows: list[HistoryRow] = []
        before: Before | None = None
        while True:
            page = await self._history.history(HISTORY_ROWS, before)
            rows += page
            if len(page) < HISTORY_ROWS or page[-1].at < since:
                return rows
            oldest = page[-1].at
            before = Before(oldest, sum(row.at == oldest for row in rows))

    def _checks(
        self,
        seconds: timedelta,
        tally: CallTally,
        outages: Sequence[WouldBeOutage],
        verdicts: dict[tuple[str, str], VerdictTime],
    ) -> Iterator[Check]:
        """What to mend first comes first."""
        yield self._alarms()
        yield self._handed_over(tally)
        yield _unread(tally)
        yield _not_ours(tally)
        yield _to_nobody(tally)
        yield _unknown(verdicts, seconds)
        yield _false(outages)
        yield _slow(tally)
        yield _long_enough(seconds)

    def _alarms(self) -> Check:
        snapshot = self._snapshot()
        well = snapshot.asterisk.up and snapshot.store.up and snapshot.table.state == "equal"
        words = "Asterisk, the database and the table are as they should be"
        return Check(True, words) if well else Check(False, f"NOT: {words}", "`ringfence status` says what is wrong.")

    def _handed_over(self, tally: CallTally) -> Check:
        without = [trunk for trunk in self._trunks if not tally.by_trunk[trunk]]
        if not without:
            return Check(True, f"calls came by every trunk ({tally.calls} in all)")
        return Check(
            False,
            f"no call came by {', '.join(without)}",
            "Only calls that pass Ringfence's contexts are seen: hand the trunk over (docs/howto/run-in-shadow.md).",
        )


def _unread(tally: CallTally) -> Check:
    if not tally.unread:
        return Check(True, "every received number could be read")
    of = ", ".join(f"{count} by {trunk}" for trunk, count in tally.unread.most_common())
    return Check(
        False,
        f"{_calls(sum(tally.unread.values()))} with a number that could not be read: {of}",
        "See how the carrier sends it: docs/howto/check-the-numbers.md.",
    )


def _not_ours(tally: CallTally) -> Check:
    if not tally.not_ours:
        return Check(True, "every number that was called is in the directory")
    return Check(
        False,
        f"{len(tally.not_ours)} numbers were called that are not in the directory, {_first(tally.not_ours)}",
        "Import them, or correct how the trunk's numbers are read; live, they get their trunk's fallback number.",
    )


def _to_nobody(tally: CallTally) -> Check:
    if not tally.to_nobody:
        return Check(True, "no call would have heard nothing but an announcement")
    return Check(
        False,
        f"{_calls(sum(tally.to_nobody.values()))} to {len(tally.to_nobody)} DIDs would have heard an announcement, "
        f"{_first(tally.to_nobody)}",
        "Give them a default number, a team or a site's fallback; `ringfence explain DID` shows the plan.",
    )


def _unknown(verdicts: dict[tuple[str, str], VerdictTime], seconds: timedelta) -> Check:
    unknown = {
        scope: time.seconds
        for (scope, word), time in verdicts.items()
        if word == VerdictState.UNKNOWN and time.seconds > MAX_UNKNOWN_SHARE * seconds.total_seconds()
    }
    if not unknown:
        return Check(True, "the verdicts were known nearly always")
    of = ", ".join(f"{scope} for {in_words(lasted)}" for scope, lasted in sorted(unknown.items()))
    return Check(
        False,
        f"the verdict was unknown on {of}",
        "An unknown platform is never failed over: `ringfence status` shows which evidence is missing.",
    )


def _false(outages: Sequence[WouldBeOutage]) -> Check:
    found = [outage for outage in outages if outage.perhaps_false]
    if not found:
        return Check(True, "no outage looks like a false alarm")
    return Check(
        False,
        f"{len(found)} of {len(outages)} outages may be false alarms: the platform answered calls meanwhile",
        "Look at their evidence below; loosen the probe that spoke against the platform, or give it another one.",
    )


def _slow(tally: CallTally) -> Check:
    if not tally.slow:
        return Check(True, "the platform rang every call in time")
    return Check(
        False,
        f"{_calls(tally.slow)} rang later than no_progress_seconds and would have been diverted",
        "Set the platform's no_progress_seconds above what it takes to ring.",
    )


def _long_enough(seconds: timedelta) -> Check:
    if seconds >= WEEK - timedelta(hours=1):
        return Check(True, f"shadow mode ran for {in_words(seconds.total_seconds())}")
    return Check(
        False,
        f"shadow mode ran for {in_words(seconds.total_seconds())} of this time",
        "A week holds a weekend and every shift: let it run on.",
    )


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


def _first(counted: Counter[str]) -> str:
    most = counted.most_common(NAMED)
    return "most often " + ", ".join(f"{did} ({count})" for did, count in most)
