"""A table as it lies in a file: a header and rows of text, before any column means anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.csv_text import shown_name as shown_name

MAX_FEED_BYTES: Final = 128 << 20  # 100,000 rows of twenty columns are 20 MB
MAX_ROWS: Final = 500_000
MAX_COLUMNS: Final = 1_000
MAX_CELL_CHARACTERS: Final = 1_000
SHOWN_CHARACTERS: Final = 1_000


class SheetRow(NamedTuple):
    """`line` is where it begins, from 1. `fault`: why the row cannot be believed, whatever its cells say."""

    line: int
    cells: list[str]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows` can be gone through once, and raises FeedRefused where the file turns out to be damaged. `form` says how
    it was read, for people. `row_estimate` is for a progress bar."""

    file: str
    header: tuple[str, ...]
    rows: Iterator[SheetRow]
    form: str
    row_estimate: int | None = None


def refuse_size(file: str, size: int) -> None:
    """Raises FeedRefused for a file that is empty or larger than any list of staff."""
    if size == 0:
        raise FeedRefused(f"{file} is empty.", "Look at the export; nothing was changed.")
    if size > MAX_FEED_BYTES:
        raise FeedRefused(f"{file} is larger than {MAX_FEED_BYTES >> 20} MB.", "Is it the right file?")


def clean_header(file: str, cells: list[str]) -> tuple[str, ...]:
    """Raises FeedRefused for a line that cannot be a header."""
    header = [" ".join(cell.split()) for cell in cells]
    while header and not header[-1]:
        header.pop()  # a spreadsheet adds empty columns at the end
    if len(header) > MAX_COLUMNS or any(len(cell) > MAX_CELL_CHARACTERS for cell in header):
        raise FeedRefused(f"{file}: its first line is no header.", "The first line must name the columns.")
    return tuple(header)


def shown_names(names: Iterable[str]) -> str:
    """Several of them, in a line of bounded length."""
    return ", ".join(shown_name(name) for name in names)[:SHOWN_CHARACTERS]


def shape_fault(cells: list[str], width: int) -> str:
    """Why a row does not fit below its header; empty when it does."""
    if len(cells) < width:
        return f"has {len(cells)} fields instead of {width}: it is cut off, or a delimiter is missing"
    if len(cells) > width and any(cells[width:]):
        return f"has more than the {width} fields of the header; quote a field that holds the delimiter"
    if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
        return f"has a field longer than {MAX_CELL_CHARACTERS} characters; is a quote not closed?"
    return ""
