"""What the worker was answered: which cells hold what for certain, and which orders are in doubt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.lab.chaos.orders import NOTHING, Kind, Order


@dataclass(slots=True)
class Book:
    """`certain`: by cell, what was answered with success or found by a check. `doubtful`: sent, and not answered; at
    most one a cell, for a lane gives its next order only after the answer. `feeds`: by tag, the number that a feed
    states for each person; `imports` likewise."""

    certain: dict[str, str] = field(default_factory=dict)
    doubtful: list[Order] = field(default_factory=list)
    due: Counter[str] = field(default_factory=Counter)
    """Rows that must be there, each as often as this."""
    feeds: dict[str, dict[str, str]] = field(default_factory=dict)
    imports: dict[str, dict[str, str]] = field(default_factory=dict)
    accepted: Counter[Kind] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    """What became of orders that were not answered."""

    def holds(self, cell: str) -> str:
        return self.certain.get(cell, NOTHING)

    def sent(self, order: Order) -> None:
        self.doubtful.append(order)

    def done(self, order: Order) -> None:
        """Answered with success: it must never be lost again."""
        self.doubtful.remove(order)
        self.certain.update(order.cells)
        self.due.update(order.traces)
        self.accepted[order.kind] += 1

    def not_done(self, order: Order, status: int) -> None:
        """Refused: nothing may have changed."""
        self.doubtful.remove(order)
        self.refused[f"{order.kind}: {status}"] += 1

    def settle(self, order: Order, carried_out: bool) -> None:
        """A check has seen what became of an order that was not answered."""
        self.doubtful.remove(order)
        if carried_out:
            self.certain.update(order.cells)
            self.due.update(order.traces)
        self.settled["carried out" if carried_out else "not carried out"] += 1
