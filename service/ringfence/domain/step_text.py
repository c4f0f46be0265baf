"""A plan's steps as text: `type:target:ring_seconds:hours:press_one`, the last two only where they say something."""

from __future__ import annotations

import re
from typing import Final

from ringfence.domain.directory import MAX_RING_SECONDS, MIN_RING_SECONDS, why_not_announcement
from ringfence.domain.numbers import is_e164
from ringfence.domain.record_text import RecordError, count_of, member_of
from ringfence.domain.ring_hours import DAY_MINUTES, RingHours
from ringfence.domain.route_plan import MAX_STEPS, NUMBERS, Step, StepKind

_HOURS = re.compile(r"([0-2][0-9])([0-5][0-9])~([0-2][0-9])([0-5][0-9])~([1-7]{1,7})~([A-Za-z0-9/_+-]{1,40})")
_TARGETS: Final = {
    StepKind.TEAM: re.compile(r"[0-9]{1,2}/[0-9a-f]{8}"),
    StepKind.OPENING: re.compile(r"[0-9a-f]{8}"),
    StepKind.VOICEMAIL: re.compile(r"[0-9]{1,15}@[A-Za-z0-9_-]{1,32}"),
}
PRESS_ONE: Final = "1"


def why_not_mailbox(text: str) -> str | None:
    """Why a text cannot name a voicemail box; None when it can."""
    if _TARGETS[StepKind.VOICEMAIL].fullmatch(text):
        return None
    return "is no voicemail box; write its number and its context, as 600@default"


def encode_hours(hours: RingHours) -> str:
    """The fourth part of a step."""
    begins, ends = (f"{minutes // 60:02d}{minutes % 60:02d}" for minutes in (hours.begins, hours.ends))
    days = "".join(str(day) for day in sorted(hours.days))
    return f"{begins}~{ends}~{days}~{hours.zone}"


def decode_hours(text: str) -> RingHours:
    """Raises RecordError. Whether the zone is one is not asked: Asterisk has zones of its own."""
    found = _HOURS.fullmatch(text)
    if found is None:
        raise RecordError("the hours are not begins~ends~days~zone")
    begins, ends = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if begins >= DAY_MINUTES or not 0 < ends <= DAY_MINUTES or begins == ends:
        raise RecordError("the hours are no span of a day")
    return RingHours(begins, ends, found[6], frozenset(int(day) for day in found[5]))


def encode_steps(steps: tuple[Step, ...]) -> str:
    """A plan; it ends in an announcement."""
    assert 1 <= len(steps) <= MAX_STEPS
    assert steps[-1].kind is StepKind.ANNOUNCEMENT
    return ",".join(encode_step(step) for step in steps)


def encode_step(step: Step) -> str:
    """One step; `decode_step` reads it back."""
    text = f"{step.kind}:{step.target}:{step.ring_seconds}"
    hours = "" if step.hours is None else encode_hours(step.hours)
    if step.press_one:
        return f"{text}:{hours}:{PRESS_ONE}"
    return f"{text}:{hours}" if hours else text


def decode_steps(text: str) -> tuple[Step, ...]:
    """Raises RecordError."""
    steps = tuple(decode_step(part) for part in text.split(","))
    if len(steps) > MAX_STEPS:
        raise RecordError(f"a plan has {len(steps)} steps, at most {MAX_STEPS} are allowed")
    if steps[-1].kind is not StepKind.ANNOUNCEMENT:
        raise RecordError("a plan does not end in an announcement")
    return steps


def decode_step(text: str) -> Step:
    """Raises RecordError."""
    parts = text.split(":")
    if not 3 <= len(parts) <= 5:
        raise RecordError(
            "a step is not type:target:ring_seconds, with hours and press_one behind where they are needed"
        )
    kind, target, ring_seconds = (
        member_of(StepKind, parts[0], "step type"),
        parts[1],
        count_of(parts[2], "ring_seconds"),
    )
    hours = decode_hours(parts[3]) if len(parts) > 3 and not (len(parts) == 5 and not parts[3]) else None
    if len(parts) == 5 and (parts[4] != PRESS_ONE or kind is not StepKind.PERSON):
        raise RecordError("only a person's step says press_one, and only as 1")
    step = Step(kind, target, ring_seconds, hours, press_one=len(parts) == 5)
    if (fault := _why_not(step)) is not None:
        raise RecordError(fault)
    return step


def _why_not(step: Step) -> str | None:
    rings = MIN_RING_SECONDS <= step.ring_seconds <= MAX_RING_SECONDS
    if step.kind in NUMBERS:
        needs = f"a number step needs an E.164 target and ring_seconds {MIN_RING_SECONDS} to {MAX_RING_SECONDS}"
        return None if is_e164(step.target) and rings else needs
    if step.hours is not None:
        return "only a number step has hours"
    if step.kind is StepKind.ANNOUNCEMENT:
        plain = why_not_announcement(step.target) is None and step.ring_seconds == 0
        return None if plain else "an announcement step needs a plain name and ring_seconds 0"
    if not _TARGETS[step.kind].fullmatch(step.target):
        return f"the target of a {step.kind.name.lower()} step is not of its form"
    if rings != (step.kind is StepKind.TEAM):
        return f"only what rings has ring_seconds, {MIN_RING_SECONDS} to {MAX_RING_SECONDS}; else they are 0"
    return None
