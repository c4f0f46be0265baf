"""GET shadow: what would have happened in a time in shadow mode."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query

from ringfence.app.operator import OrderRefused
from ringfence.app.shadow_report import ShadowDesk, ShadowReport
from ringfence.domain.reasons import Reason
from ringfence.domain.shadow_report import MAX_NAMED, CallTally, WouldBeOutage
from ringfence.domain.verdict import VerdictState
from ringfence.web.durations import PATTERN, parse_duration
from ringfence.web.errors import declared
from ringfence.web.shadow_models import (
    CallsSumOut,
    CheckOut,
    CountedOut,
    HourOut,
    ShadowOut,
    SpanOut,
    VerdictTimeOut,
    WouldBeOutageOut,
)

MAX_PAST: Final = timedelta(days=366)

Since = Annotated[
    str,
    Query(
        max_length=8,
        description="how far back, as 12h or 7d; at most 366d",
        json_schema_extra={"pattern": PATTERN},
        examples=["7d"],
    ),
]


def routes(desk: ShadowDesk) -> APIRouter:
    router = APIRouter(tags=["shadow"])

    @router.get("/shadow", responses=declared(503), operation_id="shadow")
    async def shadow(since: Since = "7d") -> ShadowOut:
        """Outages that would have been declared, calls that would have been diverted, and what to mend before going
        live."""
        return shadow_out(await desk.report(_past(since)))

    return router


def _past(text: str) -> timedelta:
    """Raises OrderRefused."""
    try:
        past = parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise OrderRefused("since", str(error), "Write it as 12h or 7d.") from error
    if past > MAX_PAST:
        raise OrderRefused("since", "is too long ago", f"At most {MAX_PAST.days}d.")
    return past


def shadow_out(report: ShadowReport) -> ShadowOut:
    states = list(VerdictState)
    return ShadowOut(
        in_shadow=report.in_shadow,
        since=report.since,
        until=report.until,
        seconds=report.seconds,
        spans=[SpanOut(begins=begins, ends=ends) for begins, ends in report.spans],
        outages=[_outage(outage, report) for outage in report.outages],
        calls=_calls(report.calls),
        verdicts=[
            VerdictTimeOut(scope=scope, verdict=VerdictState(word), seconds=time.seconds, times=time.times)
            for (scope, word), time in sorted(report.verdicts.items())
            if word in states
        ],
        checks=[CheckOut(ok=check.ok, words=check.words, fix=check.fix) for check in report.checks],
        ready=report.ready,
    )


def _outage(outage: WouldBeOutage, report: ShadowReport) -> WouldBeOutageOut:
    return WouldBeOutageOut(
        scope=outage.scope,
        began=outage.began,
        ended=outage.ended,
        seconds=((outage.ended or report.until) - outage.began).total_seconds(),
        reason=outage.reason,
        sentence=Reason(outage.reason).sentence if outage.reason in list(Reason) else "",
        evidence=list(outage.evidence),
        calls=outage.calls,
        answered=outage.answered,
        failed=outage.failed,
        perhaps_false=outage.perhaps_false,
    )


def _calls(tally: CallTally) -> CallsSumOut:
    return CallsSumOut(
        calls=tally.calls,
        not_judged=tally.not_judged,
        failed=tally.failed,
        diverted=tally.diverted,
        saved=tally.saved,
        slow=tally.slow,
        outward=tally.outward,
        outward_talked=tally.outward_talked,
        outward_minutes=math.ceil(tally.outward_seconds / 60),
        by_trunk=_counted(tally.by_trunk),
        by_step=_counted(tally.by_step),
        by_reason=_counted(tally.by_reason),
        by_hour=[HourOut(at=hour, calls=calls) for hour, calls in sorted(tally.by_hour.items())],
        to_announcement=_counted(tally.to_nobody),
        not_in_directory=_counted(tally.not_ours),
        not_read=_counted(tally.unread),
    )


def _counted(counted: Counter[str]) -> list[CountedOut]:
    """The most frequent first."""
    return [CountedOut(name=name, calls=calls) for name, calls in counted.most_common(MAX_NAMED)]
