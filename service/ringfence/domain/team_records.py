"""What the dialplan is told of team lines and of sites' opening hours, as `docs/reference/astdb.md` promises it.

A team's record lists its members' slots; a member lies in a key of its own. So a record stays short, and what a call
reads is whole at every moment: a slot is written before it is listed, and removed after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from ringfence.domain.record_text import (
    MAX_RECORD_BYTES,
    SCHEMA_VERSION,
    RecordError,
    count_of,
    fields_of,
    member_of,
)
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Step, StepKind
from ringfence.domain.step_text import decode_hours, decode_step, decode_steps, encode_hours, encode_step, encode_steps
from ringfence.domain.team import MAX_MEMBERS, Strategy, record_id

TEAM_BUCKETS: Final = 64
SITE_FAMILY: Final = "site"

_SLOT = re.compile(r"[0-9a-f]{8}")
_DAY = re.compile(r"[1-9][0-9]{7}")


@dataclass(frozen=True, slots=True)
class TeamRecord:
    """`team/<bucket>/<id>`. `slots` in the order in which members are rung; the other fields are those of `Team`."""

    strategy: Strategy
    ring_seconds: int
    wait_seconds: int
    max_waiting: int
    floor: int
    slots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OpeningRecord:
    """`site/<id>`. Open on no holiday, within any of `spans`. `plan` takes over when it is closed."""

    spans: tuple[RingHours, ...]
    holidays: tuple[date, ...]
    plan: tuple[Step, ...]


def team_target(name: str) -> str:
    """A team step's target, `<bucket>/<id>`: the team's key below `team`."""
    identity = record_id(name)
    return f"{int(identity, 16) % TEAM_BUCKETS}/{identity}"


def team_path(name: str) -> str:
    """The key of a team's record below the family `ringfence`."""
    return f"team/{team_target(name)}"


def member_path(name: str, slot: str) -> str:
    """The key of a member of the team of this name."""
    return f"{team_path(name)}.{slot}"


def is_member(path: str) -> bool:
    """Whether a key is a member's: no other key below `team` holds a full stop."""
    return path.startswith("team/") and "." in path


def site_path(name: str) -> str:
    """The key of a site's opening hours."""
    return f"{SITE_FAMILY}/{record_id(name)}"


def team_families() -> Iterator[str]:
    """Every piece in which teams and sites lie."""
    yield SITE_FAMILY
    for bucket in range(TEAM_BUCKETS):
        yield f"team/{bucket}"


def encode_team(record: TeamRecord) -> str:
    """The value of `team/<bucket>/<id>`."""
    counts = (record.ring_seconds, record.wait_seconds, record.max_waiting, record.floor)
    return "|".join((SCHEMA_VERSION, record.strategy, *map(str, counts), ",".join(record.slots)))


def decode_team(text: str) -> TeamRecord:
    """Raises RecordError."""
    strategy, ring, wait, waiting, floor, slots_text = fields_of(text, 6)
    slots = tuple(slots_text.split(",")) if slots_text else ()
    if len(slots) > MAX_MEMBERS or not all(map(_SLOT.fullmatch, slots)):
        raise RecordError(f"the slots are not at most {MAX_MEMBERS} of eight hexadecimal digits")
    return TeamRecord(
        strategy=member_of(Strategy, strategy, "strategy"),
        ring_seconds=count_of(ring, "ring_seconds"),
        wait_seconds=count_of(wait, "wait_seconds"),
        max_waiting=count_of(waiting, "max_waiting"),
        floor=count_of(floor, "floor"),
        slots=slots,
    )


def encode_member(steps: tuple[Step, ...]) -> str:
    """The value of `team/<bucket>/<id>.<slot>`: a member's numbers, of which the first that may ring now is rung."""
    assert steps
    text = f"{SCHEMA_VERSION}|{','.join(map(encode_step, steps))}"
    assert len(text) <= MAX_RECORD_BYTES
    return text


def decode_member(text: str) -> tuple[Step, ...]:
    """Raises RecordError."""
    (steps_text,) = fields_of(text, 1)
    steps = tuple(map(decode_step, steps_text.split(",")))
    if any(step.kind is not StepKind.PERSON for step in steps):
        raise RecordError("a member's steps are a person's numbers")
    return steps


def encode_opening(record: OpeningRecord) -> str:
    """The value of `site/<id>`."""
    spans = ";".join(map(encode_hours, record.spans))
    holidays = ";".join(f"{day:%Y%m%d}" for day in record.holidays)
    text = f"{SCHEMA_VERSION}|{spans}|{holidays}|{encode_steps(record.plan)}"
    assert len(text) <= MAX_RECORD_BYTES
    return text


def decode_opening(text: str) -> OpeningRecord:
    """Raises RecordError."""
    spans, holidays, plan = fields_of(text, 3)
    return OpeningRecord(
        spans=tuple(decode_hours(span) for span in spans.split(";")),
        holidays=tuple(_day(day) for day in holidays.split(";") if day),
        plan=decode_steps(plan),
    )


def _day(text: str) -> date:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise RecordError("a holiday is not YYYYMMDD")
