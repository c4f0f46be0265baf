"""What the guard must know of one source without walking over its records: kept beside the roster by whoever writes it.

A `SourceIndex` answers how many people are held in each category and who they are. A `Draft` is what it would be after
some changes; the guard works on a draft, and the index takes one over when its change has been stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import proxy

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.acceptance import take
from ringfence.domain.hr.category import Category, shared
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.keys import Posts, match, may_be_new_key, may_be_old_key
from ringfence.domain.hr.record import RecordId
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange, RosterPolicy
from ringfence.domain.hr.same_key import SameKey, keys_of, own_bearer, with_bearer

_NOTHING: frozenset[Category] = frozenset()
_KEY_CHANGE = frozenset((Category.KEY_CHANGE,))


@dataclass(slots=True)
class SourceIndex:
    """One source's records by identifier, and what of them is held. Posts share an identifier. Not for two threads.

    `pairs`: joiner -> the absent one who is probably the same person (`replaced`). `turns`: when time alone may change
    what is held of whom. `bearers`: who has a key, unless that is the identifier of the same name alone.
    """

    source: str
    posts: dict[str, tuple[RecordState, ...]] = field(default_factory=dict)
    held: dict[str, frozenset[Category]] = field(default_factory=dict)
    ids: dict[Category, set[str]] = field(default_factory=lambda: {category: set() for category in Category})
    present: int = 0
    new_keys: set[str] = field(default_factory=set)
    old_keys: set[str] = field(default_factory=set)
    pairs: dict[str, str] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    turns: dict[str, datetime] = field(default_factory=dict)
    next_turn: datetime | None = field(default=None, compare=False)
    bearers: dict[PersonKey, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[PersonKey, PersonKey] = field(default_factory=dict)

    @classmethod
    def of(cls, roster: Roster, source: str, policy: RosterPolicy, zones: Zones, now: datetime) -> SourceIndex:
        """Afresh from the roster."""
        index = cls(source, aliases=dict(roster.aliases))
        index.update(RosterChange(records=dict(roster.of_source(source))), policy, zones, now)
        return index

    def copy(self) -> SourceIndex:
        """For a reader: as it is now, whatever is taken over later. Some milliseconds for 100,000 records."""
        return replace(
            self,
            posts=dict(self.posts),
            held=dict(self.held),
            ids={category: set(names) for category, names in self.ids.items()},
            new_keys=set(self.new_keys),
            old_keys=set(self.old_keys),
            turns=dict(self.turns),
            bearers=dict(self.bearers),
        )

    def posts_of(self, name: str) -> tuple[RecordState, ...]:
        return self.posts.get(name, ())

    def bearers_of(self, key: PersonKey) -> Collection[str]:
        found = self.bearers.get(key)
        return own_bearer(self.posts, key) if found is None else found

    def update(self, change: RosterChange, policy: RosterPolicy, zones: Zones, now: datetime) -> None:
        """After the change was stored and applied."""
        self.advance(zones, now)
        self.take_over(self.draft_of(change, zones, now))

    def draft_of(self, change: RosterChange, zones: Zones, now: datetime) -> Draft:
        """What this index, up to date, would be after the change."""
        draft = Draft(self, zones, now)
        draft.rename(change.aliases)
        for id_, state in change.records.items():
            if id_.source == self.source:
                draft.put(id_.id, _with(draft.posts_of(id_.id), id_.post, state))
        draft.pair()
        return draft

    def advance(self, zones: Zones, now: datetime) -> None:
        """Asks again where time alone may have changed the answer; nearly always there is nothing to do."""
        if self.next_turn is None or now < self.next_turn:
            return
        draft = Draft(self, zones, now)
        for name in [name for name, turn in self.turns.items() if turn <= now]:
            draft.put(name, self.posts[name])
        self.take_over(draft)
        self.next_turn = min(self.turns.values(), default=None)

    def take_over(self, draft: Draft) -> None:
        """After what it stands for was stored and applied. It is a draft of this index as it still is."""
        assert draft.index is self
        draft.pair()
        for name, posts in draft.posts.items():
            if posts:
                self.posts[name] = posts
            else:
                self.posts.pop(name, None)
        self.aliases = draft.aliases
        for key, names in draft.bearers.items():
            if names and set(names) != {key}:
                self.bearers[key] = names if isinstance(names, tuple) else tuple(sorted(names))
            else:
                self.bearers.pop(key, None)
        for name, categories in draft.held.items():
            for category in self.held.get(name, _NOTHING) - categories:
                self.ids[category].discard(name)
            for category in categories:
                self.ids[category].add(name)
            if categories:
                self.held[name] = categories
            else:
                self.held.pop(name, None)
            self._note_turn(name, draft)
        for those, is_one in ((self.new_keys, may_be_new_key), (self.old_keys, may_be_old_key)):
            for name, posts in draft.posts.items():
                (those.add if is_one(posts) else those.discard)(name)
        self.present, self.pairs, self.replaced = draft.present, draft.pairs, draft.replaced
        if len(draft.posts) * 2 > len(self.posts):
            # They keep the room of all they ever held: after a first load of 100,000 people that is 20 MB.
            self.held, self.new_keys, self.old_keys = dict(self.held), set(self.new_keys), set(self.old_keys)
            self.ids = {category: set(names) for category, names in self.ids.items()}

    def _note_turn(self, name: str, draft: Draft) -> None:
        # Of an absent one in a pair nothing is asked, and yet the pair ends when the employment does.
        waits = name in self.held or name in draft.replaced or draft.same_key.is_shared(name)
        turn = draft.same_key.turns_at(name) if waits else None
        if turn is None:
            self.turns.pop(name, None)
            return
        self.turns[name] = turn
        if self.next_turn is None or turn < self.next_turn:
            self.next_turn = turn


class Draft:
    """An index as it would be. `posts` has what was changed, by identifier (no posts: it is gone), `held` whatever was
    asked again. The index itself stays as it is."""

    def __init__(self, index: SourceIndex, zones: Zones, now: datetime) -> None:
        self.index = index
        self.zones = zones
        self.now = now
        self.posts: dict[str, tuple[RecordState, ...]] = {}
        self.held: dict[str, frozenset[Category]] = {}
        self.present = index.present
        self.pairs, self.replaced = index.pairs, index.replaced
        self._counts = {category: len(ids) for category, ids in index.ids.items()}
        self._keys_touched = False
        self.aliases = index.aliases
        self.bearers: dict[PersonKey, Collection[str]] = {}
        self.same_key = SameKey(proxy(self), zones, now)  # not held in turn: 100,000 people in a circle would stay
        self._shared: set[PersonKey] = set()

    def posts_of(self, name: str) -> tuple[RecordState, ...]:
        found = self.posts.get(name)
        return self.index.posts.get(name, ()) if found is None else found

    def bearers_of(self, key: PersonKey) -> Collection[str]:
        found = self.bearers.get(key, self.index.bearers.get(key))
        return own_bearer(self.posts if key in self.posts else self.index.posts, key) if found is None else found

    def held_of(self, name: str) -> frozenset[Category]:
        found = self.held.get(name)
        return self.index.held.get(name, _NOTHING) if found is None else found

    def count(self, category: Category) -> int:
        """How many people are held in it."""
        return self._counts[category]

    @property
    def known(self) -> int:
        """How many people anything is known of."""
        return len(self.index.posts) + sum(
            bool(posts) - (name in self.index.posts) for name, posts in self.posts.items()
        )

    def put(self, name: str, posts: Iterable[RecordState]) -> None:
        """These are the identifier's posts now. `pair` has to follow when all is put."""
        before, after = self.posts_of(name), tuple(posts)
        self.present += _is_present(after) - _is_present(before)
        self._keys_touched = self._keys_touched or _has_a_part(before) or _has_a_part(after)
        self.posts[name] = after
        if not self._bear(name, keys_of(before), keys_of(after)):
            self._ask(name)

    def rename(self, aliases: Mapping[PersonKey, PersonKey | None]) -> None:
        """These keys are old now, or are so no more. `pair` has to follow."""
        if aliases:
            merged = {**self.aliases, **aliases}
            self.aliases = {old: new for old, new in merged.items() if new is not None}
            self._shared.update(aliases)

    def pair(self) -> None:
        """Finds out again who may have changed their key, and who has one that is another's as well."""
        self.same_key = SameKey(proxy(self), self.zones, self.now)
        if self._keys_touched:
            self._keys_touched = False
            self._match()
        for name in sorted({name for key in self._shared for name in self.bearers_of(key)}):
            self._ask(name)
        self._shared = set()

    def _match(self) -> None:
        old = self._those(self.index.old_keys, may_be_old_key)
        new = self._those(self.index.new_keys, may_be_new_key) if old else {}
        before = self.pairs
        self.pairs = match(new, old, self.zones, self.now)
        self.replaced = set(self.pairs.values())
        for pair in before.items() ^ self.pairs.items():
            for name in pair:
                self._ask(name)

    def let_through(self, category: Category) -> int:
        """Accepts what is newly asked in it; how many people that is. What was held before waits for a person, or for
        the source to take it back: it may have been left out of an approval on purpose."""
        waiting = self.index.ids[category]
        names = {name for name, categories in self.held.items() if category in categories} - waiting
        for name in sorted(names):
            posts = self.posts_of(name)
            self.put(name, [self._taken(name, state, posts, category) for state in posts])
        self.pair()
        return len(names)

    def change(self) -> dict[RecordId, RecordState | None]:
        """The rows that differ from the index; None: the row is gone."""
        rows: dict[RecordId, RecordState | None] = {}
        for name, posts in self.posts.items():
            before = {state.said.post: state for state in self.index.posts.get(name, ())}
            after = {state.said.post: state for state in posts}
            for post in before.keys() | after.keys():
                if before.get(post) != after.get(post):
                    rows[RecordId(self.index.source, name, post)] = after.get(post)
        return rows

    def _taken(self, name: str, state: RecordState, posts: Posts, category: Category) -> RecordState:
        return take(state, category, self.now) if category in self.same_key.asked(name, state, posts) else state

    def _bear(self, name: str, before: set[PersonKey], after: set[PersonKey]) -> bool:
        """Notes the identifier's keys; whether one is another's as well. Then `pair` asks of all of them together: a
        feed with one key for everybody would take for ever."""
        for key in before ^ after:
            if name != key or key in self.bearers or key in self.index.bearers:
                self.bearers[key] = with_bearer(self.bearers_of(key), name, bears=key in after)
        for key in before | after:
            bearers = self.bearers_of(key)
            if len(bearers) > (name in bearers):
                self._shared.add(key)
        return not after.isdisjoint(self._shared)

    def _ask(self, name: str) -> None:
        before = self.held_of(name)
        if name in self.pairs:
            after = _KEY_CHANGE
        elif name in self.replaced:
            after = _NOTHING
        else:
            posts = self.posts_of(name)
            after = shared(category for state in posts for category in self.same_key.asked(name, state, posts))
        for category in before - after:
            self._counts[category] -= 1
        for category in after - before:
            self._counts[category] += 1
        self.held[name] = after

    def _those(self, names: Iterable[str], is_one: Callable[[Posts], bool]) -> dict[str, Posts]:
        found: dict[str, Posts] = {name: posts for name in names if is_one(posts := self.posts_of(name))}
        found.update((name, posts) for name, posts in self.posts.items() if is_one(posts))
        return found


def _is_present(posts: Posts) -> bool:
    return any(state.accepted is not None and state.absent_since is None for state in posts)


def _has_a_part(posts: Posts) -> bool:
    """Whether it may be either side of a changed key."""
    return may_be_new_key(posts) or may_be_old_key(posts)


def _with(posts: Posts, post: str, state: RecordState | None) -> tuple[RecordState, ...]:
    """These posts after one of them has changed; None: it is gone."""
    others = [other for other in posts if other.said.post != post]
    if state is None:
        return tuple(others)
    return tuple(sorted((*others, state), key=lambda other: other.said.post)) if others else (state,)
