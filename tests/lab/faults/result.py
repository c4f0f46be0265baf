"""What a fault's run gives: counts, bounds with what was measured, and whether they held."""

from __future__ import annotations

from dataclasses import dataclass

from tests.lab.tally import Tally


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that must not be more than `limit`. Nothing measured is a broken bound: silence proves nothing."""

    what: str
    measured: float | None
    limit: float
    unit: str = ""

    @property
    def ok(self) -> bool:
        return self.measured is not None and self.measured <= self.limit

    def __str__(self) -> str:
        measured = "nothing" if self.measured is None else f"{self.measured:g}"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.what} {measured} <= {self.limit:g}{unit}: {'ok' if self.ok else 'NOT OK'}"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, or one figure (then without a tally). `skipped` says why it was not run."""

    name: str
    what: str
    bounds: tuple[Bound, ...]
    tally: Tally | None = None
    after_verdict_ms: int | None = None
    skipped: str = ""

    @property
    def ok(self) -> bool:
        return all(bound.ok for bound in self.bounds)
