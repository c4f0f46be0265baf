"""What is held of one source, item by item, as people read and decide it.

Nothing here is stored: the items of an open plan are computed from the roster. Numbers are masked; where the mask hides
the difference, the line says that there is one. A shifted column may put a number anywhere, so that any long run of
digits in any field is masked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Final

from ringfence.domain.directory import DEFAULT_RING_SECONDS, PersonKey
from ringfence.domain.hr.acceptance import asked
from ringfence.domain.hr.category import FIELDS, Category
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.index import SourceIndex
from ringfence.domain.hr.keys import Posts
from ringfence.domain.hr.record import HrNumber, HrRecord, RecordId
from ringfence.domain.hr.roster import RecordState, Roster, RosterPolicy
from ringfence.domain.numbers import mask_text

MASKED_TEXT_DIGITS: Final = 7
"""A text with so many digits may be a telephone number (ITU-T E.164, section 6.2.1: 7 to 15)."""
MASKED_KEY_DIGITS: Final = 10
"""A key with so many; a staff number has fewer, and has to be read."""

_KEYS: Final = frozenset(("key", "manager", "deputy"))
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_ORDER: Final = {category: place for place, category in enumerate(Category)}
_PLURALS: Final = {
    Category.JOINER: "joiners",
    Category.RETURN: "returns",
    Category.TERM: "terms",
    Category.DID_MOVE: "DID moves",
    Category.NUMBER_CHANGE: "number changes",
    Category.DETAIL: "details",
    Category.ABSENCE: "absences",
    Category.KEY_CHANGE: "key changes",
}
_LABELS: Final = {
    "key": "key",
    "name": "name",
    "email": "e-mail",
    "site": "site",
    "department": "department",
    "manager": "manager",
    "dids": "DIDs",
    "numbers": "default numbers",
    "active": "active",
    "starts": "first day",
    "ends": "last day",
    "ends_at": "ends at",
    "away_from": "away from",
    "away_until": "away until",
    "deputy": "deputy",
    "on_call": "on call",
}
"""Every field that is shown, in the order in which it is."""


@dataclass(frozen=True, slots=True)
class HeldItem:
    """One thing to decide. `id` is stable, unique in the source and the same in a URL. `lines` are for people.
    `applied` stands for what approving it would do, hidden digits included, and is not for people."""

    id: str
    category: Category
    record: RecordId
    person: PersonKey
    name: str
    lines: tuple[str, ...]
    applied: str = field(default="", repr=False)


def held_items(roster: Roster, source: str, policy: RosterPolicy, zones: Zones, now: datetime) -> tuple[HeldItem, ...]:
    """Sorted by category, then by identifier and post. Walks over all records of the source."""
    index = SourceIndex.of(roster, source, policy, zones, now)
    items = [item for name in index.held for item in _items_of(index, name, zones, now)]
    return tuple(sorted(items, key=lambda item: (_ORDER[item.category], item.record)))


def fingerprint(items: Iterable[HeldItem]) -> str:
    """12 hex digits for exactly these items. Two plans that read the same and differ in a hidden digit differ here."""
    text = "\n".join(sorted(f"{item.id} {item.lines} {item.applied}" for item in items))
    return sha256(text.encode()).hexdigest()[:12]


def summary(items: Iterable[HeldItem]) -> str:
    """`joiners 3, DID moves 25`, counted as people; `nothing` when there is none."""
    people: dict[Category, set[str]] = {}
    for item in items:
        people.setdefault(item.category, set()).add(item.record.id)
    return counted({category: len(ids) for category, ids in people.items()})


def counted(people: Mapping[Category, int]) -> str:
    """The same of people who are counted already."""
    return ", ".join(f"{words} {people[c]}" for c, words in _PLURALS.items() if people.get(c)) or "nothing"


def item_id(category: Category, record: RecordId) -> str:
    """`did_move:4711:`; whatever a URL would escape is written as `~` and two hex digits a byte."""
    return f"{category}:{_UNSAFE.sub(_escaped, record.id)}:{_UNSAFE.sub(_escaped, record.post)}"


def _items_of(index: SourceIndex, name: str, zones: Zones, now: datetime) -> Iterator[HeldItem]:
    posts = index.posts[name]
    if name in index.pairs:
        yield _new_key(index.source, posts, index.posts[index.pairs[name]])
        return
    for state in posts:
        for category in asked(state, posts, zones, now):
            yield _item(index.source, state, category)


def _item(source: str, state: RecordState, category: Category) -> HeldItem:
    record = RecordId(source, state.said.id, state.said.post)
    shown = state.said if category is Category.KEY_CHANGE else state.accepted or state.said
    return HeldItem(
        item_id(category, record),
        category,
        record,
        state.key,
        _text(shown.name) if shown.name else state.key,
        tuple(_lines(state, category)),
        _applied([state], _fields(category)),
    )


def _new_key(source: str, new: Posts, old: Posts) -> HeldItem:
    """A joiner and an absence that are taken for one person, whatever their posts."""
    record = RecordId(source, new[0].said.id, new[0].said.post)
    before = next(state for state in old if state.accepted is not None)
    lines = list(_differences(before.accepted, new[0].said, _LABELS))
    for state in new[1:]:
        lines += (f"post {_text(state.said.post)}: {line}" for line in _differences(None, state.said, _LABELS))
    return HeldItem(
        item_id(Category.KEY_CHANGE, record),
        Category.KEY_CHANGE,
        record,
        before.key,
        _text(new[0].said.name) if new[0].said.name else new[0].said.key,
        tuple(lines),
        _applied([*new, *old], _LABELS),
    )


def _lines(state: RecordState, category: Category) -> Iterator[str]:
    if state.absent_since is not None and not state.absence_rejected:
        what = "this post is" if category is Category.DID_MOVE else "the person is"
        yield f"{what} missing from the feed since {state.absent_since:%Y-%m-%d %H:%M} UTC"
        shown = state.accepted or state.said
        yield from _differences(None, shown, ("dids",) if category is Category.DID_MOVE else ("department", "dids"))
        return
    yield from _differences(state.accepted, state.said, _fields(category))


def _fields(category: Category) -> Collection[str]:
    """What approving an item sets."""
    whole = category in (Category.JOINER, Category.KEY_CHANGE, Category.ABSENCE)
    return _LABELS if whole else FIELDS[category]


def _differences(before: HrRecord | None, after: HrRecord, names: Iterable[str]) -> Iterator[str]:
    """`site Leeds` for somebody new, `site Leeds -> York` for somebody known."""
    for name in names:
        new = getattr(after, name)
        if before is None:
            if new is not None and name != "key":
                yield f"{_LABELS[name]} {_words(name, new)}"
            continue
        old = getattr(before, name)
        if new != old:
            was, words = _words(name, old), _words(name, new)
            hidden = " (the hidden digits differ)" if was == words else ""
            yield f"{_LABELS[name]} {was} -> {words}{hidden}"


def _words(name: str, value: object) -> str:
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M %Z}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return " then ".join(_one(item) for item in value) or "none"
    return _text(str(value), MASKED_KEY_DIGITS if name in _KEYS else MASKED_TEXT_DIGITS)


def _one(value: object) -> str:
    if isinstance(value, HrNumber):
        usual = value.ring_seconds == DEFAULT_RING_SECONDS
        return value.words if usual else f"{value.words} {value.ring_seconds}s"
    return str(value)


def _text(text: str, most: int = MASKED_TEXT_DIGITS) -> str:
    if sum(character.isdigit() for character in text) >= most:
        return mask_text(text)
    return "".join(character if character.isprintable() else "?" for character in text)


def _applied(states: Iterable[RecordState], names: Collection[str]) -> str:
    parts = []
    for state in states:
        values = [getattr(state.said, name) for name in names if name != "numbers"]
        parts.append(f"{state.said.post} {values} {state.absent_since}")
        if "numbers" in names:
            # A few hidden digits would soon be guessed from their hash; the moment, to the microsecond, is not.
            numbers = [(number.e164, number.use, number.ring_seconds) for number in state.said.numbers or ()]
            parts.append(f"{state.said.numbers is None} {numbers} {state.said_at.isoformat()}")
    return sha256("\n".join(parts).encode()).hexdigest()


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02x}" for byte in found.group().encode())
