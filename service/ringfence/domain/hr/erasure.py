"""Whose private numbers have to be erased, and what is left without them.

Only numbers go, and what was entered about them. That somebody left must stay known: without it they would count as
employed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.category import Category, group
from ringfence.domain.hr.employment import Zones, ends_at, is_over
from ringfence.domain.hr.record import Batch, HrRecord, RecordId
from ringfence.domain.hr.roster import PersonEntries, RecordState, Roster, RosterChange, RosterPolicy


class Post(NamedTuple):
    """A record, since when it has been inactive, and since when it has been said."""

    record: HrRecord
    inactive_since: datetime | None
    said_at: datetime


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
    """Everybody whose employment ended at that moment or before, by the keys that count now."""
    return _ended(roster, zones, moment, known=False)


def known_to_have_ended_by(roster: Roster, zones: Zones, moment: datetime) -> frozenset[PersonKey]:
    """Of these, everybody of whom that was said at that moment or before, too. Retention counts from then: a feed that
    states wrong days long past must not have everything erased before anybody could look."""
    return _ended(roster, zones, moment, known=True)


def erasure(roster: Roster, base: Directory, people: Set[PersonKey]) -> Erasure:
    """What removes every private number of these people, by the keys that count now; empty when none is left. What
    lies under an old key of theirs goes as well."""
    key_of = roster.key_of
    records: dict[RecordId, RecordState | None] = {
        id_: erased
        for id_, state in roster.records.items()
        if key_of(state.key) in people and (erased := _without_numbers(state)) != state
    }
    keys = {*people, *(old for old in roster.aliases if key_of(old) in people)}
    entries = {
        key: bare
        for key in keys & roster.entries.keys()
        if (bare := _entries_without(roster.entries[key])) != roster.entries[key]
    }
    in_base = {key for key in keys if (person := base.people.get(key)) is not None and person.default_numbers}
    touched = {key_of(key) for key in (*in_base, *entries, *(s.key for s in records.values() if s is not None))}
    change = RosterChange(records=records, entries={key: kept or None for key, kept in entries.items()})
    return Erasure(tuple(sorted(touched)), change, _directory_without(base, in_base) if in_base else None)


def trimmed(
    batch: Batch, roster: Roster, policy: RosterPolicy, zones: Zones, now: datetime, left: Set[PersonKey]
) -> Batch:
    """The batch without the numbers of people beyond retention, and without numbers of people who left that are not
    known any more or never were: who was forgotten stays forgotten. `left`: who had left when last looked; whether they
    still have, with what the batch says, is asked again, because they may have come back."""
    key_of = roster.key_of
    suspects = {
        key_of(record.key)
        for record in batch.records
        if record.numbers and (key_of(record.key) in left or is_over(record, None, zones(record.site), now))
    }
    if not suspects:
        return batch
    posts: dict[PersonKey, dict[RecordId, Post]] = {key: {} for key in suspects}
    for id_, state in roster.records.items():
        if (key := key_of(state.key)) in suspects:
            posts[key][id_] = _post(state)
    for record in batch.records:
        if (key := key_of(record.key)) in suspects:
            id_ = RecordId(batch.source, record.id, record.post)
            posts[key][id_] = _post_to_be(roster.records.get(id_), record, now)
    entries = _entries_by_key(roster)
    ends = {key: _ended_at(posts[key], entries.get(key, ()), zones, known=False) for key in suspects}
    known_ends = {key: _ended_at(posts[key], entries.get(key, ()), zones, known=True) for key in suspects}

    def kept(record: HrRecord) -> HrRecord:
        end, known_end = ends.get(key_of(record.key)), known_ends.get(key_of(record.key))
        if not record.numbers or end is None or known_end is None or end > now:
            return record
        state = roster.records.get(RecordId(batch.source, record.id, record.post))
        known = state is not None and bool(state.said.numbers)
        return record if known and known_end + policy.retention > now else replace(record, numbers=())

    return replace(batch, records=tuple(map(kept, batch.records)))


def _ended(roster: Roster, zones: Zones, moment: datetime, *, known: bool) -> frozenset[PersonKey]:
    posts: dict[PersonKey, dict[RecordId, Post]] = {}
    for id_, state in roster.records.items():
        posts.setdefault(roster.key_of(state.key), {})[id_] = _post(state)
    entries = _entries_by_key(roster)
    keys = posts.keys() | entries.keys()
    ends = ((key, _ended_at(posts.get(key, {}), entries.get(key, ()), zones, known=known)) for key in keys)
    return frozenset(key for key, end in ends if end is not None and end <= moment)


def _entries_by_key(roster: Roster) -> dict[PersonKey, list[PersonEntries]]:
    """Those with a leaving, by the key that counts now."""
    found: dict[PersonKey, list[PersonEntries]] = {}
    for key, entries in roster.entries.items():
        if entries.left_at is not None:
            found.setdefault(roster.key_of(key), []).append(entries)
    return found


def _post(state: RecordState) -> Post:
    """What counts of a record: what it says of the employment, unless a person refused that or it has gone from its
    feed. Somebody whose return is held has not left as far as their numbers go: they may be needed tomorrow."""
    refused = state.rejected is not None and group(state.rejected, Category.TERM) == group(state.said, Category.TERM)
    gone = refused or state.absent_since is not None
    record = state.accepted if gone and state.accepted is not None else state.said
    return Post(record, state.inactive_since, state.said_at)


def _post_to_be(state: RecordState | None, record: HrRecord, now: datetime) -> Post:
    """What becomes of a record by a batch."""
    since = None
    if record.active is False:
        since = state.inactive_since if state is not None and state.inactive_since is not None else now
    said_before = state is not None and group(state.said, Category.TERM) == group(record, Category.TERM)
    return Post(record, since, state.said_at if state is not None and said_before else now)


def _ended_at(
    posts: Mapping[RecordId, Post], entries: Iterable[PersonEntries], zones: Zones, *, known: bool
) -> datetime | None:
    """A source ends it when the last of its posts ends; the earliest of the sources, and of what was entered by hand,
    decides. `known`: no end counts as earlier than it was said. None: no end is known."""
    by_source: dict[str, list[datetime | None]] = {}
    for id_, (record, inactive_since, said_at) in posts.items():
        end = ends_at(record, inactive_since, zones(record.site))
        by_source.setdefault(id_.source, []).append(max(end, said_at) if known and end is not None else end)
    ends = [_last(ends) for ends in by_source.values()]
    left = [each.left_at for each in entries if each.left_at is not None]
    ends.extend(max(stated.value, stated.at) if known else stated.value for stated in left)
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
    return replace(entries, numbers=None, today=None, facts=MappingProxyType({}))


def _directory_without(base: Directory, people: Set[PersonKey]) -> Directory:
    bare = {key: replace(base.people[key], default_numbers=()) for key in people}
    return replace(base, people=MappingProxyType({**base.people, **bare}))
