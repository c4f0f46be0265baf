"""Whose private numbers have to be erased, and what is left without them.

Only numbers go, and what was entered about them. That somebody left must stay known: without it they would count as
employed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.category import Category, group
from ringfence.domain.hr.employment import Zones, ends_at, is_over
from ringfence.domain.hr.record import Batch, HrRecord, RecordId
from ringfence.domain.hr.roster import PersonEntries, RecordState, Roster, RosterChange, RosterPolicy

Post = tuple[HrRecord, datetime | None]
"""A record, and since when it has been inactive."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """`people` are those of whom something is erased; `directory` is the imported one without it, None when it held
    nothing of theirs."""

    people: tuple[PersonKey, ...]
    change: RosterChange
    directory: Directory | None

    def __bool__(self) -> bool:
        return bool(self.people)


def ended_by(roster: Roster, zones: Zones, moment: datetime) -> frozenset[PersonKey]:
    """Everybody whose employment ended at that moment or before."""
    posts: dict[PersonKey, dict[RecordId, Post]] = {}
    for id_, state in roster.records.items():
        posts.setdefault(state.key, {})[id_] = _post(state)
    keys = posts.keys() | {key for key, entries in roster.entries.items() if entries.left_at is not None}
    ends = ((key, _ended_at(posts.get(key, {}), roster.entries.get(key), zones)) for key in keys)
    return frozenset(key for key, end in ends if end is not None and end <= moment)


def erasure(roster: Roster, base: Directory, people: Set[PersonKey]) -> Erasure:
    """What removes every private number of these people; empty when none is left."""
    records: dict[RecordId, RecordState | None] = {
        id_: erased
        for id_, state in roster.records.items()
        if state.key in people and (erased := _without_numbers(state)) != state
    }
    entries = {
        key: bare
        for key in people & roster.entries.keys()
        if (bare := _entries_without(roster.entries[key])) != roster.entries[key]
    }
    in_base = {key for key in people if (person := base.people.get(key)) is not None and person.default_numbers}
    touched = {*in_base, *entries, *(state.key for state in records.values() if state is not None)}
    change = RosterChange(records=records, entries={key: kept or None for key, kept in entries.items()})
    return Erasure(tuple(sorted(touched)), change, _directory_without(base, in_base) if in_base else None)


def trimmed(
    batch: Batch, roster: Roster, policy: RosterPolicy, zones: Zones, now: datetime, left: Set[PersonKey]
) -> Batch:
    """The batch without the numbers of people beyond retention, and without numbers of people who left that are not
    known any more or never were: who was forgotten stays forgotten. `left`: who had left when last looked; whether they
    still have, with what the batch says, is asked again, because they may have come back."""
    suspects = {
        record.key
        for record in batch.records
        if record.numbers and (record.key in left or is_over(record, None, zones(record.site), now))
    }
    if not suspects:
        return batch
    posts: dict[PersonKey, dict[RecordId, Post]] = {key: {} for key in suspects}
    for id_, state in roster.records.items():
        if state.key in suspects:
            posts[state.key][id_] = _post(state)
    for record in batch.records:
        if record.key in suspects:
            id_ = RecordId(batch.source, record.id, record.post)
            posts[record.key][id_] = (record, _since(roster.records.get(id_), record, now))
    ends = {key: _ended_at(posts[key], roster.entries.get(key), zones) for key in suspects}

    def kept(record: HrRecord) -> HrRecord:
        end = ends.get(record.key)
        if not record.numbers or end is None or end > now:
            return record
        state = roster.records.get(RecordId(batch.source, record.id, record.post))
        known = state is not None and bool(state.said.numbers)
        return record if known and end + policy.retention > now else replace(record, numbers=())

    return replace(batch, records=tuple(map(kept, batch.records)))


def _post(state: RecordState) -> Post:
    """What counts of a record: what it says of the employment, unless a person refused that or it has gone from its
    feed. Somebody whose return is held has not left as far as their numbers go: they may be needed tomorrow."""
    refused = state.rejected is not None and group(state.rejected, Category.TERM) == group(state.said, Category.TERM)
    gone = refused or state.absent_since is not None
    return (state.accepted if gone and state.accepted is not None else state.said), state.inactive_since


def _since(state: RecordState | None, record: HrRecord, now: datetime) -> datetime | None:
    if record.active is not False:
        return None
    return state.inactive_since if state is not None and state.inactive_since is not None else now


def _ended_at(posts: Mapping[RecordId, Post], entries: PersonEntries | None, zones: Zones) -> datetime | None:
    """A source ends it when the last of its posts ends; the earliest of the sources, and of what was entered by hand,
    decides. None: no end is known."""
    by_source: dict[str, list[datetime | None]] = {}
    for id_, (record, inactive_since) in posts.items():
        by_source.setdefault(id_.source, []).append(ends_at(record, inactive_since, zones(record.site)))
    ends = [_last(ends) for ends in by_source.values()]
    if entries is not None and entries.left_at is not None:
        ends.append(entries.left_at.value)
    return min((end for end in ends if end is not None), default=None)


def _last(ends: Iterable[datetime | None]) -> datetime | None:
    last = None
    for end in ends:
        if end is None:
            return None
        last = end if last is None else max(last, end)
    return last


def _without_numbers(state: RecordState) -> RecordState:
    return replace(
        state,
        said=_bare(state.said),
        accepted=_bare(state.accepted) if state.accepted else None,
        rejected=_bare(state.rejected) if state.rejected else None,
    )


def _bare(record: HrRecord) -> HrRecord:
    # None stays None: a source that says nothing of numbers must not begin to.
    return replace(record, numbers=()) if record.numbers else record


def _entries_without(entries: PersonEntries) -> PersonEntries:
    return replace(entries, numbers=None, facts=MappingProxyType({}))


def _directory_without(base: Directory, people: Set[PersonKey]) -> Directory:
    bare = {key: replace(base.people[key], default_numbers=()) for key in people}
    return Directory(MappingProxyType({**base.people, **bare}), base.assignments, base.sites)
