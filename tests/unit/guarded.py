"""A source that is heard, decided on and kept, for tests of the guard."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.decision import approve, reject
from ringfence.domain.hr.employment import Zones, employed_at
from ringfence.domain.hr.guard import Category, Heard, SourceIndex, hear
from ringfence.domain.hr.items import HeldItem, held_items
from ringfence.domain.hr.record import Batch, HrNumber, HrRecord, RecordId, RowProblem
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange, RosterPolicy, SourceState
from ringfence.domain.numbers import Did

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
DAY = timedelta(days=1)
POLICY = RosterPolicy(sources=("hr",))


def london(_site: str | None) -> str:
    return "Europe/London"


def record(id_: str, **fields: Any) -> HrRecord:
    """Somebody of that identifier, which is the key as well unless one is given."""
    key = PersonKey(fields.pop("key", id_))
    return HrRecord(id_, key, **{"name": f"Person {id_}", "site": "Leeds", "department": "Housing"} | fields)


def did(number: int) -> Did:
    return Did(f"+44113496{number:04d}")


def mobile(number: int) -> HrNumber:
    return HrNumber(f"+447700900{number:03d}")


def people(count: int, **fields: Any) -> list[HrRecord]:
    return [record(f"{n:03d}", **fields) for n in range(count)]


class Source:
    """One source's part of a roster. After each step the index must be what it would be afresh."""

    def __init__(self, *records: HrRecord, loaded: bool = True, zones: Zones = london) -> None:
        self.now = NOW
        self.zones = zones
        states = {RecordId("hr", r.id, r.post): RecordState(r, r, NOW - 9 * DAY) for r in records}
        self.roster = Roster(records=states, sources={"hr": SourceState("hr", loaded=loaded)})
        self.index = self.fresh_index()
        self.recent: dict[Category, int] = {}

    def fresh_index(self) -> SourceIndex:
        return SourceIndex.of(self.roster, "hr", POLICY, self.zones, self.now)

    def hear(self, batch: Batch) -> Heard:
        heard = hear(self.roster, self.index, batch, POLICY, self.zones, self.now, self.recent)
        drafted = self.index.copy()
        heard.draft.index = drafted
        drafted.take_over(heard.draft)
        self.apply(heard.change)
        assert drafted == self.index
        assert heard.held == self.held
        return heard

    def push(self, *records: HrRecord, gone: Iterable[str] = ()) -> Heard:
        return self.hear(Batch("hr", records, complete=False, gone=frozenset(gone), rows=len(records)))

    def feed(
        self,
        records: Iterable[HrRecord],
        gone: Iterable[str] = (),
        repeated: Iterable[str] = (),
        unreadable: Iterable[str] = (),
    ) -> Heard:
        rows = tuple(records)
        problems = tuple(RowProblem("line 1", "numbers", "cannot be read", id_) for id_ in unreadable)
        return self.hear(
            Batch("hr", rows, True, frozenset(gone), frozenset(repeated), problems, len(rows) + len(problems))
        )

    def apply(self, change: RosterChange) -> None:
        self.roster.apply(change)
        self.index.update(change, POLICY, self.zones, self.now)
        assert self.index == self.fresh_index()

    def items(self) -> tuple[HeldItem, ...]:
        return held_items(self.fresh_index(), self.zones, self.now)

    def approve(self, items: Collection[HeldItem] | None = None) -> RosterChange:
        chosen = self.items() if items is None else items
        change = approve(self.roster, self.fresh_index(), chosen, self.zones, self.now)
        self.apply(change)
        return change

    def reject(self, items: Collection[HeldItem] | None = None) -> RosterChange:
        chosen = self.items() if items is None else items
        change = reject(self.fresh_index(), chosen, self.zones, self.now)
        self.apply(change)
        return change

    @property
    def held(self) -> Mapping[Category, int]:
        found: dict[Category, set[str]] = {}
        for item in self.items():
            found.setdefault(item.category, set()).add(item.record.id)
        return {category: len(ids) for category, ids in found.items()}

    def state(self, id_: str, post: str = "") -> RecordState:
        return self.roster.records[RecordId("hr", id_, post)]

    def accepted(self, id_: str, post: str = "") -> HrRecord:
        found = self.state(id_, post).accepted
        assert found is not None
        return found

    def employed(self, at: datetime | None = None) -> set[str]:
        """By identifier, as it is accepted."""
        return {
            id_.id
            for id_, state in self.roster.records.items()
            if state.accepted is not None
            and employed_at(state.accepted, state.inactive_since, self.zones(state.accepted.site), at or self.now)
        }


def day(offset: int) -> date:
    """Days from today."""
    return TODAY + offset * DAY
