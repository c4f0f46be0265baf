"""An Excel workbook (.xlsx) to a sheet of text: days as days, whole numbers without a decimal point."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from itertools import islice
from typing import IO, Any, Final, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.hr.dates import DateError, day_of_serial
from ringfence.hr.sheet import MAX_COLUMNS, MAX_ROWS, Sheet, SheetRow, clean_header, refuse_size, shape_fault

EXCEL_START: Final = b"PK\x03\x04"
OLD_EXCEL_START: Final = b"\xd0\xcf\x11\xe0"
MAX_CONTENT_BYTES: Final = 200 << 20  # a workbook is a zip: a small one may hold a very large sheet
MAX_PART_BYTES: Final = 2 << 20  # of anything else in it: styles become objects, a hundred times as large
MAX_PROLOG_BYTES: Final = 64 << 10  # of an XML part, before its first element
MAX_LINE: Final = MAX_ROWS + 1_000  # with some that are empty
# RuntimeError: a part is encrypted, or packed in a way that is not known.
UNREADABLE: Final = (BadZipFile, KeyError, ValueError, SyntaxError, EOFError, OSError, RuntimeError, zlib.error)
SAVE_AGAIN: Final = "Save it as .xlsx, or as CSV in UTF-8, and try again."


def open_excel(file: str, data: bytes, sheet: str, date_columns: frozenset[str]) -> Sheet:
    """`sheet` empty: the first that is not hidden. In `date_columns` (lower case) a plain number is Excel's own count
    of days. Raises FeedRefused."""
    refuse_size(file, len(data))
    workbook = _workbook(file, data)
    found = _choose(file, workbook, sheet)
    raw = _raw_rows(file, found)
    first = next(raw, None)
    if first is None:
        raise FeedRefused(f"{file}: its sheet {found.title!r} is empty.", "Name another sheet, or look at the export.")
    header = clean_header(file, [_text(value) for value in first[1]])
    serials = frozenset(index for index, name in enumerate(header) if name.lower() in date_columns)
    since_1904 = bool(workbook.epoch.year == 1904)
    rows = (_row(line, values, len(header), serials, since_1904) for line, values in raw)
    return Sheet(file, header, rows, f"Excel, sheet {found.title!r}")


def _workbook(file: str, data: bytes) -> Any:
    import openpyxl  # takes 0.3 s to load, and only who has workbooks needs it
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with ZipFile(BytesIO(data)) as archive:
            _refuse_unpacked(file, archive)
            _refuse_definitions(file, archive)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not matter to a list of staff
            return openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    except (*UNREADABLE, InvalidFileException) as error:
        raise FeedRefused(
            f"{file} is no readable workbook ({type(error).__name__}): is it cut off?", SAVE_AGAIN
        ) from None


def _refuse_unpacked(file: str, archive: ZipFile) -> None:
    """By what each part says of its size; reading one ends there, too."""
    content = 0
    for entry in archive.infolist():
        if entry.filename.startswith("xl/worksheets/") or entry.filename == "xl/sharedStrings.xml":
            content += entry.file_size
        elif entry.file_size > MAX_PART_BYTES:
            raise FeedRefused(
                f"{file}: something in it that is no sheet unpacks to more than {MAX_PART_BYTES >> 20} MB.",
                "Save it without pictures, pivot tables and styles, or as CSV in UTF-8.",
            )
    if content > MAX_CONTENT_BYTES:
        raise FeedRefused(f"{file} unpacks to more than {MAX_CONTENT_BYTES >> 20} MB.", "Is it the right file?")


class _Begun(Exception):
    """The first element begins: no definition follows."""


def _refuse_definitions(file: str, archive: ZipFile) -> None:
    """No workbook defines anything of XML's own. What a few kilobytes define may become gigabytes where it is used; the
    parser's own bound counts by the part's size, and lets a large one do so."""
    for entry in archive.infolist():
        with archive.open(entry) as part:
            if _defines(part):
                raise FeedRefused(
                    f"{file}: {entry.filename} in it defines something of its own, or does not begin.", SAVE_AGAIN
                )


def _defines(part: IO[bytes]) -> bool:
    """Whether it has a document type, or no element within 64 KiB. What is no XML at all is nobody's to read."""

    def begun(*_: object) -> NoReturn:
        raise _Begun

    defined: list[str] = []
    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, *_: defined.append(name)
    parser.StartElementHandler = begun
    content = part.read(MAX_PROLOG_BYTES)
    try:
        parser.Parse(content, False)
    except (_Begun, ExpatError):
        return bool(defined)
    return bool(defined) or len(content) == MAX_PROLOG_BYTES


def _choose(file: str, workbook: Any, sheet: str) -> Any:
    names = ", ".join(repr(found.title) for found in workbook.worksheets)
    for found in workbook.worksheets:
        if found.title == sheet or (not sheet and found.sheet_state == "visible"):
            found.reset_dimensions()  # many programs write a wrong size into the file
            return found
    raise FeedRefused(f"{file} has no sheet {sheet!r}; it has {names or 'none'}.", "Correct `sheet`.")


def _raw_rows(file: str, sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    try:
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if line > MAX_LINE:
                # The library makes up every row that is left out: one that says it is the billionth takes hours.
                raise FeedRefused(
                    f"{file}: its sheet goes on beyond line {MAX_LINE:,}.", "Delete the empty rows, or save it as CSV."
                )
            values = list(islice(cells, MAX_COLUMNS + 1))
            if any(value is not None and value != "" for value in values):
                yield line, values
    except UNREADABLE as error:
        raise FeedRefused(f"{file} is damaged ({type(error).__name__}): is it cut off?", SAVE_AGAIN) from None


def _row(line: int, values: list[Any], width: int, serials: frozenset[int], since_1904: bool) -> SheetRow:
    cells = [
        _day(value, since_1904) if index in serials and isinstance(value, int | float) else _text(value)
        for index, value in enumerate(values)
    ]
    cells.extend("" for _ in range(width - len(cells)))  # a workbook leaves empty cells at the end out
    return SheetRow(line, cells, shape_fault(cells, width))


def _day(value: float, since_1904: bool) -> str:
    try:
        return day_of_serial(value, since_1904=since_1904).isoformat()
    except DateError:
        return _text(value)  # whoever reads the day says what is wrong with it


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time.min else value.isoformat(sep="T", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
