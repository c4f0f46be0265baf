"""What a fault's run gives: counts, bounds with what was measured, and whether they held."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Sequence
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
    """What keeps one row from being measured is a broken row, and the others are still run: a whole run takes long."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001  whatever it is, the next row is run
        return unmeasured(name, error)


async def all_of(names: Sequence[str], rows: AsyncIterator[Row]) -> AsyncIterator[Row]:
    """The rows, and a broken one for each of `names` that their common stage did not come to."""
    left = list(names)
    try:
        async for row in rows:
            left.remove(row.name)
            yield row
    except Exception as error:
        if not left:
            raise  # the stage would not come down: that is no row's fault, and must be seen
        for name in left:
            yield unmeasured(name, error)


def unmeasured(name: str, error: Exception) -> Row:
    """A row that could not be measured, and why."""
    said = " ".join(str(error).split())[:300]
    what = said if isinstance(error, LabError) else f"{type(error).__name__}: {said}"
    return Row(name, what, (Bound("not measured", None, 0),))
