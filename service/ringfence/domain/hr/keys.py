"""A changed key: who may be the same person under another one, and what goes on under the new key."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.acceptance import is_refused_joiner, known_end, refused_key
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.roster import PersonEntries, RecordState, Roster, RosterChange, Stated

Posts = Sequence[RecordState]
"""All posts of one identifier."""


def may_be_new_key(posts: Posts) -> bool:
    """Somebody of whom nothing was accepted, in a source whose identifier is the key."""
    return bool(posts) and all(
        state.accepted is None
        and state.absent_since is None
        and state.said.id == state.said.key
        and not is_refused_joiner(state)
        for state in posts
    )


def may_be_old_key(posts: Posts) -> bool:
    """Somebody accepted whom a complete batch of such a source came without."""
    return any(state.accepted is not None for state in posts) and all(
        state.absent_since is not None and not state.absence_rejected and state.said.id == state.key for state in posts
    )


def match(new: Mapping[str, Posts], old: Mapping[str, Posts], zones: Zones, now: datetime) -> dict[str, str]:
    """Joiners' identifiers -> the absent ones that they probably replace: an e-mail address, a DID or a default number
    is the same. Nobody who has left is replaced, and nobody is in two pairs; the order of the identifiers decides, so
    that the same facts give the same pairs."""
    bearers: dict[str, deque[str]] = {}
    for id_ in sorted(old):
        if not _has_left(old[id_], zones, now):
            for mark in _marks(old[id_]):
                bearers.setdefault(mark, deque()).append(id_)
    pairs: dict[str, str] = {}
    taken: set[str] = set()
    for id_ in sorted(new) if bearers else ():
        if _has_left(new[id_], zones, now):
            continue
        barred = {refused_key(state) for state in new[id_]}
        found = [other for mark in _marks(new[id_]) if (other := _first_free(bearers.get(mark), taken, barred))]
        if found:
            pairs[id_] = min(found)
            taken.add(pairs[id_])
    return pairs


def carry_on(roster: Roster, keys: Mapping[PersonKey, PersonKey]) -> RosterChange:
    """What makes people go on under other keys (old -> new): entries, tenures, aliases. All at once, so that two people
    may swap keys; a key that somebody else takes over is no alias."""
    borne = set(keys.values())
    aliases: dict[PersonKey, PersonKey | None] = {old: new for old, new in keys.items() if old not in borne}
    for old, new in roster.aliases.items():
        if old in borne:
            aliases[old] = None
        elif new in keys and old not in keys:
            aliases[old] = keys[new]
    tenures = {
        did: tuple(replace(tenure, person=keys.get(tenure.person, tenure.person)) for tenure in tenures)
        for did, tenures in roster.tenures.items()
        if any(tenure.person in keys for tenure in tenures)
    }
    return RosterChange(entries=_moved_entries(roster, keys), tenures=tenures, aliases=aliases)


def _moved_entries(roster: Roster, keys: Mapping[PersonKey, PersonKey]) -> dict[PersonKey, PersonEntries | None]:
    moved: dict[PersonKey, PersonEntries | None] = {old: None for old in keys if old in roster.entries}
    for old, new in keys.items():
        entries = roster.entries.get(old)
        if entries is not None:
            present = moved.get(new) or (roster.entries.get(new) if new not in keys else None)
            moved[new] = entries if present is None else _joined(present, entries)
    return moved


def _joined(one: PersonEntries, other: PersonEntries) -> PersonEntries:
    """Both, field by field; where both have something, what was entered later."""
    values: dict[str, Any] = {
        item.name: _later(getattr(one, item.name), getattr(other, item.name))
        for item in fields(PersonEntries)
        if item.name != "facts"
    }
    facts = dict(one.facts)
    for number, stated in other.facts.items():
        facts[number] = _later(facts.get(number), stated) or stated
    return PersonEntries(**values, facts=MappingProxyType(facts))


def _later(one: Stated[Any] | None, other: Stated[Any] | None) -> Stated[Any] | None:
    if one is None or other is None:
        return one or other
    return one if one.at >= other.at else other


def _marks(posts: Posts) -> Iterator[str]:
    """What tells that two records are of one person. A telephone number is one, whether as DID or as default number."""
    for state in posts:
        said = state.said
        if said.email:
            yield said.email.casefold()
        yield from said.dids or ()
        yield from (number.e164 for number in said.numbers or ())


def _first_free(ids: deque[str] | None, taken: Set[str], barred: Set[PersonKey | None]) -> str | None:
    # What is taken is dropped for good: a feed whose columns are shifted may have one address for everybody.
    while ids and ids[0] in taken:
        ids.popleft()
    return next((id_ for id_ in ids or () if id_ not in taken and id_ not in barred), None)


def _has_left(posts: Posts, zones: Zones, now: datetime) -> bool:
    ends = [known_end(state, zones) for state in posts]
    return all(end is not None and end <= now for end in ends)
