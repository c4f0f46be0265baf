"""What the audit record says of each change. Pure: the stores append it in the change's own transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Final

from ringfence.app.hr.ports import HrRun, PlanRow, PlanStatus, RosterCommit, RosterNote
from ringfence.app.ports import OutageChange
from ringfence.domain.audit import MACHINE, PERSON, AuditFact, AuditKind
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.roster import Origin
from ringfence.domain.override import Override, OverrideTarget

SIGNED_IN_BY: Final[ContextVar[str]] = ContextVar("SIGNED_IN_BY", default="")
"""How whoever sent the request in hand had signed in: the doors set it. Use cases know people by name alone."""


def facts_of_outage(change: OutageChange) -> Iterator[AuditFact]:
    """A change that waited in the spool is noted when it is stored, with its own time."""
    moved, released, said = change.transition, change.override_released, change.override_set
    if moved is not None:
        yield AuditFact(
            moved.at.wall,
            AuditKind.MODE,
            f"{moved.before} -> {moved.after}",
            f"scope:{moved.scope}",
            change.who,
            change.why,
            change.by,
            {"reason": moved.reason, "signal": moved.signal, "evidence": "; ".join(moved.evidence)},
        )
    if released is not None:
        assert change.at is not None, "a change made by a person has a time"
        action = "override expired" if change.expired else "override released"
        detail = _named(released)
        yield AuditFact(change.at, AuditKind.OVERRIDE, action, str(released), change.who, change.why, change.by, detail)
    if said is not None:
        at, detail = change.at or said.set_at, _said(said)
        action, about = f"override {said.kind} set", str(said.target)
        yield AuditFact(at, AuditKind.OVERRIDE, action, about, change.who, change.why, change.by, detail)


def fact_of_directory(version: int, summary: str, who: str, why: str, at: datetime) -> AuditFact:
    about, detail = f"directory version {version}", {"is": summary}
    return AuditFact(at, AuditKind.DIRECTORY, "directory changed", about, who, why, _by(who), detail)


def facts_of_roster(commit: RosterCommit) -> Iterator[AuditFact]:
    """Runs that changed something, what became of plans, and every word that people said."""
    changed = bool(commit.change.records or commit.change.aliases)
    for run in commit.runs:
        if changed:
            yield _run_fact(run)
    for plan in commit.plans:
        # Stored once more only to name the plan that followed.
        if plan.superseded_by is None:
            yield _plan_fact(plan)
    if not commit.plans:
        for note in commit.notes:
            yield _note_fact(note, commit)


def _said(said: Override) -> dict[str, str]:
    detail = {**_named(said.target), "until": "released" if said.until is None else said.until.isoformat()}
    if said.approved_by:
        detail["approved by"] = said.approved_by
    if said.alone:
        detail["alone"] = "no second person came: to be reviewed"
    if said.replaced is not None:
        detail["replaces"] = f"{said.replaced.kind} by {said.replaced.who}"
    return detail


def _named(target: OverrideTarget) -> dict[str, str]:
    return {"dids": f"dids:{','.join(target.dids)}"} if target.dids else {}


def _run_fact(run: HrRun) -> AuditFact:
    detail = {"outcome": run.outcome, "rows": str(run.rows), "leavers": str(run.leavers), "from": run.label}
    for what, counts in (("accepted", run.accepted), ("held", run.held)):
        if words := _counted(counts):
            detail[what] = words
    return AuditFact(run.at, AuditKind.HR, "feed taken in", f"source {run.source}", MACHINE, detail=detail)


def _plan_fact(plan: PlanRow) -> AuditFact:
    about = f"plan {plan.id} of {plan.source}" if plan.id else f"a new plan of {plan.source}"
    action = "changes held" if plan.status is PlanStatus.OPEN else f"plan {plan.status}"
    at = plan.closed_at or plan.opened_at
    who = plan.who or MACHINE
    return AuditFact(at, AuditKind.HR, action, about, who, plan.why, _by(who), {"is": plan.summary})


def _note_fact(note: RosterNote, commit: RosterCommit) -> AuditFact:
    about = f"{PERSON}{note.person}" if note.person else "roster"
    if len(commit.change.releases) == 1:
        about = f"did:{next(iter(commit.change.releases))}"
    kind = AuditKind.SELF_SERVICE if note.origin is Origin.PERSON else AuditKind.PERSON
    return AuditFact(note.at, kind, note.what, about, note.who, note.why, _by(note.who))


def _by(who: str) -> str:
    return "" if who == MACHINE else SIGNED_IN_BY.get()


def _counted(counts: Mapping[Category, int]) -> str:
    return ", ".join(f"{people} {category}" for category, people in counts.items() if people)
