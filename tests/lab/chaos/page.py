"""docs/reference/random.md: the words are written by hand, the figures between the marks by the commands."""

from __future__ import annotations

from pathlib import Path

from tests.marked_text import replaced_between

DOCS = Path(__file__).parents[3] / "docs" / "reference" / "random.md"


def write_kills(text: str) -> None:
    """What `make chaos` found."""
    _write("kills", text)


def write_simulation(text: str) -> None:
    """What `make simulation` found."""
    _write("simulation", text)


def _write(name: str, text: str) -> None:
    begin, end = f"<!-- {name}: written by the command -->", f"<!-- end of {name} -->"
    page = replaced_between(DOCS.read_text(encoding="utf-8"), begin, end, f"\n{text}\n")
    DOCS.write_text(page, encoding="utf-8")
