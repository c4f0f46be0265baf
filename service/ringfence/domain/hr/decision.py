"""What a person's decision on held items does to the roster.

Only what is still held is decided: an item that the source has settled since is passed over. That a source's first load
is approved is the caller's to note.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.acceptance import asked, refuse, refuse_key, take
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.index import SourceIndex
from ringfence.domain.hr.items import HeldItem
from ringfence.domain.hr.keys import Posts, carry_on
from ringfence.domain.hr.record import RecordId
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange

Step = Callable[[RecordState, Category], RecordState]


def approve(
    roster: Roster, index: SourceIndex, items: Collection[HeldItem], zones: Zones, now: datetime
) -> RosterChange:
    """Accepts the items. Somebody absent has left at `now`. A changed key takes everything along that was entered by
    hand, and the tenures. `index` is that of the items' source and up to date."""
    source = index.source
    keys: dict[PersonKey, PersonKey] = {}
    rows: dict[RecordId, RecordState | None] = {}

    def accept(state: RecordState, category: Category) -> RecordState:
        if category is Category.KEY_CHANGE:
            keys.setdefault(state.key, state.said.key)
        return take(state, category, now)

    for name, chosen in _by_person(items).items():
        posts = index.posts.get(name, ())
        if _is_new_key(index, name, chosen):
            old = index.posts[index.pairs[name]]
            keys[old[0].key] = posts[0].said.key
            rows.update((_row(source, state), None) for state in old)
            rows.update((_row(source, state), take(state, Category.JOINER, now)) for state in posts)
        elif name not in index.pairs and name not in index.replaced:
            rows.update(_decided(source, posts, chosen, accept, zones, now))
    carried = carry_on(roster, keys) if keys else RosterChange()
    return replace(carried, records=rows)


def reject(index: SourceIndex, items: Collection[HeldItem], zones: Zones, now: datetime) -> RosterChange:
    """Refuses the items: not asked again until the source says something else. A refused change of key between two
    identifiers leaves a joiner and an absence, which are held as such. `index` is that of the items' source and up to
    date."""
    source = index.source
    rows: dict[RecordId, RecordState | None] = {}
    for name, chosen in _by_person(items).items():
        posts = index.posts.get(name, ())
        if _is_new_key(index, name, chosen):
            other = index.posts[index.pairs[name]][0].key
            rows.update((_row(source, state), refuse_key(state, other)) for state in posts)
        elif name not in index.pairs and name not in index.replaced:
            rows.update(_decided(source, posts, chosen, refuse, zones, now))
    return RosterChange(records=rows)


def _decided(
    source: str, posts: Posts, chosen: Collection[HeldItem], step: Step, zones: Zones, now: datetime
) -> Iterator[tuple[RecordId, RecordState]]:
    """The rows of one person that a decision changes. A key is that of all posts, whichever was chosen."""
    wanted = {(item.record.post, item.category) for item in chosen}
    new_key = any(category is Category.KEY_CHANGE for _, category in wanted)
    for state in posts:
        after = state
        for category in asked(state, posts, zones, now):
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
