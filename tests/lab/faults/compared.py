"""One run's figures beside those of the run before: what moved, and by more than a machine's own unrest.

The figures lie beside the page, in a file that programs read: row by row what each bound measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.faults.result import Bound, Row

NOISE_SHARE = 0.25
NOISE: dict[str, float] = {"ms": 50.0, "s": 0.5, "MB": 10.0, "": 1.0}
"""What a figure may differ by, at least, in its own unit. Two cores run both ends of every call. What may not happen at
all has none: there every one counts."""

Figures = dict[str, dict[str, float | None]]


@dataclass(frozen=True, slots=True)
class Move:
    """One figure that is not what it was. Every bound is one from above: less is better."""

    row: str
    what: str
    before: float | None
    after: float | None
    unit: str

    @property
    def better(self) -> bool:
        return self.after is not None and (self.before is None or self.after < self.before)

    def __str__(self) -> str:
        word = "better" if self.better else "worse"
        return (
            f"{word}: {self.what} {_text(self.after)} (was {_text(self.before)}){' ' + self.unit if self.unit else ''}"
        )


def read(path: Path) -> Figures:
    """The run before; nothing where there is none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write(path: Path, rows: Sequence[Row], before: Figures, known: Sequence[str]) -> None:
    """A row that was not run keeps what it had; one that is no more goes."""
    ran = {row.name: {bound.what: bound.measured for bound in row.bounds} for row in rows if not row.skipped}
    found = {name: ran.get(name, before.get(name)) for name in known}
    kept = {name: figures for name, figures in found.items() if figures is not None}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def moved(row: Row, before: Figures) -> list[Move]:
    """What is better or worse than before by more than noise; nothing of a row that was not there."""
    old: Mapping[str, float | None] = before.get(row.name, {})
    return [
        Move(row.name, bound.what, old[bound.what], bound.measured, bound.unit)
        for bound in row.bounds
        if bound.what in old and not _alike(old[bound.what], bound)
    ]


def section(rows: Sequence[Row], before: Figures) -> str:
    """For the page: how this run differs from the one before."""
    known = [row for row in rows if row.name in before]
    new = [row.name for row in rows if row.name not in before and not row.skipped]
    moves = [move for row in known for move in moved(row, before)]
    if not before:
        return "There was no run before.\n"
    text = [
        f"{len(known)} rows were there before, {len(new)} are new. A figure has moved when it differs by more than "
        f"{NOISE_SHARE:.0%} and by more than {_noise()}; what may not happen at all, when it differs at all.",
        "",
        *(f"- {move.row}: {move}" for move in moves),
    ]
    return "\n".join(text if moves else [*text, "Nothing has moved."]) + "\n"


def _alike(before: float | None, bound: Bound) -> bool:
    after = bound.measured
    if before is None or after is None:
        return before is after
    allowed = max(NOISE.get(bound.unit, 0.0), NOISE_SHARE * max(before, after)) if bound.limit else 0.0
    return abs(after - before) <= allowed


def _noise() -> str:
    return ", ".join(f"{value:g} {unit}" if unit else f"a count of {value:g}" for unit, value in NOISE.items())


def _text(value: float | None) -> str:
    return "nothing" if value is None else f"{value:g}"
