"""Why a call went where it went, in words: made from what the dialplan tells at its end (docs/reference/events.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.numbers import mask
from ringfence.domain.shadow import read_would
from ringfence.web.pages.texts import N_

PATHS: Final[Mapping[str, str]] = {
    "platform": N_("It went to the platform."),
    "transparent": N_("It went to the platform as if Ringfence were not there."),
    "site": N_("It went on in the site's own dialplan."),
    "inline": N_("The platform failed on this very call, so it went to the plan."),
    "undeliverable": N_("The platform works and would not reach the person, so it went to the plan for that."),
    "divert": N_("It went to the plan at once."),
    "rescued": N_("It went to the platform, which died in mid-call; the caller went on to the plan."),
    "trial": N_("The platform was on trial."),
    "refused": N_("It went nowhere: the number that was dialled is not clean."),
}

REASONS: Final[Mapping[str, str]] = {
    "scope-normal": N_("The platform was in normal mode."),
    "scope-pinned": N_("Somebody had forced normal mode."),
    "scope-divert": N_("The platform was in DR mode."),
    "scope-trial": N_("The platform was being tried after an outage."),
    "forced-divert": N_("Somebody had moved this DID to DR."),
    "forced-pinned": N_("Somebody had forced this DID to the platform."),
    "shadow": N_("Shadow mode: nothing is done to calls."),
    "no-record": N_("Asterisk holds no record for this DID."),
    "platform-failure": N_("The platform gave no usable answer."),
    "platform-leg-died": N_("The platform was down and nothing more came from it."),
    "preempted": N_("An emergency call needed its channel, and all were taken."),
    "platform-undeliverable": N_("The platform said that it cannot reach the person."),
    "out-of-hours": N_("The site was closed: it was outside its opening hours."),
    "holiday": N_("The site was closed: it was a holiday."),
    "looped": N_("The call had been out through us before: it would have gone round in a circle."),
    "number-not-clean": N_("The number held what no number holds."),
    "no-extension": N_("The site's own dialplan has no such extension."),
}

RESULTS: Final[Mapping[str, str]] = {
    "answered": N_("answered"),
    "cancelled": N_("the caller gave up"),
    "busy": N_("busy"),
    "declined": N_("declined"),
    "unanswered": N_("not answered"),
    "undeliverable": N_("undeliverable"),
    "failure": N_("failed"),
    "refused": N_("refused"),
    "unknown": N_("unknown"),
}

ANSWERED: Final[Mapping[AnsweredBy, str]] = {
    AnsweredBy.PLATFORM: N_("by the platform"),
    AnsweredBy.PERSON: N_("by a default number"),
    AnsweredBy.SITE: N_("by the site's fallback"),
    AnsweredBy.TEAM: N_("by a member of the team"),
    AnsweredBy.VOICEMAIL: N_("by the voicemail"),
    AnsweredBy.ANNOUNCEMENT: N_("by an announcement"),
    AnsweredBy.DIALPLAN: N_("by the site's own dialplan"),
    AnsweredBy.NOBODY: N_("by nobody"),
}


WOULD: Final[Mapping[AnsweredBy, str]] = {
    AnsweredBy.PERSON: N_("Live, a default number would have been rung"),
    AnsweredBy.SITE: N_("Live, the site's fallback would have been rung"),
    AnsweredBy.TEAM: N_("Live, the team would have been rung"),
    AnsweredBy.VOICEMAIL: N_("Live, the voicemail would have taken it"),
    AnsweredBy.ANNOUNCEMENT: N_("Live, the caller would have heard an announcement"),
    AnsweredBy.PLATFORM: N_("Live, it would have gone the same way"),
    AnsweredBy.DIALPLAN: N_("Live, it would have gone the same way"),
    AnsweredBy.NOBODY: N_("Live, nobody would have been rung"),
}
SAME_WAY: Final = WOULD[AnsweredBy.PLATFORM]


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call as a page shows it: the caller masked, empty where they withheld their number. The words are translated
    where they are shown. `would`: in shadow mode what would have become of it, else empty."""

    call_id: str
    ended_at: datetime
    did: str
    caller: str
    result: str
    answered: str
    path: str
    reason: str
    step: int
    platform_status: int | None
    seconds: int
    would: str
    would_step: int


def line_of(record: CallRecord) -> CallLine:
    would = read_would(record.would)
    return CallLine(
        call_id=record.call_id,
        ended_at=record.ended_at,
        did=record.did,
        caller=mask(record.caller) if record.caller else "",
        result=RESULTS.get(record.result, record.result),
        answered=ANSWERED[record.answered_by],
        path=PATHS.get(record.path, record.path),
        reason=REASONS.get(record.reason, record.reason),
        step=record.step,
        platform_status=record.platform_status,
        seconds=round(record.duration_ms / 1000),
        would="" if would is None else WOULD[would.answered_by] if would.diverted else SAME_WAY,
        would_step=0 if would is None else would.step,
    )
