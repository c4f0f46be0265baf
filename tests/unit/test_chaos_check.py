"""What the kills at random are judged by finds what it is there to find."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tests.lab.chaos.book import Book
from tests.lab.chaos.check import ACCEPTED, IMPORTED, SAID, Found, faults, passing_faults
from tests.lab.chaos.orders import NOTHING, Kind, Order, tag

CELL, TRACES = "override did:+441134960001", (f"history {tag(1)}", f"audit override dr set {tag(1)}")
ORDER = Order(1, Kind.OVERRIDE, "PUT", "/override", cells={CELL: tag(1)}, traces=TRACES)
NOT_THERE = Found({}, {}, {}, {}, Counter(), {}, {})
THERE = replace(NOT_THERE, cells={CELL: tag(1)}, traces=Counter(TRACES))


def book_of(order: Order, *, answered: bool) -> Book:
    book = Book()
    book.sent(order)
    if answered:
        book.done(order)
    return book


def test_what_was_answered_has_to_be_there_and_what_was_not_may_be() -> None:
    assert faults(book_of(ORDER, answered=True), THERE) == []
    assert len(faults(book_of(ORDER, answered=True), NOT_THERE)) == 3
    for found, carried_out in ((THERE, True), (NOT_THERE, False)):
        book = book_of(ORDER, answered=False)
        assert faults(book, found) == []
        assert (book.holds(CELL) == tag(1), book.doubtful) == (carried_out, [])
        assert faults(book, found) == [], "what was in doubt is settled for good"


def test_what_is_half_there_or_there_twice_is_told() -> None:
    without_audit = replace(THERE, traces=Counter(TRACES[:1]))
    assert "half there" in faults(book_of(ORDER, answered=False), without_audit)[0]
    unsaid = replace(THERE, cells={})
    assert "half there" in faults(book_of(ORDER, answered=False), unsaid)[0]
    twice = replace(THERE, traces=Counter((*TRACES, *TRACES)))
    assert len(faults(book_of(ORDER, answered=True), twice)) == 2


def test_an_approval_moves_the_order_from_the_one_place_to_the_other() -> None:
    waits, stands = "waiting team:care", "override team:care"
    book = book_of(Order(1, Kind.ASK, "PUT", "/override", cells={waits: tag(1)}), answered=True)
    book.sent(
        Order(2, Kind.APPROVE, "POST", "/", cells={waits: NOTHING, stands: tag(1)}, traces=(f"history {tag(1)}",))
    )
    lost = replace(NOT_THERE, cells={})
    assert any("half there" in fault for fault in faults(book, lost)), "it neither waits nor stands"


def test_what_nobody_ordered_is_told() -> None:
    assert faults(Book(), replace(NOT_THERE, cells={CELL: "x"})) == [f"{CELL} holds 'x', which nobody ordered"]
    assert len(faults(Book(), replace(NOT_THERE, traces=Counter(TRACES)))) == 2


def test_a_mixture_of_two_imports_is_none_of_them() -> None:
    book = Book({IMPORTED: tag(1), SAID: NOTHING, ACCEPTED: NOTHING})
    book.imports = {tag(1): {"p1": "a", "p2": "a"}, tag(2): {"p1": "b", "p2": "b"}}
    book.sent(Order(2, Kind.IMPORT, "POST", "/import", cells={IMPORTED: tag(2)}, traces=(f"directory {tag(2)}",)))
    mixture = replace(NOT_THERE, imported={"p1": "a", "p2": "b"})
    assert faults(book, mixture) == [f"directory should hold {tag(1)!r} and holds 'a mixture'"]


def test_another_table_or_mode_in_asterisk_is_told_without_any_number() -> None:
    found = replace(NOT_THERE, astdb={"did/1/x": "+447700900001"}, compiled={"did/1/x": "+447700900002"})
    told = faults(Book(), replace(found, mode="divert|FAILED_OVER|-", held_mode="normal|NORMAL|-"))
    assert len(told) == 2 and "+4477009" not in "".join(told)


def test_a_broken_audit_chain_is_told() -> None:
    assert faults(Book(), replace(NOT_THERE, audit_faults=("the chain breaks",))) == ["the chain breaks"]


def test_what_is_late_is_told_and_waited_for() -> None:
    found = replace(THERE, late=("the spool holds 1 changes that are not stored",))
    assert faults(book_of(ORDER, answered=True), found) == passing_faults(found) == list(found.late)
