"""What does not agree: pure, over what was answered and what was found. Every fault is one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.lab.chaos.book import Book
from tests.lab.chaos.orders import NOTHING, Order

SAID, ACCEPTED, IMPORTED = "said by HR", "accepted of HR", "directory"


@dataclass(frozen=True, slots=True)
class Found:
    """Everything as it was read. `cells`: what each holds now. `said`, `accepted`, `imported`: a person's number, by
    key. `traces`: how often each row of the histories is there. `astdb` and `compiled`: by key below `ringfence`."""

    cells: Mapping[str, str]
    said: Mapping[str, str]
    accepted: Mapping[str, str]
    imported: Mapping[str, str]
    traces: Counter[str]
    astdb: Mapping[str, str]
    compiled: Mapping[str, str]
    mode: str = ""
    """What the mode key should say, its time left out."""
    held_mode: str = ""
    audit_faults: tuple[str, ...] = ()
    own_faults: tuple[str, ...] = ()
    """What contradicts itself within the database."""
    late: tuple[str, ...] = ()
    """What is still to be done, and may be for a moment: changes in the spool, words that end by themselves."""


def faults(book: Book, found: Found) -> list[str]:
    """Compares, and settles in `book` what became of the orders in doubt."""
    doubtful, told = list(book.doubtful), list(found.audit_faults)
    for order in doubtful:
        carried_out, half = _carried_out(book, order, found)
        if half:
            told.append(f"{order.kind} ({order.tag}) is half there: {half}")
        book.settle(order, carried_out)
    told += _cells(book, found)
    told += _traces(book, found)
    return told + passing_faults(found)


def passing_faults(found: Found) -> list[str]:
    """What may be so for a moment: AstDB holds something else than the database makes, the database not all that is
    decided, or a mode that changed between the reading of its state and of its history. Values hold private numbers:
    only keys are told."""
    told = [*found.late, *found.own_faults]
    keys = found.astdb.keys() | found.compiled.keys()
    if wrong := sorted(key for key in keys if found.astdb.get(key) != found.compiled.get(key)):
        told.append(f"AstDB differs from the database in {len(wrong)} records, first {wrong[0]}")
    if found.mode != found.held_mode:
        told.append(f"mode: the database says {found.mode}, AstDB says {found.held_mode}")
    return told


def _carried_out(book: Book, order: Order, found: Found) -> tuple[bool, str]:
    """Whether an order that was not answered was carried out, and what is neither the one nor the other."""
    there = [name for name, wanted in order.cells.items() if _holds(book, name, wanted, found)]
    left = [name for name in order.cells if name not in there]
    seen = [trace for trace in order.traces if found.traces[trace] > book.due[trace]]
    gone = [trace for trace in order.traces if trace not in seen]
    if not left and not gone:
        return True, ""
    if not there and not seen:
        return False, ""
    # A cell that would hold the same either way says nothing.
    if not seen and all(_holds(book, name, book.holds(name), found) for name in there):
        return False, ""
    return bool(seen), f"there: {there + seen}; missing: {left + gone}"


def _cells(book: Book, found: Found) -> Iterator[str]:
    for name, wanted in sorted(book.certain.items()):
        if not _holds(book, name, wanted, found):
            yield f"{name} should hold {wanted!r} and holds {shown(book, name, found)!r}"
    for name, value in sorted(found.cells.items()):
        if value != NOTHING and name not in book.certain:
            yield f"{name} holds {value!r}, which nobody ordered"


def _holds(book: Book, name: str, wanted: str, found: Found) -> bool:
    numbers = {SAID: found.said, ACCEPTED: found.accepted, IMPORTED: found.imported}.get(name)
    if numbers is None:
        return found.cells.get(name, NOTHING) == wanted
    return numbers == (book.imports if name == IMPORTED else book.feeds).get(wanted, {})


def shown(book: Book, name: str, found: Found) -> str:
    for cell, numbers, known in (
        (SAID, found.said, book.feeds),
        (ACCEPTED, found.accepted, book.feeds),
        (IMPORTED, found.imported, book.imports),
    ):
        if name == cell:
            return next((tag for tag, stated in known.items() if stated == numbers), "a mixture")
    return found.cells.get(name, NOTHING)


def _traces(book: Book, found: Found) -> Iterator[str]:
    for trace, count in sorted(found.traces.items()):
        if count != book.due[trace]:
            yield f"{trace!r} is there {count} times, should be {book.due[trace]}"
    for trace, count in sorted(book.due.items()):
        if count and trace not in found.traces:
            yield f"{trace!r} was accepted and is not there"
