"""The text of every value in AstDB, exactly as `docs/reference/astdb.md` promises it to the dialplan.

Encoding asserts what the rest of the domain guarantees; decoding trusts nothing, for an AstDB can hold
anything, and raises RecordError with the fault. `route_table` holds many of these; `ringfence explain` reads
back one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from ringfence.domain.directory import (
    MAX_RING_SECONDS,
    MIN_RING_SECONDS,
    LineKind,
    why_not_announcement,
    why_not_scope,
)
from ringfence.domain.numbers import is_e164
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.ring_hours import DAY_MINUTES, RingHours
from ringfence.domain.route_plan import MAX_STEPS, RoutePlan, Step, StepKind

SCHEMA_VERSION: Final = "1"
MAX_RECORD_BYTES: Final = 900  # AMI refuses a line from about 1,020 bytes
MAX_ONE_IN: Final = 100

_SEPARATORS = re.compile(r"[|,:]")
_HOURS = re.compile(r"([0-2]\d)([0-5]\d)~([0-2]\d)([0-5]\d)~([1-7]{1,7})~([A-Za-z0-9/_+-]{1,40})")
_COUNT = re.compile(r"0|[1-9][0-9]{0,14}")


class RecordError(ValueError):
    """A value that cannot be read. The dialplan treats it as absent; people are told why."""


class Forced(StrEnum):
    """A person's word for one DID alone; beats its scope's decision."""

    NONE = "-"
    DIVERT = "divert"
    PINNED = "pinned"


@dataclass(frozen=True, slots=True)
class RouteRecord:
    """One DID's record, or a trunk's fallback record: all that the dialplan knows of it."""

    scope: str
    kind: LineKind
    critical: bool
    plan: tuple[Step, ...]
    undeliverable: tuple[Step, ...]
    forced: Forced = Forced.NONE


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """`mode/<scope>`. `one_in` is 1 to 100 in a trial and 0 otherwise; `unix_time` is when the decision
    began."""

    decision: Decision
    one_in: int
    mode: Mode
    override: OverrideKind | None
    unix_time: int


@dataclass(frozen=True, slots=True)
class TableRecord:
    """`table`. `unix_time` is when the table was last verified equal to the directory; `rows` counts DID
    records."""

    generation: int
    unix_time: int
    rows: int


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """`node`: who publishes to this Asterisk."""

    node_id: str
    node_name: str
    unix_time: int


def record_of(plan: RoutePlan, forced: Forced = Forced.NONE) -> RouteRecord:
    """What a plan leaves in AstDB: its steps without their reasons."""
    return RouteRecord(
        scope=plan.scope,
        kind=plan.kind,
        critical=plan.critical,
        plan=tuple(planned.step for planned in plan.plan),
        undeliverable=tuple(planned.step for planned in plan.undeliverable),
        forced=forced,
    )


def encode_route(record: RouteRecord) -> str:
    """The value of `did/<bucket>/<E.164>` and `fallback/<trunk>`."""
    text = "|".join(
        (
            SCHEMA_VERSION,
            record.scope,
            record.forced,
            record.kind,
            "1" if record.critical else "0",
            _encode_steps(record.plan),
            _encode_steps(record.undeliverable),
        )
    )
    # Names and steps are bounded so that even the longest record fits; a test compiles that one.
    assert len(text.encode()) <= MAX_RECORD_BYTES
    return text


def with_forced(text: str, forced: Forced) -> str:
    """A record that `encode_route` made, with another forced mode: a thousand of them cost a millisecond."""
    version, scope, _, rest = text.split("|", 3)
    return f"{version}|{scope}|{forced}|{rest}"


def decode_route(text: str) -> RouteRecord:
    """Raises RecordError."""
    if len(text.encode(errors="replace")) > MAX_RECORD_BYTES:
        raise RecordError(f"the record is longer than {MAX_RECORD_BYTES} bytes")
    scope, forced, kind, critical, plan, undeliverable = _fields(text, 6)
    if (fault := why_not_scope(scope)) is not None:
        raise RecordError(f"the scope {fault}")
    steps, undeliverable_steps = _decode_steps(plan), _decode_steps(undeliverable)
    if any(step.kind is StepKind.PERSON for step in undeliverable_steps):
        raise RecordError("the undeliverable plan holds a private number")
    return RouteRecord(
        scope=scope,
        kind=_member(LineKind, kind, "line kind"),
        critical=_flag(critical),
        plan=steps,
        undeliverable=undeliverable_steps,
        forced=_member(Forced, forced, "forced mode"),
    )


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


def encode_mode(record: ModeRecord) -> str:
    """The value of `mode/<scope>`."""
    assert (record.decision is Decision.TRIAL) == (1 <= record.one_in <= MAX_ONE_IN)
    override = "-" if record.override is None else record.override
    return f"{SCHEMA_VERSION}|{record.decision}|{record.one_in}|{record.mode}|{override}|{record.unix_time}"


def decode_mode(text: str) -> ModeRecord:
    """Raises RecordError."""
    decision_text, one_in_text, mode, override, unix_time = _fields(text, 5)
    decision, one_in = _member(Decision, decision_text, "decision"), _count(one_in_text, "one_in")
    if (decision is Decision.TRIAL) != (1 <= one_in <= MAX_ONE_IN):
        raise RecordError(f"one_in must be 1 to {MAX_ONE_IN} in a trial and 0 otherwise")
    return ModeRecord(
        decision=decision,
        one_in=one_in,
        mode=_member(Mode, mode, "mode"),
        override=None if override == "-" else _member(OverrideKind, override, "override"),
        unix_time=_count(unix_time, "unix_time"),
    )


def encode_egress(up: bool) -> str:
    """The value of `egress/<trunk>`."""
    return f"{SCHEMA_VERSION}|{'up' if up else 'down'}"


def encode_table(record: TableRecord) -> str:
    """The value of `table`."""
    return f"{SCHEMA_VERSION}|{record.generation}|{record.unix_time}|{record.rows}"


def decode_table(text: str) -> TableRecord:
    """Raises RecordError."""
    generation, unix_time, rows = _fields(text, 3)
    return TableRecord(_count(generation, "generation"), _count(unix_time, "unix_time"), _count(rows, "rows"))


def encode_node(record: NodeRecord) -> str:
    """The value of `node`. Characters that would break the record are taken out of the name: it is for
    people."""
    name = "".join(c for c in record.node_name if c.isprintable() and not _SEPARATORS.match(c)).strip()[:64]
    assert not _SEPARATORS.search(record.node_id)
    return f"{SCHEMA_VERSION}|{record.node_id}|{name}|{record.unix_time}"


def decode_node(text: str) -> NodeRecord:
    """Raises RecordError."""
    node_id, node_name, unix_time = _fields(text, 3)
    if not node_id:
        raise RecordError("the node id is empty")
    return NodeRecord(node_id, node_name, _count(unix_time, "unix_time"))


def _encode_steps(steps: tuple[Step, ...]) -> str:
    assert 1 <= len(steps) <= MAX_STEPS
    assert steps[-1].kind is StepKind.ANNOUNCEMENT
    return ",".join(_encode_step(step) for step in steps)


def _encode_step(step: Step) -> str:
    text = f"{step.kind}:{step.target}:{step.ring_seconds}"
    return text if step.hours is None else f"{text}:{encode_hours(step.hours)}"


def _decode_steps(text: str) -> tuple[Step, ...]:
    steps = tuple(_decode_step(part) for part in text.split(","))
    if len(steps) > MAX_STEPS:
        raise RecordError(f"a plan has {len(steps)} steps, at most {MAX_STEPS} are allowed")
    if steps[-1].kind is not StepKind.ANNOUNCEMENT:
        raise RecordError("a plan does not end in an announcement")
    return steps


def _decode_step(text: str) -> Step:
    parts = text.split(":")
    if not 3 <= len(parts) <= 4:
        raise RecordError("a step is not type:target:ring_seconds or type:target:ring_seconds:hours")
    hours = decode_hours(parts[3]) if len(parts) == 4 else None
    kind, target, ring_seconds = (
        _member(StepKind, parts[0], "step type"),
        parts[1],
        _count(parts[2], "ring_seconds"),
    )
    if kind is StepKind.ANNOUNCEMENT:
        if why_not_announcement(target) is not None or ring_seconds != 0 or hours is not None:
            raise RecordError("an announcement step needs a plain name, ring_seconds 0 and no hours")
    elif not is_e164(target) or not MIN_RING_SECONDS <= ring_seconds <= MAX_RING_SECONDS:
        raise RecordError(
            f"a number step needs an E.164 target and ring_seconds {MIN_RING_SECONDS} to {MAX_RING_SECONDS}"
        )
    return Step(kind, target, ring_seconds, hours)


def _fields(text: str, count: int) -> list[str]:
    version, *fields = text.split("|")
    if version != SCHEMA_VERSION:
        raise RecordError(f"the schema version is not {SCHEMA_VERSION}")
    if len(fields) != count:
        raise RecordError(f"the record has {len(fields)} fields after the version instead of {count}")
    return fields


_Member = TypeVar("_Member", bound=StrEnum)


def _member(kind: type[_Member], text: str, what: str) -> _Member:
    try:
        return kind(text)
    except ValueError:
        raise RecordError(f"the {what} is none of {', '.join(kind)}") from None


def _count(text: str, what: str) -> int:
    if not _COUNT.fullmatch(text):
        raise RecordError(f"{what} is not a whole number")
    return int(text)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise RecordError("critical is neither 0 nor 1")
    return text == "1"
