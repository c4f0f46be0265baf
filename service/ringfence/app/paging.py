"""Pages of lists that begin with the newest: where one ends the next goes on, whatever has been added meanwhile.

A page is named by a moment and not by a row's number, for calls that are not stored yet have none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Before:
    """Where a page begins: with rows not younger than `at`, without the first `skip` of those of that very moment."""

    at: datetime
    skip: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next`: where the next one begins; None: there is no more."""

    rows: tuple[T, ...]
    next: Before | None


def page_of(rows: Sequence[T], limit: int, moment: Callable[[T], datetime], before: Before | None) -> Page[T]:
    """`rows`: newest first, one more than `limit` where there are more, from `before` on."""
    shown = tuple(rows[:limit])
    if len(rows) <= limit or not shown:
        return Page(shown, None)
    last = moment(shown[-1])
    skip = sum(1 for row in shown if moment(row) == last)
    if before is not None and before.at == last:
        skip += before.skip
    return Page(shown, Before(last, skip))


def from_here(rows: Sequence[T], moment: Callable[[T], datetime], before: Before | None) -> list[T]:
    """Of rows in memory, newest first: those from `before` on."""
    if before is None:
        return list(rows)
    return [row for row in rows if moment(row) <= before.at][before.skip :]
