"""The mode machine as a picture and a table, drawn from `domain.outage.TRANSITIONS` into the page that explains it.

Run `python -m tests.tidy.mode_diagram` after a change of the table; a tidy test keeps both equal.
"""

from __future__ import annotations

from pathlib import Path

from ringfence.domain.outage import TRANSITIONS, Mode, Signal
from tests.marked_text import replaced_between
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "explanation" / "outage-decision.md"
BEGIN = "<!-- drawn from domain/outage.py by `python -m tests.tidy.mode_diagram`; do not edit -->"
END = "<!-- end of what is drawn -->"

SIGNAL_WORDS = {
    Signal.OUTAGE: "outage",
    Signal.RECOVERY: "it answers again",
    Signal.HOLD_EXPIRED: "healthy for the whole hold-down",
    Signal.TRIAL_PASSED: "trial calls put through",
    Signal.FAILBACK_ORDERED: "a person orders the failback",
}


def drawing() -> str:
    """A Mermaid diagram for those who see pictures, and the same as a table for everybody else."""
    moves = [(before, signal, after) for before, row in TRANSITIONS.items() for signal, after in row.items()]
    return "\n".join(
        [
            "```mermaid",
            "stateDiagram-v2",
            f"    [*] --> {Mode.NORMAL}",
            *(f"    {before} --> {after}: {SIGNAL_WORDS[signal]}" for before, signal, after in moves),
            "```",
            "",
            "| in this mode | when | the mode becomes |",
            "|---|---|---|",
            *(f"| `{before}` | {SIGNAL_WORDS[signal]} | `{after}` |" for before, signal, after in moves),
        ]
    )


def drawn_into(text: str) -> str:
    """The page with the drawing of today between its two marks."""
    return replaced_between(text, BEGIN, END, drawing())


def draw(page: Path = PAGE) -> None:
    """Writes the drawing into the page."""
    page.write_text(drawn_into(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    draw()
