"""The dialplan of the next edition: what is shipped, reading rows of schema 2 and none of 1. Schema 1 is the first, so
the other neighbour is made of it, for both directions of an upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ringfence.config.snippets import shipped_snippets

NEXT: Final = "2"
_ROW: Final = '"1|"'
_FIELDS: Final = '"-1|normal|"'  # of a record and of a mode, compared in one
_EDITION: Final = "extensions_ringfence_edition.conf"


def next_edition() -> dict[str, str]:
    """File name -> text."""
    texts = {name: _next(text) for name, text in shipped_snippets().items()}
    assert sum(text.count(f'"{NEXT}|"') for text in texts.values()) >= 5, "rows are told by another mark now"
    return texts


def claiming_next() -> dict[str, str]:
    """This edition in everything but what it says of itself: calls go on by the rows that are there."""
    return {_EDITION: _next(shipped_snippets()[_EDITION])}


def lay(texts: dict[str, str], folder: Path) -> None:
    """Over what is there, as an upgrade does."""
    for name, text in texts.items():
        (folder / name).write_text(text)


def _next(text: str) -> str:
    return text.replace(_ROW, f'"{NEXT}|"').replace(_FIELDS, f'"-{NEXT}|normal|"').replace("reads1", f"reads{NEXT}")
