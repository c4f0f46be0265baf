"""Pages of stored rows, of which several have the same moment: none is left out, none comes twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

from ringfence.app.hr.ports import CoverageRow, HrRun, RosterCommit, RosterNote, RunOutcome
from ringfence.app.paging import Before, page_of
from ringfence.app.ports import OutageChange
from ringfence.domain.hr.roster import RosterChange
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.outage_store import SqlOutageStore
from ringfence.store.roster_store import SqlRosterStore
from tests.fakes.clock import NOON
from tests.integration.stores import opened_at
from tests.integration.test_store_journal import call

AT = [NOON + timedelta(microseconds=number // 3) for number in range(8)]


async def _all_pages(ask: Callable[[int, Before | None], Awaitable[Sequence[object]]], moment: str, limit: int) -> int:
    """How many rows the pages have together; each is one of the whole list, in its order."""
    whole = list(await ask(100, None))
    found: list[object] = []
    before: Before | None = None
    while True:
        page = page_of(await ask(limit + 1, before), limit, attrgetter(moment), before)
        found += page.rows
        if page.next is None:
            assert found == whole
            return len(found)
        before = page.next


async def test_every_row_is_on_one_page(place: Path | str) -> None:
    async with opened_at(place) as database:
        journal, outage, roster = SqlJournalStore(database), SqlOutageStore(database), SqlRosterStore(database)
        await journal.append([replace(call(number), ended_at=at) for number, at in enumerate(AT)])
        for number, at in enumerate(AT):
            word = Override(OverrideTarget(), OverrideKind.DR, "ada", f"drill {number}", at)
            await outage.commit(OutageChange(f"k{number}", override_set=word, who="ada", why="drill", at=at))
            await roster.add_coverage(CoverageRow(at, 8, number, {}))
        runs = tuple(HrRun("payroll", at, RunOutcome.UNCHANGED) for at in AT)
        notes = tuple(RosterNote(at, f"who {number}", "why", "what", "ada") for number, at in enumerate(AT))
        await roster.commit(RosterCommit(RosterChange(), runs, notes=notes))
        for limit in (1, 2, 3, 8):
            assert await _all_pages(lambda rows, at: journal.recent(rows, None, at), "ended_at", limit) == 8
            assert await _all_pages(outage.history, "at", limit) == 8
            assert await _all_pages(roster.coverage, "at", limit) == 8
            assert await _all_pages(lambda rows, at: roster.runs(rows, "payroll", at), "at", limit) == 8
            assert await _all_pages(lambda rows, at: roster.notes(rows, "ada", at), "at", limit) == 8
