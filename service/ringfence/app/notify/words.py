"""Rows of history in the words people get: what is so, since when, why, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ringfence.app.notify.ports import Untold
from ringfence.app.ports import OutageChange
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.outage import Mode
from ringfence.domain.reasons import Reason
from ringfence.domain.target_words import target_words

OVERRIDE: Final = "override"  # the signal of a person's word
STORED: Final = "stored"  # the signal of a state without a change

_MODES: Final = {
    Mode.FAILED_OVER: (
        Severity.CRITICAL,
        "calls go to default numbers (DR mode)",
        "Nothing has to be done for the calls. Find out what is wrong with the platform; `ringfence status` shows the "
        "evidence, `ringfence incident list` names the incident with its timeline and its call-back list.",
    ),
    Mode.HOLD_DOWN: (
        Severity.INFO,
        "the platform answers again; calls still go to default numbers",
        "Nothing has to be done: Ringfence waits out the hold-down, then tries the platform with a few calls.",
    ),
    Mode.TRIAL: (
        Severity.INFO,
        "a few calls try the platform, the others still go to default numbers",
        "Nothing has to be done. `ringfence status` shows how the trial goes.",
    ),
    Mode.NORMAL: (
        Severity.WARNING,  # so that a route of what is loud hears the end of what it heard begin
        "calls go to the platform again",
        "Nothing has to be done for the calls. `ringfence incident list` names the incident; `ringfence incident "
        "missed` with its number lists whom nobody could reach.",
    ),
}

_WORDS: Final = {
    "dr": "calls are forced to default numbers",
    "normal": "calls are forced to the platform",
    "freeze": "the automatic is frozen",
}


def notice_of(row: Untold) -> Notice | None:
    """None: nothing that people would call news."""
    if row.signal == STORED:
        return None
    if row.signal == OVERRIDE:
        return _word(row)
    return _mode(row) if row.before != row.after else None


def row_of(change: OutageChange) -> Untold | None:
    """A mode change that is not stored yet as the row of history it will be; None for everything else."""
    moved = change.transition
    if moved is None:
        return None
    return Untold(
        id=0,
        key=change.key,
        at=moved.at.wall,
        scope=moved.scope,
        before=moved.before,
        after=moved.after,
        signal=moved.signal,
        reason=moved.reason,
        who=change.who,
        why=change.why,
        evidence=moved.evidence,
    )


def _mode(row: Untold) -> Notice | None:
    try:
        severity, words, to_do = _MODES[Mode(row.after)]
    except ValueError:
        return None  # a newer version's mode: its own daemon tells it
    lines = [f"platform {row.scope}: {words}, since {moment(row.at)}, because {sentence(row.reason)}."]
    if row.why:
        lines.append(f"Said by {row.who}: {row.why}")
    lines += [to_do, *(f"- {one}" for one in row.evidence)]
    return Notice(
        key=f"transition:{row.key}",
        kind=NoticeKind.MODE,
        severity=severity,
        at=row.at,
        title=f"platform {row.scope}: {words}",
        text="\n".join(lines),
        scope=row.scope,
    )


def _word(row: Untold) -> Notice:
    """Of a DID, a site or a team no platform is known here: such a notice is about none."""
    target = _target(row.scope)
    is_scope = ":" not in row.scope and row.scope != "everything"
    if row.after in _WORDS:
        kind, title = NoticeKind.OVERRIDE, f"{target}: {_WORDS[row.after]} by {row.who}"
        text = (
            f"{target}: {_WORDS[row.after]} since {moment(row.at)} by {row.who}. Why: {row.why or 'no reason given'}.\n"
            "The automatic does not decide there until the override ends; `ringfence status` shows when."
        )
    else:
        expired = row.reason == Reason.OVERRIDE_EXPIRED
        how = "has reached its end" if expired else f"was released by {row.who}"
        kind = NoticeKind.OVERRIDE_ENDS
        title = f"{target}: the override {how}"
        why = f" Why: {row.why}." if row.why and not expired else ""
        text = (
            f"{target}: the override ({row.before}) {how} at {moment(row.at)}.{why}\n"
            "The automatic decides again; `ringfence status` shows what it decided."
        )
    severity = Severity.WARNING if kind is NoticeKind.OVERRIDE else Severity.INFO
    return Notice(
        key=f"transition:{row.key}",
        kind=kind,
        severity=severity,
        at=row.at,
        title=title,
        text=text,
        scope=row.scope if is_scope else "",
    )


def _target(scope: str) -> str:
    if scope == "everything":
        return "all platforms"
    return target_words(scope) if ":" in scope else f"platform {scope}"


def sentence(reason: str) -> str:
    """An unknown one is a newer version's: its name is better than nothing."""
    return Reason(reason).sentence if reason in list(Reason) else reason.replace("_", " ")


def moment(at: datetime) -> str:
    """In UTC: a notice is read in more than one time zone."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
