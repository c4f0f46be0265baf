"""The roster's store in memory. Set `fault` to have it raise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from ringfence.app.hr.ports import Committed, CoverageRow, HrRun, PlanRow, PlanStatus, RosterCommit, RosterNote
from ringfence.app.paging import Before, from_here
from ringfence.domain.hr.roster import Roster
from tests.fakes.stores import Faulty

Row = TypeVar("Row", HrRun, PlanRow)


class FakeRosterStore(Faulty):
    """Implements `hr_ports.RosterStore`. `wipes` counts how often it was asked for."""

    def __init__(self) -> None:
        self.roster = Roster()
        self.run_rows: dict[int, HrRun] = {}
        self.plan_rows: dict[int, PlanRow] = {}
        self.note_rows: list[RosterNote] = []
        self.coverage_rows: list[CoverageRow] = []
        self.commits = 0
        self.wipes = 0

    async def load(self) -> Roster:
        self._answer()
        return self.roster.copy()

    async def commit(self, commit: RosterCommit) -> Committed:
        self._answer()
        self.commits += 1
        self.roster.apply(commit.change)
        self.note_rows.extend(commit.notes)
        return Committed(
            tuple(_keep(self.run_rows, run) for run in commit.runs),
            tuple(_keep(self.plan_rows, plan) for plan in commit.plans),
        )

    async def runs(self, limit: int, source: str | None = None, before: Before | None = None) -> list[HrRun]:
        self._answer()
        found = [run for run in self.run_rows.values() if source is None or run.source == source]
        newest = sorted(found, key=lambda run: (run.at, run.id), reverse=True)
        return from_here(newest, lambda run: run.at, before)[:limit]

    async def runs_since(self, at: datetime) -> list[HrRun]:
        return [run for run in await self.runs(len(self.run_rows)) if run.at >= at]

    async def plans(self, limit: int, *, only_open: bool = False, before: Before | None = None) -> list[PlanRow]:
        self._answer()
        found = [plan for plan in self.plan_rows.values() if plan.status is PlanStatus.OPEN or not only_open]
        newest = sorted(found, key=lambda plan: (plan.opened_at, plan.id), reverse=True)
        return from_here(newest, lambda plan: plan.opened_at, before)[:limit]

    async def plan(self, id_: int) -> PlanRow | None:
        self._answer()
        return self.plan_rows.get(id_)

    async def notes(self, limit: int, person: str | None = None, before: Before | None = None) -> list[RosterNote]:
        self._answer()
        return _newest([note for note in self.note_rows if person is None or note.person == person], limit, before)

    async def add_coverage(self, row: CoverageRow) -> None:
        self._answer()
        self.coverage_rows.append(row)

    async def coverage(self, limit: int, before: Before | None = None) -> list[CoverageRow]:
        self._answer()
        return _newest(self.coverage_rows, limit, before)

    async def prune(self, before: datetime) -> int:
        self._answer()
        rows = self._rows()
        self.run_rows = {id_: run for id_, run in self.run_rows.items() if run.at >= before}
        self.plan_rows = {id_: plan for id_, plan in self.plan_rows.items() if not _over(plan, before)}
        self.note_rows = [note for note in self.note_rows if note.at >= before]
        self.coverage_rows = [row for row in self.coverage_rows if row.at >= before]
        return rows - self._rows()

    async def wipe(self) -> None:
        self._answer()
        self.wipes += 1

    def _rows(self) -> int:
        return len(self.run_rows) + len(self.plan_rows) + len(self.note_rows) + len(self.coverage_rows)


def _keep(rows: dict[int, Row], row: Row) -> int:
    id_ = row.id or max(rows, default=0) + 1
    rows[id_] = replace(row, id=id_)
    return id_


Timed = TypeVar("Timed", RosterNote, CoverageRow)


def _newest(rows: Sequence[Timed], limit: int, before: Before | None = None) -> list[Timed]:
    # Of two at the same moment the later one is newer: sorting keeps their order, and is turned round as a whole.
    return from_here(sorted(rows, key=lambda row: row.at)[::-1], lambda row: row.at, before)[:limit]


def _over(plan: PlanRow, before: datetime) -> bool:
    return plan.status is not PlanStatus.OPEN and plan.closed_at is not None and plan.closed_at < before
