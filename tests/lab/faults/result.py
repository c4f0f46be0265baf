"""What a fault's run gives: counts, bounds with what was measured, and whether they held."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from tests.lab.tally import Tally
from tests.lab.waiting import LabError


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


async def guarded(name: str, work: Awaitable[Row]) -> Row:
    """A lab that could not do its part is a broken row, and the others are still run."""
    try:
        return await work
    except LabError as error:
        return Row(name, str(error).splitlines()[0], (Bound("the lab failed", None, 0),))
