"""The kinds of change that can be held, and which fields of a record each of them stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from ringfence.domain.hr.record import DETAIL_FIELDS, STATUS_FIELDS, HrRecord


class Category(StrEnum):
    """What kind of change a held item is."""

    JOINER = "joiner"
    RETURN = "return"
    TERM = "term"
    DID_MOVE = "did_move"
    NUMBER_CHANGE = "number_change"
    DETAIL = "detail"
    ABSENCE = "absence"
    KEY_CHANGE = "key_change"
    SAME_KEY = "same_key"


FIELDS: Final[Mapping[Category, tuple[str, ...]]] = MappingProxyType(
    {
        Category.KEY_CHANGE: ("key",),
        # Whoever comes back comes back with the numbers and DIDs of today, or a stranger's telephone might ring.
        Category.RETURN: (*STATUS_FIELDS, "dids", "numbers", *DETAIL_FIELDS),
        Category.SAME_KEY: (*STATUS_FIELDS, "dids", "numbers", *DETAIL_FIELDS),
        Category.TERM: STATUS_FIELDS,
        Category.DID_MOVE: ("dids",),
        Category.NUMBER_CHANGE: ("numbers",),
        Category.DETAIL: DETAIL_FIELDS,
    }
)
"""What is accepted, or refused, with one item. A joiner is the whole record, an absence none of it; with another's key
it is either a joiner or a return."""

GROUPS: Final = (Category.KEY_CHANGE, Category.TERM, Category.DID_MOVE, Category.NUMBER_CHANGE, Category.DETAIL)
"""Each group of fields once."""

UNTRUSTED: Final = (Category.KEY_CHANGE, Category.DID_MOVE, Category.NUMBER_CHANGE, Category.DETAIL)
"""Too many of one of these look like a column that has slipped. Joiners and returns come with numbers and DIDs that
nothing can be compared with, so they wait as well."""

GUARDED: Final = (
    Category.JOINER,
    Category.RETURN,
    Category.TERM,
    Category.DID_MOVE,
    Category.NUMBER_CHANGE,
    Category.DETAIL,
)
"""What the guard may let through, in the order in which it looks: joiners add to the number of people that the limit is
a share of, and who is employed decides whether a missing post has been given up."""

_GETTERS: Final[Mapping[Category, Callable[[HrRecord], object]]] = MappingProxyType(
    {category: attrgetter(*fields) for category, fields in FIELDS.items()}
)
_SHARED: Final[dict[frozenset[Category], frozenset[Category]]] = {}


def group(record: HrRecord, category: Category) -> object:
    """The values of a category's fields, to be compared."""
    return _GETTERS[category](record)


def fields_of(record: HrRecord, category: Category) -> dict[str, Any]:
    """The same by name, for `dataclasses.replace`."""
    return {name: getattr(record, name) for name in FIELDS[category]}


def shared(categories: Iterable[Category]) -> frozenset[Category]:
    """Of 100,000 people nearly all are held for the same: a set of its own for each would take more than the record."""
    found = frozenset(categories)
    return _SHARED.setdefault(found, found)
