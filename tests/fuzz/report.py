"""What the fuzzers found, as a table, as JSON, and on its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.fuzz.engine import Hunt
from tests.fuzz.samples import as_line
from tests.lab.page_parts import machine, markdown
from tests.marked_text import replaced_between

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "fuzzing.md"
BEGIN: Final = "<!-- fuzzing: written by the command -->"
END: Final = "<!-- end of fuzzing -->"
_COLUMNS: Final = ("parser", "of what", "inputs", "repeated", "outcomes", "lines reached", "findings")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command. `seconds` are of CPU and for each parser."""

    seed: int
    seconds: float
    hunts: Sequence[Hunt]

    @property
    def finding_count(self) -> int:
        return sum(len(hunt.findings) for hunt in self.hunts)


def rows(run: Run) -> list[tuple[str, ...]]:
    """One for each parser, and the sum."""
    found = [
        (
            hunt.target.name,
            hunt.target.what,
            f"{hunt.inputs:,}",
            str(hunt.grown),
            str(len(hunt.outcomes)),
            f"{hunt.covered} of {hunt.lines}",
            str(len(hunt.findings)),
        )
        for hunt in run.hunts
    ]
    inputs, grown = sum(hunt.inputs for hunt in run.hunts), sum(hunt.grown for hunt in run.hunts)
    found.append(("all", f"{len(run.hunts)} parsers", f"{inputs:,}", str(grown), "", "", str(run.finding_count)))
    return found


def table(run: Run) -> str:
    return markdown(_COLUMNS, rows(run))


def told(run: Run) -> list[str]:
    """Each finding: what, where, and the input that shows it again."""
    return [
        f"{one.target}: {one.what}{f' ({one.where})' if one.where else ''}\n  input {as_line(one.data[:400])}"
        for hunt in run.hunts
        for one in hunt.findings
    ]


def to_json(run: Run) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "seconds": run.seconds,
        "findings": run.finding_count,
        "parsers": [
            {
                "name": hunt.target.name,
                "inputs": hunt.inputs,
                "repeated": hunt.grown,
                "outcomes": sorted(hunt.outcomes),
                "lines": hunt.lines,
                "reached": hunt.covered,
                "findings": [
                    {"what": one.what, "where": one.where, "input": one.data.decode("latin-1")} for one in hunt.findings
                ],
            }
            for hunt in run.hunts
        ],
    }


def write_page(run: Run) -> None:
    """Between the page's marks."""
    words = (
        f"Measured on {datetime.now(UTC).date()} with seed {run.seed}, {run.seconds:g} s of CPU for each parser "
        "and as many for repeated pieces: "
        f"{machine()}."
    )
    findings = "\n".join(f"- `{line}`" for one in told(run) for line in [one.splitlines()[0]]) or "No finding is open."
    body = f"\n{words}\n\n{table(run)}\n\n{findings}\n"
    PAGE.write_text(replaced_between(PAGE.read_text(encoding="utf-8"), BEGIN, END, body), encoding="utf-8")
