"""What the roster's doors show: sources with their age, held plans, a run rehearsed, and the summary for the status."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from ringfence.app.hr.ports import HrRun, PlanRow
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.items import HeldItem


class EntryField(StrEnum):
    """What a person may enter by hand for somebody; the fields of `roster.PersonEntries`."""

    NUMBERS = "numbers"
    DIDS = "dids"
    LEFT_AT = "left_at"
    AWAY = "away"
    ON_CALL_UNTIL = "on_call_until"
    TODAY = "today"
    FACTS = "facts"


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What the desk has to know of a configured source. `kind` is its type in the configuration; `late_after`: the age
    of its last good run from which it is late; `heard_at`: when one that pushes last showed that it lives."""

    name: str
    kind: str
    late_after: timedelta
    heard_at: Callable[[], datetime | None] = lambda: None


@dataclass(frozen=True, slots=True)
class SourceView:
    """One configured source at this moment. `age_seconds` is that of its last good run, None when there was none;
    `fault`: why the last attempt failed, empty when it did not. `records` counts the people it told of, whether or not
    that was accepted; `held` counts people with something held."""

    name: str
    kind: str
    loaded: bool
    last_good: datetime | None
    age_seconds: float | None
    late: bool
    fault: str
    records: int
    held: int
    open_plan: int | None


@dataclass(frozen=True, slots=True)
class PlanView:
    """A held plan. `items` are computed from the roster of this moment for an open plan, and are empty for a closed
    one, whose lines are in `row`. `fingerprint` names exactly these items; `decide` takes it back. `counts` counts
    all items, `left_off` of which are not in `items`: of a plan that was decided the first are kept."""

    row: PlanRow
    items: tuple[HeldItem, ...] = ()
    fingerprint: str = ""
    counts: Mapping[Category, int] = field(default_factory=lambda: MappingProxyType({}))
    left_off: int = 0

    def chosen(self, ids: Collection[str] | None) -> tuple[HeldItem, ...]:
        """The items with these identifiers; all of them for None."""
        return self.items if ids is None else tuple(item for item in self.items if item.id in ids)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a batch would do, nothing of it stored. `held` are all items that would be held of this source then; `lines`
    is how the directory in force would change, masked, and `more_lines` how many lines are left out."""

    run: HrRun
    held: tuple[HeldItem, ...]
    lines: tuple[str, ...]
    more_lines: int = 0


@dataclass(frozen=True, slots=True)
class RosterSummary:
    """The roster in the snapshot. `people` are those in the directory in force, `employed` those of them who are
    employed now. `next_change_at`: when the directory in force changes next by itself. `fault`: why the directory in
    force could not be published, empty when it is."""

    sources: tuple[SourceView, ...] = ()
    open_plans: int = 0
    conflicts: int = 0
    people: int = 0
    employed: int = 0
    next_change_at: datetime | None = None
    fault: str = ""
