"""The roster and coverage in the status: wherever the table is shown, so is the age of what it is made of."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.app.hr.views import SourceView
from ringfence.app.snapshot import Snapshot
from ringfence.web.status_models import CoverageShareOut, RosterOut, SourceOut


def roster_out(snapshot: Snapshot) -> RosterOut:
    roster, measured = snapshot.roster, snapshot.coverage
    share = None
    if measured is not None:
        share = CoverageShareOut(
            at=measured.at,
            percent=measured.coverage.percent,
            target_percent=measured.target_percent,
            below_target=measured.below,
        )
    return RosterOut(
        sources=[source_out(view) for view in roster.sources],
        open_plans=roster.open_plans,
        conflicts=roster.conflicts,
        people=roster.people,
        employed=roster.employed,
        next_change_at=roster.next_change_at,
        fault=roster.fault,
        coverage=share,
    )


def source_out(view: SourceView) -> SourceOut:
    return SourceOut(
        name=view.name,
        kind=view.kind,
        loaded=view.loaded,
        last_good=view.last_good,
        age_seconds=None if view.age_seconds is None else round(max(0.0, view.age_seconds), 1),
        late=view.late,
        fault=view.fault,
        records=view.records,
        held=view.held,
        open_plan=view.open_plan,
    )


def roster_facts(snapshot: Snapshot) -> tuple[object, ...]:
    """What of it matters to whoever waits for a change: no ages, no counts of rows."""
    roster, measured = snapshot.roster, snapshot.coverage
    sources = [(view.name, view.loaded, view.late, view.fault, view.held, view.open_plan) for view in roster.sources]
    return (
        sources,
        roster.open_plans,
        roster.conflicts,
        roster.people,
        roster.employed,
        roster.fault,
        None if measured is None else measured.below,
    )


def roster_alarms(snapshot: Snapshot) -> Iterator[str]:
    roster, measured = snapshot.roster, snapshot.coverage
    if roster.fault:
        yield f"the directory in force is not published: {roster.fault}"
    for view in roster.sources:
        if view.fault:
            yield f"HR source {view.name} fails: {view.fault}"
        if view.late:
            yield f"HR source {view.name} is late: {_age_words(view)}"
    if roster.open_plans:
        yield f"HR changes are held and wait for a person ({roster.open_plans} to decide): `ringfence hr plans`"
    if roster.conflicts:
        yield f"DIDs claimed by two people: {roster.conflicts}: `ringfence hr conflicts`"
    if measured is not None and measured.below:
        yield f"coverage is {measured.coverage.percent} %, below its target of {measured.target_percent:g} %"


def _age_words(view: SourceView) -> str:
    if view.age_seconds is None:
        return "it was never read"
    return f"its last good run was {view.age_seconds / 3600:.1f} h ago"
