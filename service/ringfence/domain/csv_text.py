"""From the bytes of a CSV file to its rows, each with its line: encoding, delimiter, header, shape.

`directory_csv` reads the fields. Every fault found here is a `Problem` as there, all of them at once, because a person
who repairs a spreadsheet wants one list and not one more surprise after each upload.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from io import BytesIO, StringIO, TextIOWrapper
from typing import Final

from ringfence.domain.numbers import mask_text

MAX_FILE_BYTES: Final = 32 * 1024 * 1024  # 100,000 DIDs are 6 MB
MAX_CELL_CHARACTERS: Final = 1_000
MAX_COLUMNS: Final = 200
DIGITS_OF_A_NAME: Final = 6
"""A column's name with as many may be a number: in a file without a header, the first row stands there."""
MAX_PROBLEMS: Final = 1_000  # per file: whoever has more has the wrong file
DELIMITERS: Final = (",", ";", "\t")
SAVE_AS_UTF8: Final = 'save it as "CSV UTF-8" and try again'

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class Severity(StrEnum):
    """An error keeps the whole import from happening, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where, what is wrong, how to mend it. `value` is as people may see it: masked when private."""

    file: str
    line: int
    column: str
    value: str
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" if self.line else self.file
        column = f", {self.column}" if self.column else ""
        value = f" {self.value!r}" if self.value else ""
        return f"{place}{column}:{value} {self.message}"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a file must have and may have; every other name is refused, for it is a typing error."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Row:
    """One record. `cells` holds every column of the file, stripped; `line` is where the record begins, from 1."""

    line: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """Empty for an optional column that the file does not have."""
        return self.cells.get(column, "")


def read_sheet(file: str, data: bytes, columns: Columns, problems: list[Problem]) -> Iterator[Row]:
    """The rows that can be read, each as it is asked for: the cells of all 100,000 of them would be 200 MB. Faults go
    into `problems` as they are found. `file` is the name people know the file by."""
    fault = _why_no_text(file, data)
    if fault:
        problems.extend(fault)
        return iter(())
    return _rows(file, data.removeprefix(_UTF8_MARK), columns, problems)


def render_sheet(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """With commas and CRLF as RFC 4180 has it, which every spreadsheet reads."""
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()


def _why_no_text(file: str, data: bytes) -> list[Problem]:
    """Empty for UTF-8."""
    if len(data) > MAX_FILE_BYTES:
        return [Problem(file, 0, "", "", f"is larger than {MAX_FILE_BYTES // 1024**2} MB; is it the right file?")]
    if data.startswith(_UTF16_MARKS) or b"\x00" in data[:200]:
        return [Problem(file, 1, "", "", f"is UTF-16 (or not a text at all), not UTF-8; {SAVE_AS_UTF8}")]
    if data.startswith(b"PK\x03\x04"):
        return [Problem(file, 1, "", "", f"is a spreadsheet file, not CSV; {SAVE_AS_UTF8}")]
    content = data.removeprefix(_UTF8_MARK)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return list(_bad_bytes(file, content))[:MAX_PROBLEMS]
    return []


def _bad_bytes(file: str, content: bytes) -> Iterator[Problem]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            guess = bytes([byte]).decode("cp1252", errors="ignore")
            meant = f", in Windows-1252 {guess!r}" if guess.isprintable() and guess else ""
            yield Problem(
                file, number, "", "", f"holds the byte 0x{byte:02X}{meant}, which is not UTF-8; {SAVE_AS_UTF8}"
            )


def _rows(file: str, data: bytes, columns: Columns, problems: list[Problem]) -> Iterator[Row]:
    delimiter = _delimiter(data, columns)
    # strict: an unclosed quote is an error and not a cell with the rest of the file in it.
    reader = csv.reader(TextIOWrapper(BytesIO(data), "utf-8", newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    start, misshapen = 1, 0
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            stripped = [cell.strip() for cell in cells]
            if not any(stripped):
                continue
            if header is None:
                header = [cell.lower() for cell in stripped]
                found = list(_header_problems(file, line, header, columns))
                problems.extend(found)
                if found:
                    return
            elif (fault := _shape_fault(stripped, header)) is not None:
                problems.append(Problem(file, line, "", "", fault))
                misshapen += 1
                if misshapen >= MAX_PROBLEMS:
                    return
            else:
                yield Row(line, dict(zip(header, stripped, strict=False)))
    except csv.Error as error:
        problems.append(Problem(file, start, "", "", f"cannot be read as CSV ({error}); is a quote not closed?"))
        return
    if header is None:
        problems.append(
            Problem(file, 1, "", "", f"is empty; its first line must be {delimiter.join(columns.required)}")
        )


def _delimiter(data: bytes, columns: Columns) -> str:
    """The one that finds the most known columns in the first line with anything in it."""
    lines = TextIOWrapper(BytesIO(data), "utf-8")
    first = next((line for line in lines if line.strip()), "")

    def known(delimiter: str) -> int:
        names = {name.strip().strip('"').lower() for name in first.split(delimiter)}
        return len(names & set(columns.all))

    return max(DELIMITERS, key=known)


def _header_problems(file: str, line: int, header: list[str], columns: Columns) -> Iterator[Problem]:
    while header and not header[-1]:
        header.pop()  # a spreadsheet adds empty columns at the end
    if len(header) > MAX_COLUMNS:
        yield Problem(file, line, "", "", f"has {len(header)} columns; the first line must name the columns")
        return
    for name in columns.required:
        if name not in header:
            yield Problem(file, line, name, "", "this column is missing; the first line must name the columns")
    for position, name in enumerate(header):
        if name not in columns.all:
            near = get_close_matches(name, columns.all, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known columns are {', '.join(columns.all)}"
            yield Problem(file, line, shown_name(name), "", f"this column is not known; {hint}")
        elif name in header[:position]:
            yield Problem(file, line, name, "", "this column comes twice; remove one")


def shown_name(name: str) -> str:
    """A column's name as people may see it, on one line."""
    if sum(character.isdigit() for character in name) >= DIGITS_OF_A_NAME:
        return mask_text(name)
    return "".join(character if character.isprintable() else "?" for character in name[:MAX_CELL_CHARACTERS])


def _shape_fault(cells: list[str], header: list[str]) -> str | None:
    if len(cells) < len(header):
        return f"has {len(cells)} fields instead of {len(header)}; is a delimiter missing?"
    if any(cells[len(header) :]):
        return f"has more than the {len(header)} fields of the first line; quote a field that holds the delimiter"
    if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
        return f"has a field longer than {MAX_CELL_CHARACTERS} characters; is a quote not closed?"
    return None
