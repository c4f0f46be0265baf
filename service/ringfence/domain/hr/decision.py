"""What a person's decision on held items does to the roster.

Only what is still held is decided: an item that the source has settled since is passed over. That a source's first load
is approved is the caller's to note.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.acceptance import refuse, refuse_key, take
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.index import SourceIndex
from ringfence.domain.hr.items import HeldItem
from ringfence.domain.hr.keys import Posts, carry_on
from ringfence.domain.hr.record import RecordId
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange
from ringfence.domain.hr.same_key import SameKey

Step = Callable[[RecordState, Category], RecordState]


def approve(
    roster: Roster, index: SourceIndex, items: Collection[HeldItem], zones: Zones, now: datetime
) -> RosterChange:
    """Accepts the items. Somebody absent has left at `now`. A changed key takes everything along that was entered by
    hand, and the tenures. Somebody with another's key is the same person from now on, without the records of it that
    are over. `index` is that of the items' source and up to date."""
    source, same_key = index.source, SameKey(index, zones, now)
    keys: dict[PersonKey, PersonKey] = {}
    rows: dict[RecordId, RecordState | None] = {}
    same: dict[PersonKey, set[str]] = {}

    def accept(state: RecordState, category: Category) -> RecordState:
        if category is Category.KEY_CHANGE:
            keys.setdefault(state.key, state.said.key)
        if category is Category.SAME_KEY:
            same.setdefault(state.said.key, set()).add(state.said.id)
            if same_key.is_ended_elsewhere(state.said.id, state):
                return state  # it is accepted as it is; only the other records go
        return take(state, category, now)

    for name, chosen in _by_person(items).items():
        posts = index.posts.get(name, ())
        if _is_new_key(index, name, chosen):
            old = index.posts[index.pairs[name]]
            keys[old[0].key] = posts[0].said.key
            rows.update((_row(source, state), None) for state in old)
            rows.update((_row(source, state), take(state, Category.JOINER, now)) for state in posts)
        elif name not in index.pairs and name not in index.replaced:
            rows.update(_decided(source, posts, chosen, accept, same_key))
    for key, names in same.items():
        for name in same_key.left(key) - names:
            # A post of theirs with a key of its own is not what was asked about, and may just have been accepted.
            rows.update((_row(source, s), None) for s in index.posts[name] if key in (s.key, s.said.key))
    carried = carry_on(roster, keys) if keys else RosterChange()
    ended = {key: None for key, names in same.items() if is_taken_over(roster, index, key, names)}
    return replace(carried, records=rows, aliases={**carried.aliases, **ended})


def imported_otherwise(
    base: Directory, roster: Roster, change: RosterChange
) -> tuple[PersonKey, PersonKey | None] | None:
    """A key that an approval would give to somebody while the imported directory knows another person by it, and the
    key that the directory knows them by themselves; None: there is none. That other one's DIDs and numbers would be
    theirs."""
    renamed = {old: new for old, new in change.aliases.items() if new is not None and old not in roster.aliases}
    for id_, after in change.records.items():
        before = roster.records.get(id_)
        if before is not None and before.accepted is not None and after is not None and before.key != after.key:
            renamed[before.key] = after.key
    before_of = {new: old for old, new in renamed.items()}
    for old, new in sorted(renamed.items()):
        # Where keys move on from one to the next, an import with the new ones lacks the last one that was left.
        given_up = old
        while before_of.get(given_up, old) != old:
            given_up = before_of[given_up]
        if given_up in base.people and new in base.people and roster.aliases.get(new) != old:
            return new, old
    taken = change.aliases.keys() & base.people.keys() - set(renamed.values())
    return next(((key, None) for key in sorted(taken) if change.aliases[key] is None), None)


def is_taken_over(roster: Roster, index: SourceIndex, key: PersonKey, names: Collection[str]) -> bool:
    """Whether an old key is somebody else's from now on: the source itself knows the one who had it by another record.
    Where it does not, it only has not heard yet of the new key."""
    now = roster.aliases.get(key)
    return now is not None and any(name not in names for name in index.bearers_of(now))


def reject(index: SourceIndex, items: Collection[HeldItem], zones: Zones, now: datetime) -> RosterChange:
    """Refuses the items: not asked again until the source says something else. A refused change of key between two
    identifiers leaves a joiner and an absence, which are held as such. `index` is that of the items' source and up to
    date."""
    source, same_key = index.source, SameKey(index, zones, now)
    rows: dict[RecordId, RecordState | None] = {}

    def deny(state: RecordState, category: Category) -> RecordState:
        if category is Category.SAME_KEY and same_key.is_ended_elsewhere(state.said.id, state):
            state = take(state, Category.ABSENCE, now)  # the person has left, by this record as well
        return refuse(state, category)

    for name, chosen in _by_person(items).items():
        posts = index.posts.get(name, ())
        if _is_new_key(index, name, chosen):
            other = index.posts[index.pairs[name]][0].key
            rows.update((_row(source, state), refuse_key(state, other)) for state in posts)
        elif name not in index.pairs and name not in index.replaced:
            rows.update(_decided(source, posts, chosen, deny, same_key))
    return RosterChange(records=rows)


def _decided(
    source: str, posts: Posts, chosen: Collection[HeldItem], step: Step, same_key: SameKey
) -> Iterator[tuple[RecordId, RecordState]]:
    """The rows of one person that a decision changes. A key is that of all posts, whichever was chosen."""
    wanted = {(item.record.post, item.category) for item in chosen}
    new_key = any(category is Category.KEY_CHANGE for _, category in wanted)
    for state in posts:
        after = state
        for category in same_key.asked(state.said.id, state, posts):
            if (state.said.post, category) in wanted or (new_key and category is Category.KEY_CHANGE):
                after = step(after, category)
        if after is not state:
            yield _row(source, state), after


def _by_person(items: Collection[HeldItem]) -> dict[str, list[HeldItem]]:
    people: dict[str, list[HeldItem]] = {}
    for item in sorted(items, key=lambda item: (item.record, item.category)):
        people.setdefault(item.record.id, []).append(item)
    return people


def _is_new_key(index: SourceIndex, name: str, chosen: Collection[HeldItem]) -> bool:
    return name in index.pairs and any(item.category is Category.KEY_CHANGE for item in chosen)


def _row(source: str, state: RecordState) -> RecordId:
    return RecordId(source, state.said.id, state.said.post)
