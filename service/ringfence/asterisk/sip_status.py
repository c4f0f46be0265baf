"""What a SIP status says about the leg that ended with it: the one classification table.

The dialplan's copy, `asterisk-conf/extensions_ringfence_status.conf`, is generated from here; a
unit test keeps both equal. The daemon's judgement of call outcomes reads the same table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class LegResult(Enum):
    """How a leg ended that was not answered."""

    FAILURE = "failure"
    """The far end failed: the call goes on to the full plan, or to the next egress trunk."""
    UNDELIVERABLE = "undeliverable"
    """The far end works but will not reach this person: the undeliverable plan."""
    BUSY = "busy"
    DECLINED = "declined"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class StatusRule:
    """One row. `pattern` is a status, or a class as `4XX`; the exact status wins."""

    pattern: str
    result: LegResult
    why: str
    after_ringing: LegResult | None = None
    """Where ringing before the status changes its meaning."""


F, U = LegResult.FAILURE, LegResult.UNDELIVERABLE
RANG = LegResult.UNANSWERED

RULES: tuple[StatusRule, ...] = (
    StatusRule("3XX", U, "it answers, but sends the caller elsewhere; redirects are never followed", RANG),
    StatusRule("403", U, "refuses this number; every number refused becomes a verdict", RANG),
    StatusRule("404", U, "does not know this number", RANG),
    StatusRule("408", F, "its own far side timed out; after ringing it is a ring-out", RANG),
    StatusRule("410", U, "the number is gone", RANG),
    StatusRule("433", LegResult.DECLINED, "the person takes no anonymous calls"),
    StatusRule("480", U, "logged off or do not disturb; after ringing it is a ring-out", RANG),
    StatusRule("484", U, "finds the number incomplete", RANG),
    StatusRule("485", U, "finds the number ambiguous", RANG),
    StatusRule("486", LegResult.BUSY, "the person is busy"),
    StatusRule("487", F, "ended an INVITE nobody cancelled; after ringing it is a ring-out", RANG),
    # Includes 400, 401, 402, 405-407, 413-416, 420-423, 428-439, 469, 470, 481-483, 488, 489, 491, 493,
    # 494: it could not agree with *us* on credentials, syntax, codecs, extensions or route. None of
    # that is the person's doing, so the person's calls must not be lost by it.
    StatusRule("4XX", F, "could not work with our request"),
    StatusRule("5XX", F, "says itself that it failed"),
    StatusRule("600", LegResult.BUSY, "busy on every device"),
    StatusRule("604", U, "exists nowhere", RANG),
    StatusRule("606", F, "no common codec or bandwidth, as 488"),
    # 603, 607 (unwanted), 608 (rejected) and what may yet come: a global refusal of this caller.
    StatusRule("6XX", LegResult.DECLINED, "the person, or a filter on the person's behalf, declined"),
)

_BY_PATTERN = {rule.pattern: rule for rule in RULES}


def rule_of(status: int) -> StatusRule:
    """The row for a final status from 300 to 699; anything else has no row and is a bug."""
    exact = _BY_PATTERN.get(str(status))
    return exact if exact is not None else _BY_PATTERN[f"{status // 100}XX"]


def classify(status: int | None, *, rang: bool) -> LegResult:
    """Without a final status: rang until its time was up, or there was no answer at all."""
    if status is None or status < 300:
        return LegResult.UNANSWERED if rang else LegResult.FAILURE
    rule = rule_of(status)
    return rule.after_ringing if rang and rule.after_ringing is not None else rule.result


def render_status_dialplan() -> str:
    """The text of `asterisk-conf/extensions_ringfence_status.conf`."""
    lines = [
        "; GENERATED from service/ringfence/asterisk/sip_status.py; a unit test keeps both equal.",
        ";   python -m ringfence.asterisk.sip_status > asterisk-conf/extensions_ringfence_status.conf",
        "",
        "[ringfence-status]",
    ]
    lines += [_line(rule, rule.result) for rule in RULES]
    lines += [
        "",
        "; The far end had rung: only what means something else then. Asterisk looks here first, and a",
        "; pattern here beats an exact status in what is included; both have a row, so none is hidden.",
        "[ringfence-status-rang]",
        "include => ringfence-status",
    ]
    lines += [_line(rule, rule.after_ringing) for rule in RULES if rule.after_ringing is not None]
    return "\n".join([*lines, ""])


def _line(rule: StatusRule, result: LegResult) -> str:
    pattern = f"_{rule.pattern}" if rule.pattern.endswith("XX") else rule.pattern
    return f"{f'exten => {pattern},1,Return({result.value})':<40}; {rule.why}"


if __name__ == "__main__":
    print(render_status_dialplan(), end="")  # noqa: T201
