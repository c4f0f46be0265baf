"""Questions about DIDs, calls and the past."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from ringfence.app.decision import decision_of, lost_scope
from ringfence.app.operator import Explanation, Operator
from ringfence.app.snapshot import Snapshot
from ringfence.domain.calls import CallRecord, shown_caller
from ringfence.domain.history import HistoryRow
from ringfence.domain.numbers import mask
from ringfence.domain.outage import Decision
from ringfence.domain.override import Override
from ringfence.domain.reasons import Reason
from ringfence.domain.records import RouteRecord
from ringfence.domain.route_plan import PlannedStep, RoutePlan, Step, StepKind, StepReason
from ringfence.domain.shadow import NOTHING_DONE, read_would
from ringfence.web.call_models import (
    CallOut,
    CallsOut,
    ExplanationOut,
    HeldOut,
    HistoryOut,
    HistoryRowOut,
    LeftOutOut,
    PlanOut,
    StepOut,
    WouldOut,
)
from ringfence.web.errors import declared
from ringfence.web.order_models import MAX_SCOPE_CHARACTERS, DidText
from ringfence.web.order_targets import read_did
from ringfence.web.paging import BeforeText, Limit, asked_page, next_text
from ringfence.web.status_view import DECISION_WORDS, in_shadow, override_out

LOST_SCOPE_WORDS: Final = (
    "its platform {} is not configured: its calls go to their trunk's platform, and its own plan is not used"
)

Scope = Annotated[
    str | None,
    Query(
        max_length=MAX_SCOPE_CHARACTERS, description="only about this: a platform's name, `did:<E.164>`, `everything`"
    ),
]


def routes(operator: Operator, default_country: str) -> APIRouter:
    router = APIRouter(tags=["questions"])

    @router.get("/explain/{did}", responses=declared(404, 503), operation_id="explain")
    async def explain(did: Annotated[DidText, Path()]) -> ExplanationOut:
        """Where a call to this DID would go and why, as read back from Asterisk, and whether that equals the table."""
        explanation = await operator.explain(read_did(did, default_country))
        return explanation_out(explanation, operator.status())

    @router.get("/calls", responses=declared(503), operation_id="calls")
    async def calls(
        limit: Limit = 100, did: Annotated[DidText | None, Query()] = None, before: BeforeText = None
    ) -> CallsOut:
        """Recent calls, newest first."""
        wanted = None if did is None else read_did(did, default_country)
        page = await asked_page(
            lambda rows, begin: operator.calls(rows, wanted, begin), limit, before, attrgetter("ended_at")
        )
        return CallsOut(calls=[_call(record) for record in page.rows], next=next_text(page))

    @router.get("/history", responses=declared(503), operation_id="history")
    async def history(limit: Limit = 100, before: BeforeText = None, scope: Scope = None) -> HistoryOut:
        """Mode changes and people's words, newest first."""
        page = await asked_page(
            lambda rows, begin: operator.history(rows, begin, scope), limit, before, attrgetter("at")
        )
        return HistoryOut(history=[_history_row(row) for row in page.rows], next=next_text(page))

    return router


def explanation_out(explanation: Explanation, snapshot: Snapshot) -> ExplanationOut:
    lost = lost_scope(explanation, snapshot)
    decision = None if lost else decision_of(explanation, snapshot)
    words = DECISION_WORDS[decision] if decision else "it is not ours: its calls go to the platform"
    return ExplanationOut(
        did=explanation.did,
        decision=decision,
        decision_words=in_shadow(LOST_SCOPE_WORDS.format(lost) if lost else words, snapshot),
        shadow=snapshot.shadow,
        handed_over={} if decision is Decision.DIVERT else dict(snapshot.handed_over),
        held=None if explanation.held is None else _held(explanation.held),
        held_words=explanation.held_words,
        equal=explanation.equal,
        directory=None if explanation.plan is None else _plan(explanation.plan),
        override=None if explanation.override is None else override_out(explanation.override),
        words=[override_out(word) for word in explanation.words],
        words_sentence=_words_sentence(explanation.words),
    )


def _words_sentence(words: Sequence[Override]) -> str:
    if not words:
        return ""
    first, *others = words
    beaten = "".join(f"; it beats: {word.words}" for word in others)
    return f"{first.words} ({first.why}): that counts, being about {first.target.level.words}{beaten}."


def _plan(plan: RoutePlan) -> PlanOut:
    return PlanOut(
        scope=plan.scope,
        kind=plan.kind,
        critical=plan.critical,
        plan=[_planned(step) for step in plan.plan],
        undeliverable=[_planned(step) for step in plan.undeliverable],
        left_out=[
            LeftOutOut(target=left.target, omission=left.omission, sentence=left.sentence) for left in plan.left_out
        ],
    )


def _held(record: RouteRecord) -> HeldOut:
    return HeldOut(
        scope=record.scope,
        kind=record.kind,
        critical=record.critical,
        forced=record.forced,
        plan=[_step(step) for step in record.plan],
        undeliverable=[_step(step) for step in record.undeliverable],
    )


def _planned(planned: PlannedStep) -> StepOut:
    return _step(planned.step, planned.reason, planned.name)


def _step(step: Step, reason: StepReason | None = None, name: str = "") -> StepOut:
    return StepOut(
        kind=step.kind.name.lower(),
        target=mask(step.target) if step.kind is StepKind.PERSON else name or step.target,
        ring_seconds=step.ring_seconds,
        hours=None if step.hours is None else f"{step.hours.words} {step.hours.zone}",
        press_one=step.press_one,
        reason=reason,
        sentence=reason.sentence if reason else "",
    )


def _call(record: CallRecord) -> CallOut:
    return CallOut(
        call_id=record.call_id,
        ended_at=record.ended_at,
        did=record.did,
        trunk=record.trunk,
        scope=record.scope,
        caller=shown_caller(record.caller),
        decision=record.decision,
        path=record.path,
        reason=record.reason,
        step=record.step,
        answered_by=record.answered_by,
        result=record.result,
        platform_status=record.platform_status,
        duration_ms=record.duration_ms,
        ringing_after_ms=record.ringing_after_ms,
        would=_would(record),
    )


def _would(record: CallRecord) -> WouldOut | None:
    would = read_would(record.would)
    if would is None:
        return None
    return WouldOut(
        diverted=would.diverted,
        path=would.path,
        reason=would.reason,
        answered_by=would.answered_by,
        step=would.step,
    )


def _history_row(row: HistoryRow) -> HistoryRowOut:
    sentence = Reason(row.reason).sentence if row.reason in list(Reason) else ""
    return HistoryRowOut(
        at=row.at,
        scope=row.scope,
        before=row.before,
        after=row.after,
        reason=row.reason,
        sentence=sentence,
        evidence=list(row.evidence),
        shadow=NOTHING_DONE in row.evidence,
        who=row.who,
        why=row.why,
    )
