"""CSV bytes to a sheet: encoding and delimiter are found, not configured; what is damaged is refused.

A file cut in the middle of a UTF-8 character is not UTF-8 any more. It must not be taken for Windows-1252, or every
name in it would change: so Windows-1252 is believed only where nothing in the file is UTF-8.
"""

from __future__ import annotations

import csv
import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from io import BytesIO, TextIOWrapper
from typing import Final

from ringfence.app.hr.ports import FeedRefused
from ringfence.hr.sheet import Sheet, SheetRow, clean_header, refuse_size, shape_fault

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
WINDOWS: Final = "cp1252"  # Windows-1252
UNENDED: Final = (
    "is the last line and has no line end, so that it may be cut off; let the export end each line, send a row count, "
    'or set last_line = "complete"'
)
SAVE_AGAIN: Final = "Export it again, as CSV in UTF-8."
PIECE_BYTES: Final = 1 << 20
MAX_LINE_BYTES: Final = 1 << 20  # a thousand columns of a thousand characters

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF8_LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def open_csv(file: str, data: bytes, wanted: Iterable[str], *, believe_last_line: bool) -> Sheet:
    """`wanted` are the columns that help to find the delimiter. `believe_last_line`: also without a line end. Raises
    FeedRefused."""
    refuse_size(file, len(data))
    encoding = encoding_of(file, data)
    _refuse_long_line(file, data)
    delimiter = _delimiter(data, encoding, wanted)
    text = TextIOWrapper(BytesIO(data), encoding=encoding, newline="")
    # strict: an unclosed quote is an error and not a cell with the rest of the file in it.
    raw = _raw_rows(file, csv.reader(text, delimiter=delimiter, strict=True))
    first = next(raw, None)
    if first is None:
        raise FeedRefused(f"{file} is empty.", "Look at the export; nothing was changed.")
    header = clean_header(file, first.cells)
    rows = _judged(raw, len(header), believe_last_line or data.endswith((b"\n", b"\r")))
    name = "Windows-1252" if encoding == WINDOWS else "UTF-8"
    return Sheet(file, header, rows, f"CSV, {name}, {DELIMITERS[delimiter]}", max(data.count(b"\n") - 1, 0))


def encoding_of(file: str, data: bytes) -> str:
    """A Python codec. Raises FeedRefused for what is neither UTF-8 nor Windows-1252, and for a mixture."""
    if data.startswith(_UTF16_MARKS) or b"\x00" in data:
        raise FeedRefused(f"{file} is UTF-16, damaged or not a text at all.", SAVE_AGAIN)
    fault = _no_text(data, "utf-8")
    if fault is None:
        return "utf-8-sig"
    at, reason = fault
    cut = reason == "unexpected end of data"
    if cut or data.startswith(_UTF8_MARK) or _has_utf8_letter(data):
        line = data.count(b"\n", 0, at) + 1
        what = "ends inside a character: it is cut off" if cut else f"is damaged: line {line} is not UTF-8"
        raise FeedRefused(f"{file} {what}.", SAVE_AGAIN)
    fault = _no_text(data, WINDOWS)
    if fault is not None:
        line = data.count(b"\n", 0, fault[0]) + 1
        raise FeedRefused(f"{file}: line {line} is neither UTF-8 nor Windows-1252.", SAVE_AGAIN)
    return WINDOWS


def _no_text(data: bytes, encoding: str) -> tuple[int, str] | None:
    """Where it is no text in this encoding, and why; None when it is. Piece by piece, for nothing else in the process
    runs while one is decoded, in whatever thread that is."""
    decoder = getincrementaldecoder(encoding)()
    for start in range(0, len(data), PIECE_BYTES):
        held = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + PIECE_BYTES], final=start + PIECE_BYTES >= len(data))
        except UnicodeDecodeError as error:
            return start - held + error.start, error.reason
    return None


def _has_utf8_letter(data: bytes) -> bool:
    longest = 4
    pieces = range(0, len(data), PIECE_BYTES)
    return any(_UTF8_LETTER.search(data, start, start + PIECE_BYTES + longest - 1) for start in pieces)


def _refuse_long_line(file: str, data: bytes) -> None:
    at = 0
    while at + MAX_LINE_BYTES < len(data):
        end = max(data.rfind(mark, at, at + MAX_LINE_BYTES) for mark in (b"\n", b"\r"))
        if end < 0:
            line = data.count(b"\n", 0, at) + 1
            raise FeedRefused(f"{file}: line {line} is longer than {MAX_LINE_BYTES >> 20} MB.", "Is it the right file?")
        at = end + 1


def _delimiter(data: bytes, encoding: str, wanted: Iterable[str]) -> str:
    """The one that finds most of the wanted columns in the header; among equals, the one that finds most columns."""
    first = next((line for line in data[: 1 << 20].splitlines() if line.strip()), b"").decode(encoding, "replace")
    names = {name.lower() for name in wanted}

    def found(delimiter: str) -> tuple[int, int]:
        cells = [" ".join(cell.strip().strip('"').lower().split()) for cell in first.split(delimiter)]
        return len(names.intersection(cells)), len(cells)

    return max(DELIMITERS, key=found)


def _raw_rows(file: str, reader: Iterator[list[str]]) -> Iterator[SheetRow]:
    """Every record with anything in it, and the line it begins in."""
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1  # type: ignore[attr-defined]
            if any(cells) and any(cell.strip() for cell in cells):
                yield SheetRow(line, cells)
    except csv.Error as error:
        raise FeedRefused(
            f"{file} cannot be read from line {start} on ({error}): it ends or goes on inside a quoted field.",
            "Export it again: it is cut off, or a quote is not closed.",
        ) from None


def _judged(raw: Iterator[SheetRow], width: int, ended: bool) -> Iterator[SheetRow]:
    """With what is wrong with each row's shape; one row late, for the last may be the one that is cut off."""
    held: SheetRow | None = None
    for row in raw:
        if held is not None:
            yield held._replace(fault=shape_fault(held.cells, width))
        held = row
    if held is not None:
        yield held._replace(fault=shape_fault(held.cells, width) or ("" if ended else UNENDED))
