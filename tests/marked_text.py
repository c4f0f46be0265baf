"""Pages whose words are written by hand and whose figures or drawings a command writes, between two marks."""

from __future__ import annotations


def replaced_between(text: str, begin: str, end: str, body: str) -> str:
    """Raises ValueError where a mark is missing: the page would be written over, or nothing would be."""
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page lacks {begin if not found else end!r}")
    return f"{before}{begin}\n{body}\n{end}{after}"
