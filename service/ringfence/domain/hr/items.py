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
from ringfence.domain.hr.category import FIELDS, Category
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.index import SourceIndex
from ringfence.domain.hr.keys import Posts
from ringfence.domain.hr.record import HrNumber, HrRecord, RecordId
from ringfence.domain.hr.roster import RecordState
from ringfence.domain.hr.same_key import SameKey
from ringfence.domain.numbers import mask_text

MASKED_TEXT_DIGITS: Final = 7
"""A text with so many digits may be a telephone number (ITU-T E.164, section 6.2.1: 7 to 15)."""
MASKED_KEY_DIGITS: Final = 10
"""A key with so many; a staff number has fewer, and has to be read."""
MAX_OTHERS: Final = 3

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
    Category.SAME_KEY: "same keys",
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
    """One thing to decide. It is made of the records themselves, and its words only when somebody reads them: of a
    first load of 100,000 people a thousand are read. `states` is the record, or all posts of a joiner who is taken for
    `replaced` under another key; `hints` say whose else a key is, and what to do."""

    category: Category
    source: str
    states: Posts = field(repr=False)
    replaced: Posts = field(default=(), repr=False)
    hints: tuple[str, ...] = ()

    @property
    def record(self) -> RecordId:
        said = self.states[0].said
        return RecordId(self.source, said.id, said.post)

    @property
    def id(self) -> str:
        """Stable, unique in the source and the same in a URL."""
        return item_id(self.category, self.record)

    @property
    def person(self) -> PersonKey:
        return self._before.key

    @property
    def name(self) -> str:
        state = self.states[0]
        shown = state.said if self.category is Category.KEY_CHANGE else state.accepted or state.said
        return _text(shown.name) if shown.name else shown.key if self.replaced else state.key

    @property
    def lines(self) -> tuple[str, ...]:
        """For people."""
        if self.replaced:
            return tuple(_new_key_lines(self.states, self._before))
        return (*self.hints, *_lines(self.states[0], self.category))

    @property
    def content(self) -> str:
        """All that is shown of it and all that approving it would do, hidden digits included. Not for people."""
        names = _LABELS if self.replaced else _fields(self.category)
        return "\n".join((*(_content(state, names) for state in (*self.states, *self.replaced)), *self.hints))

    @property
    def _before(self) -> RecordState:
        return next((state for state in self.replaced if state.accepted is not None), self.states[0])


def held_items(index: SourceIndex, zones: Zones, now: datetime) -> tuple[HeldItem, ...]:
    """Sorted by category, then by identifier and post. `index` is up to date."""
    same_key = SameKey(index, zones, now)
    items = [item for name in index.held for item in _items_of(index, name, same_key)]
    return tuple(sorted(items, key=lambda item: (_ORDER[item.category], item.record)))


def fingerprint(items: Iterable[HeldItem]) -> str:
    """12 hex digits for exactly these items. Two plans that read the same and differ in a hidden digit differ here."""
    digest = sha256()
    for item in sorted(items, key=lambda item: (item.record, _ORDER[item.category])):
        digest.update(f"{item.id} {item.content}\n".encode())
    return digest.hexdigest()[:12]


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


def _items_of(index: SourceIndex, name: str, same_key: SameKey) -> Iterator[HeldItem]:
    posts = index.posts[name]
    if name in index.pairs:
        yield HeldItem(Category.KEY_CHANGE, index.source, posts, index.posts[index.pairs[name]])
        return
    for state in posts:
        own = posts if len(posts) == 1 else (state,)
        for category in same_key.asked(name, state, posts):
            hints = tuple(_hints(index, name, state, same_key)) if category is Category.SAME_KEY else ()
            yield HeldItem(category, index.source, own, hints=hints)


def _hints(index: SourceIndex, name: str, state: RecordState, same_key: SameKey) -> Iterator[str]:
    """Whose key it is or was, and what to do. Of many others the first few."""
    key = state.said.key
    shown = _text(key, MASKED_KEY_DIGITS)
    others = same_key.others(name, key)
    for other in others[:MAX_OTHERS]:
        its = index.posts[other][0]
        words = "has left" if other in same_key.left(key) else "has it too"
        yield f"key {shown}: {_text((its.accepted or its.said).name or 'somebody')}, record {_text(other)}, {words}"
    if len(others) > MAX_OTHERS:
        yield f"key {shown}: {len(others) - MAX_OTHERS} more records have it"
    if key in index.aliases:
        yield f"key {shown} was the key of the one whose key is {_text(index.aliases[key], MASKED_KEY_DIGITS)} now"
    elif not others:
        yield f"key {shown}: the name and all else differ from those of the one who had left"
    yield f"if this is somebody else: `ringfence person forget {shown}` first, or give them another key"


def _lines(state: RecordState, category: Category) -> Iterator[str]:
    if state.absent_since is not None and not state.absence_rejected:
        what = "this post is" if category is Category.DID_MOVE else "the person is"
        yield f"{what} missing from the feed since {state.absent_since:%Y-%m-%d %H:%M} UTC"
        shown = state.accepted or state.said
        yield from _differences(None, shown, ("dids",) if category is Category.DID_MOVE else ("department", "dids"))
        return
    yield from _differences(state.accepted, state.said, _fields(category))


def _new_key_lines(new: Posts, before: RecordState) -> Iterator[str]:
    """A joiner and an absence that are taken for one person, whatever their posts."""
    yield from _differences(before.accepted, new[0].said, _LABELS)
    for state in new[1:]:
        yield from (f"post {_text(state.said.post)}: {line}" for line in _differences(None, state.said, _LABELS))


def _fields(category: Category) -> Collection[str]:
    """What approving an item sets."""
    whole = category in (Category.JOINER, Category.KEY_CHANGE, Category.SAME_KEY, Category.ABSENCE)
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


def shown_key(key: str) -> str:
    """A key or a source's own id as people may see it: one that reads as a telephone number is hidden."""
    return _text(key, MASKED_KEY_DIGITS)


def _text(text: str, most: int = MASKED_TEXT_DIGITS) -> str:
    if sum(character.isdigit() for character in text) >= most:
        return mask_text(text)
    return "".join(character if character.isprintable() else "?" for character in text)


def _content(state: RecordState, names: Collection[str]) -> str:
    said = state.said
    text = f"{said.post} {state.absent_since} {state.absence_rejected} {_values(said, names)}"
    if state.accepted is not None:
        text += f" {_values(state.accepted, names)}"
    # A few hidden digits would soon be guessed from their hash; the moment, to the microsecond, is not.
    return f"{text} {state.said_at.isoformat()}" if "numbers" in names else text


def _values(record: HrRecord, names: Collection[str]) -> list[object]:
    values = [getattr(record, name) for name in names if name != "numbers"]
    if "numbers" in names and record.numbers is not None:
        values += ((number.e164, number.use, number.ring_seconds) for number in record.numbers)
        values.append(len(record.numbers))
    return values


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02x}" for byte in found.group().encode())
