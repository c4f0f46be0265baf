"""The text of every value in AstDB, exactly as `docs/reference/astdb.md` promises it to the dialplan.

Encoding asserts what the rest of the domain guarantees; decoding trusts nothing, for an AstDB can hold
anything, and raises RecordError with the fault. `route_table` holds many of these; `ringfence explain` reads
back one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ringfence.domain.directory import LineKind, why_not_scope
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.record_text import (
    MAX_RECORD_BYTES,
    SCHEMA_VERSION,
    RecordError,
    count_of,
    fields_of,
    flag_of,
    member_of,
)
from ringfence.domain.route_plan import PRIVATE, RoutePlan, Step
from ringfence.domain.step_text import decode_steps, encode_steps

MAX_ONE_IN: Final = 100

SHADOW_MARK: Final = "shadow"
"""The last field of a mode that moves no call. Every dialplan so far takes its decision for what it is, `pinned`."""

_SEPARATORS = re.compile(r"[|,:]")
_NODE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_NODE_NAME_CHARACTERS: Final = 64


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
    began. `shadow`: nothing is done to calls."""

    decision: Decision
    one_in: int
    mode: Mode
    override: OverrideKind | None
    unix_time: int
    shadow: bool = False


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
            encode_steps(record.plan),
            encode_steps(record.undeliverable),
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
    scope, forced, kind, critical, plan, undeliverable = fields_of(text, 6)
    if (fault := why_not_scope(scope)) is not None:
        raise RecordError(f"the scope {fault}")
    steps, undeliverable_steps = decode_steps(plan), decode_steps(undeliverable)
    if any(step.kind in PRIVATE for step in undeliverable_steps):
        raise RecordError("the undeliverable plan holds a private number")
    return RouteRecord(
        scope=scope,
        kind=member_of(LineKind, kind, "line kind"),
        critical=flag_of(critical, "critical"),
        plan=steps,
        undeliverable=undeliverable_steps,
        forced=member_of(Forced, forced, "forced mode"),
    )


def encode_mode(record: ModeRecord) -> str:
    """The value of `mode/<scope>`."""
    assert (record.decision is Decision.TRIAL) == (1 <= record.one_in <= MAX_ONE_IN)
    override = "-" if record.override is None else record.override
    mark = f"|{SHADOW_MARK}" if record.shadow else ""
    return f"{SCHEMA_VERSION}|{record.decision}|{record.one_in}|{record.mode}|{override}|{record.unix_time}{mark}"


def shadowed(text: str) -> str:
    """A mode that `encode_mode` made as a node in shadow mode publishes it: what was decided stays readable."""
    return encode_mode(replace(decode_mode(text), decision=Decision.PINNED, one_in=0, shadow=True))


def decode_mode(text: str) -> ModeRecord:
    """Raises RecordError."""
    told = text.removesuffix(f"|{SHADOW_MARK}")
    decision_text, one_in_text, mode, override, unix_time = fields_of(told, 5)
    decision, one_in = member_of(Decision, decision_text, "decision"), count_of(one_in_text, "one_in")
    if (decision is Decision.TRIAL) != (1 <= one_in <= MAX_ONE_IN):
        raise RecordError(f"one_in must be 1 to {MAX_ONE_IN} in a trial and 0 otherwise")
    return ModeRecord(
        decision=decision,
        one_in=one_in,
        mode=member_of(Mode, mode, "mode"),
        override=None if override == "-" else member_of(OverrideKind, override, "override"),
        unix_time=count_of(unix_time, "unix_time"),
        shadow=told != text,
    )


def encode_egress(up: bool) -> str:
    """The value of `egress/<trunk>`."""
    return f"{SCHEMA_VERSION}|{'up' if up else 'down'}"


def encode_table(record: TableRecord) -> str:
    """The value of `table`."""
    return f"{SCHEMA_VERSION}|{record.generation}|{record.unix_time}|{record.rows}"


def decode_table(text: str) -> TableRecord:
    """Raises RecordError."""
    generation, unix_time, rows = fields_of(text, 3)
    return TableRecord(count_of(generation, "generation"), count_of(unix_time, "unix_time"), count_of(rows, "rows"))


def generation_of(record: str | None) -> int:
    """The generation in the table's own record; 0 when there is none that can be read."""
    try:
        return decode_table(record or "").generation
    except RecordError:
        return 0


def encode_node(record: NodeRecord) -> str:
    """The value of `node`. Characters that would break the record are taken out of the name: it is for
    people."""
    name = "".join(c for c in record.node_name if c.isprintable() and not _SEPARATORS.match(c)).strip()[
        :MAX_NODE_NAME_CHARACTERS
    ]
    assert not _SEPARATORS.search(record.node_id)
    return f"{SCHEMA_VERSION}|{record.node_id}|{name}|{record.unix_time}"


def decode_node(text: str) -> NodeRecord:
    """Raises RecordError."""
    node_id, node_name, unix_time = fields_of(text, 3)
    if not _NODE_ID.fullmatch(node_id):
        raise RecordError("the node id is none")
    if len(node_name) > MAX_NODE_NAME_CHARACTERS or not node_name.isprintable():
        raise RecordError("the node name is no line of text")
    return NodeRecord(node_id, node_name, count_of(unix_time, "unix_time"))
