"""A key that another record of the same source has, or had: the same person, or somebody who was given it?

Nothing in a record tells. So it waits for a person whatever the guard says, and until then the end that either record
states is the person's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.acceptance import asked, known_end, turns_at
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.keys import Posts
from ringfence.domain.hr.record import HrRecord
from ringfence.domain.hr.roster import RecordState


class Known(Protocol):
    """One source's records, as they are or as they would be."""

    @property
    def aliases(self) -> Mapping[PersonKey, PersonKey]:
        """Of all sources: an old key -> the key that replaced it."""

    def posts_of(self, name: str) -> Posts:
        """None if nothing is known of that identifier."""

    def bearers_of(self, key: PersonKey) -> Collection[str]:
        """The identifiers that have this key, as it is accepted or as it is said."""


class SameKey:
    """What is held, with what other records know of a key. It remembers its answers: for one moment, and for records
    that stay as they are."""

    def __init__(self, known: Known, zones: Zones, now: datetime) -> None:
        self._known = known
        self._zones = zones
        self._now = now
        self._left: dict[PersonKey, frozenset[str]] = {}
        self._turns: dict[PersonKey, datetime | None] = {}

    def asked(self, name: str, state: RecordState, posts: Posts) -> Iterator[Category]:
        """What is held of one record of this identifier; `posts` are all of them."""
        for category in asked(state, posts, self._zones, self._now):
            doubted = category in (Category.JOINER, Category.RETURN) and self._is_doubted(name, state, posts)
            yield Category.SAME_KEY if doubted else category
        if self.is_ended_elsewhere(name, state):
            yield Category.SAME_KEY

    def others(self, name: str, key: PersonKey) -> list[str]:
        """Other identifiers with this key, sorted."""
        return sorted(other for other in self._known.bearers_of(key) if other != name)

    def left(self, key: PersonKey) -> frozenset[str]:
        """The identifiers with this key whose employment is over; one that is not accepted counts by what it says."""
        if key not in self._left:
            self._left[key] = frozenset(
                name for name in self._known.bearers_of(key) if self._has_left(self._known.posts_of(name), key)
            )
        return self._left[key]

    def is_ended_elsewhere(self, name: str, state: RecordState) -> bool:
        """Whether this record is accepted and goes on, and the person has left by another one."""
        accepted = state.accepted
        if accepted is None or state.absent_since is not None or accepted.key != state.said.key:
            return False
        if len(self._known.bearers_of(accepted.key)) < 2:
            return False
        left = self.left(accepted.key)
        end = known_end(state, self._zones)
        return len(left) > (name in left) and (end is None or end > self._now)

    def turns_at(self, name: str) -> datetime | None:
        """The next moment at which time alone may change the answer for this identifier; None: never."""
        posts = self._known.posts_of(name)
        turns = [turns_at(posts, self._zones, self._now), *map(self._turn_of, keys_of(posts))]
        return min((turn for turn in turns if turn is not None), default=None)

    def is_shared(self, name: str) -> bool:
        return any(len(self._known.bearers_of(key)) > 1 for key in keys_of(self._known.posts_of(name)))

    def _is_doubted(self, name: str, state: RecordState, posts: Posts) -> bool:
        key = state.said.key
        bearers = self._known.bearers_of(key)
        if key in self._known.aliases or len(bearers) > 1 or (bearers and name not in bearers):
            return True
        return self._is_a_stranger(state, posts)

    def _is_a_stranger(self, state: RecordState, posts: Posts) -> bool:
        """Whether nothing by which people are known is as it was before the one with this identifier had left."""
        before = [post.accepted for post in posts if post.accepted is not None]
        if not before or (state.accepted is None and not self._has_left(posts, state.said.key)):
            return False
        names = {record.name.casefold() for record in before if record.name}
        marks = {mark for record in before for mark in _marks(record)}
        name, its_marks = state.said.name, set(_marks(state.said))
        if (name and name.casefold() in names) or its_marks & marks:
            return False
        return bool((name and names) or (its_marks and marks))

    def _has_left(self, posts: Posts, key: PersonKey) -> bool:
        counting = [state for state in posts if state.accepted is not None] or posts
        ends = [known_end(state, self._zones) for state in counting if state.key == key]
        return bool(ends) and all(end is not None and end <= self._now for end in ends)

    def _turn_of(self, key: PersonKey) -> datetime | None:
        names = self._known.bearers_of(key)
        if len(names) < 2:
            return None
        if key not in self._turns:
            turns = (turns_at(self._known.posts_of(name), self._zones, self._now) for name in names)
            self._turns[key] = min((turn for turn in turns if turn is not None), default=None)
        return self._turns[key]


def keys_of(posts: Posts) -> set[PersonKey]:
    """Every key by which these are known, or want to be."""
    keys: set[PersonKey] = set()
    for state in posts:
        keys.add(state.said.key)
        if state.accepted is not None:
            keys.add(state.accepted.key)
    return keys


def own_bearer(posts: Mapping[str, Posts], key: PersonKey) -> Collection[str]:
    """The identifier that is its own key, if it is there: so it is in every file, and need not be noted of 100,000."""
    for state in posts.get(key, ()):
        if state.said.key == key or (state.accepted is not None and state.accepted.key == key):
            return (key,)
    return ()


def with_bearer(names: Collection[str], name: str, *, bears: bool) -> Collection[str]:
    """The identifiers with a key, with this one or without it; a set is changed itself. Nearly every key is one
    identifier's: a set for each of 100,000 would take more than the record."""
    if isinstance(names, set):
        (names.add if bears else names.discard)(name)
        return names
    if len(names) > 1 or (names and name not in names):
        return with_bearer(set(names), name, bears=bears)
    return (name,) if bears else ()


def _marks(record: HrRecord) -> Iterator[str]:
    # No DIDs: they go to whoever comes next.
    if record.email:
        yield record.email.casefold()
    yield from (number.e164 for number in record.numbers or ())
