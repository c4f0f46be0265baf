"""What a run of the long simulation came to: how often everything happened, and whether anything never did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from tests.simulation.fault_names import FAULTS
from tests.simulation.long_run import Chapter

ENOUGH_HOURS = 1_000
"""In fewer hours a rare fault may not have had its turn."""


@dataclass(frozen=True, slots=True)
class Told:
    """`never`: faults that did not happen in hours enough, which fails the run."""

    seed: int
    hours: float
    events: int
    seconds: float
    faults: Counter[str]
    transitions: Counter[str]
    broken: tuple[str, ...]
    never: tuple[str, ...]
    digest: str

    @property
    def ok(self) -> bool:
        return not self.broken and not self.never

    @property
    def table(self) -> str:
        """Markdown."""
        rows = [
            f"Seed {self.seed}: {self.hours:,.0f} hours, {self.events:,} events played, "
            f"{sum(self.faults.values()):,} faults and other happenings, {len(self.broken)} rules broken. "
            f"SHA-256 of the history: `{self.digest[:16]}`.",
            "",
            "| what happened | times |",
            "|---|---:|",
            *(f"| {name} | {count:,} |" for name, count in sorted(self.faults.items())),
            "",
            "| transition: reason | times |",
            "|---|---:|",
            *(f"| {name} | {count:,} |" for name, count in sorted(self.transitions.items())),
        ]
        return "\n".join(rows)

    def to_json(self) -> dict[str, object]:
        return {
            "seed": self.seed,
            "hours": self.hours,
            "events": self.events,
            "seconds": round(self.seconds, 1),
            "faults": dict(sorted(self.faults.items())),
            "transitions": dict(sorted(self.transitions.items())),
            "broken": list(self.broken),
            "never": list(self.never),
            "digest": self.digest,
        }


def told(seed: int, chapters: Sequence[Chapter], seconds: float) -> Told:
    faults: Counter[str] = sum((chapter.faults for chapter in chapters), Counter())
    transitions: Counter[str] = sum((chapter.transitions for chapter in chapters), Counter())
    hours = sum(chapter.hours for chapter in chapters)
    never = [name for name in FAULTS if not faults[name]] if hours >= ENOUGH_HOURS else []
    broken = tuple(f"{chapter.seed}: {chapter.broken}" for chapter in chapters if chapter.broken)
    digest = sha256("".join(chapter.digest for chapter in chapters).encode()).hexdigest()
    events = sum(chapter.events for chapter in chapters)
    return Told(seed, hours, events, seconds, faults, transitions, broken, tuple(never), digest)
