"""What became of the roster: runs, plans, notes, coverage. `roster_store` is the whole of the port."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.hr.ports import (
    Committed,
    CoverageRow,
    HrRun,
    PlanRow,
    PlanStatus,
    RosterCommit,
    RosterNote,
    RunOutcome,
)
from ringfence.app.paging import Before
from ringfence.domain.hr.guard import Category
from ringfence.store.database import Database, understood, upsert
from ringfence.store.paging import from_here
from ringfence.store.portions import rows_of
from ringfence.store.roster_json import counts_of, counts_text, lines_of, lines_text
from ringfence.store.tables import fitting
from ringfence.store.tables_roster import coverage, hr_plans, hr_runs, roster_notes

MAX_ROWS: Final = 10_000  # in one answer
PRUNED_ROWS: Final = 2_000  # in one transaction, so that the mode writer never waits long


async def store(connection: AsyncConnection, commit: RosterCommit) -> Committed:
    plan_ids = [await _keep(connection, hr_plans, plan.id, _plan_row(plan)) for plan in commit.plans]
    run_ids = [await _keep(connection, hr_runs, run.id, _run_row(run)) for run in commit.runs]
    if commit.notes:
        await connection.execute(insert(roster_notes), [_note_row(note) for note in commit.notes])
    return Committed(tuple(run_ids), tuple(plan_ids))


async def runs(
    database: Database,
    limit: int | None,
    source: str | None = None,
    since: datetime | None = None,
    before: Before | None = None,
) -> list[HrRun]:
    """Newest first; with no limit, all of them."""
    newest = select(hr_runs).order_by(hr_runs.c.at.desc(), hr_runs.c.id.desc())
    newest = from_here(newest, hr_runs.c.at, before)
    if source is not None:
        newest = newest.where(hr_runs.c.source == source)
    if since is not None:
        newest = newest.where(hr_runs.c.at >= since)
    if limit is not None:
        newest = newest.limit(min(limit, MAX_ROWS))
    async with database.reading() as connection:
        with understood("The runs of HR sources"):
            return [_run(row) async for row in rows_of(connection, newest)]


async def plans(database: Database, limit: int, *, only_open: bool, before: Before | None = None) -> list[PlanRow]:
    newest = select(hr_plans).order_by(hr_plans.c.opened_at.desc(), hr_plans.c.id.desc()).limit(min(limit, MAX_ROWS))
    newest = from_here(newest, hr_plans.c.opened_at, before)
    if only_open:
        newest = newest.where(hr_plans.c.status == PlanStatus.OPEN)
    async with database.reading() as connection:
        with understood("The held plans"):
            return [_plan(row) async for row in rows_of(connection, newest)]


async def plan(database: Database, id_: int) -> PlanRow | None:
    async with database.reading() as connection:
        with understood(f"The held plan {id_}"):
            row = (await connection.execute(select(hr_plans).where(hr_plans.c.id == id_))).one_or_none()
            return None if row is None else _plan(row)


async def notes(database: Database, limit: int, person: str | None, before: Before | None = None) -> list[RosterNote]:
    newest = select(roster_notes).order_by(roster_notes.c.at.desc(), roster_notes.c.id.desc())
    newest = from_here(newest, roster_notes.c.at, before)
    if person is not None:
        newest = newest.where(roster_notes.c.person == person)
    async with database.reading() as connection:
        with understood("The notes on the roster"):
            rows = (await connection.execute(newest.limit(min(limit, MAX_ROWS)))).all()
            return [RosterNote(row.at, row.who, row.why, row.what, row.person) for row in rows]


async def add_coverage(database: Database, row: CoverageRow) -> None:
    values = {"at": row.at, "dids": row.dids, "covered": row.covered, "reasons": counts_text(row.reasons)}

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(coverage).values(values))

    await database.write(work)


async def coverage_rows(database: Database, limit: int, before: Before | None = None) -> list[CoverageRow]:
    newest = select(coverage).order_by(coverage.c.at.desc(), coverage.c.id.desc()).limit(min(limit, MAX_ROWS))
    newest = from_here(newest, coverage.c.at, before)
    async with database.reading() as connection:
        with understood("The history of coverage"):
            rows = (await connection.execute(newest)).all()
            return [CoverageRow(row.at, row.dids, row.covered, counts_of(row.reasons)) for row in rows]


async def prune(database: Database, before: datetime) -> int:
    """A plan is as old as its end; an open one is never old."""
    old: tuple[tuple[Table, ColumnElement[bool]], ...] = (
        (hr_runs, hr_runs.c.at < before),
        (hr_plans, (hr_plans.c.status != PlanStatus.OPEN) & (hr_plans.c.closed_at < before)),
        (roster_notes, roster_notes.c.at < before),
        (coverage, coverage.c.at < before),
    )
    total = 0
    for table, is_old in old:
        chosen = select(table.c.id).where(is_old).limit(PRUNED_ROWS)

        async def work(connection: AsyncConnection, table: Table = table, chosen: Select[Any] = chosen) -> int:
            ids = list((await connection.execute(chosen)).scalars())
            if ids:
                await connection.execute(delete(table).where(table.c.id.in_(ids)))
            return len(ids)

        while deleted := await database.write(work):
            total += deleted
    return total


async def _keep(connection: AsyncConnection, table: Table, id_: int, row: dict[str, Any]) -> int:
    """A row without an identifier (0) gets one."""
    if id_ != 0:
        await upsert(connection, table, [row | {"id": id_}])
        return id_
    key = (await connection.execute(insert(table).values(row))).inserted_primary_key
    assert key is not None
    return int(key[0])


def _run_row(run: HrRun) -> dict[str, Any]:
    row = {
        "source": run.source,
        "at": run.at,
        "outcome": run.outcome,
        "label": run.label,
        "rows": run.rows,
        "rejected": run.rejected,
        "leavers": run.leavers,
        "accepted": counts_text(run.accepted),
        "held": counts_text(run.held),
        "detail": run.detail,
        "plan": run.plan,
    }
    return fitting(hr_runs, row)


def _run(row: Row[Any]) -> HrRun:
    return HrRun(
        source=row.source,
        at=row.at,
        outcome=RunOutcome(row.outcome),
        label=row.label,
        rows=row.rows,
        rejected=row.rejected,
        leavers=row.leavers,
        accepted=_by_category(row.accepted),
        held=_by_category(row.held),
        detail=row.detail,
        plan=row.plan,
        id=row.id,
    )


def _by_category(text: str) -> MappingProxyType[Category, int]:
    return MappingProxyType({Category(name): count for name, count in counts_of(text).items()})


def _plan_row(plan: PlanRow) -> dict[str, Any]:
    row = {
        "source": plan.source,
        "opened_at": plan.opened_at,
        "first_load": plan.first_load,
        "status": plan.status,
        "closed_at": plan.closed_at,
        "who": plan.who,
        "why": plan.why,
        "superseded_by": plan.superseded_by,
        "summary": plan.summary,
        "lines": lines_text(plan.lines),
    }
    return fitting(hr_plans, row)


def _plan(row: Row[Any]) -> PlanRow:
    return PlanRow(
        source=row.source,
        opened_at=row.opened_at,
        first_load=row.first_load,
        status=PlanStatus(row.status),
        closed_at=row.closed_at,
        who=row.who,
        why=row.why,
        superseded_by=row.superseded_by,
        summary=row.summary,
        lines=lines_of(row.lines),
        id=row.id,
    )


def _note_row(note: RosterNote) -> dict[str, Any]:
    row = asdict(note)
    del row["origin"]
    return fitting(roster_notes, row)
