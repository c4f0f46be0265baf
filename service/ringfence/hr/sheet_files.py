"""From the bytes of a feed to a batch: CSV or Excel, columns found by their names, rows read one by one.

A file is refused as a whole where nothing of it can be trusted, and row by row where the rest still can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Final, Literal

from ringfence.app.hr.ports import FeedRefused, Progress
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField, read_row, says_left
from ringfence.domain.hr.record import Batch, HrRecord, RowProblem
from ringfence.hr.csv_sheet import encoding_of, open_csv
from ringfence.hr.excel_sheet import EXCEL_START, OLD_EXCEL_START, SAVE_AGAIN, open_excel
from ringfence.hr.sheet import MAX_ROWS, Sheet, SheetRow, refuse_size, shown_name, shown_names

MAX_PROBLEMS: Final = 1_000  # kept of one file: whoever has more has the wrong file
PROGRESS_ROWS: Final = 1_000
ROWS_MARK: Final = "{rows}"

_DAYS: Final = (MappedField.STARTS, MappedField.ENDS, MappedField.AWAY_FROM, MappedField.AWAY_UNTIL)


@dataclass(frozen=True, slots=True)
class SheetRules:
    """How a site's file is read. `trailer` is its last line with `{rows}` for the count, empty when it has none.
    `proven`: a checksum agreed, so that the file is whole."""

    mapping: FieldMapping
    sheet: str = ""
    trailer: str = ""
    last_line: Literal["ended", "complete"] = "ended"
    proven: bool = False


def read_batch(source: str, file: str, data: bytes, rules: SheetRules, progress: Progress) -> Batch:
    """Everything the file says. Raises FeedRefused. Takes seconds for 100,000 rows: call it in a thread."""
    data, expected = _without_trailer(file, data, rules.trailer)
    sheet = open_sheet(file, data, rules)
    return _collect(source, sheet, find_columns(sheet, rules.mapping), rules.mapping, expected, progress)


def open_sheet(file: str, data: bytes, rules: SheetRules) -> Sheet:
    """The table in a file whose trailer has been taken off. Raises FeedRefused."""
    if data.startswith(EXCEL_START):
        days = [column for mapped in _DAYS for column in rules.mapping.columns.get(mapped, ())]
        return open_excel(file, data, rules.sheet, frozenset(day.lower() for day in days))
    if data.startswith(OLD_EXCEL_START):
        raise FeedRefused(f"{file} is an old or encrypted Excel file.", SAVE_AGAIN)
    whole = rules.proven or bool(rules.trailer) or rules.last_line == "complete"
    return open_csv(file, data, rules.mapping.all_columns, believe_last_line=whole)


def find_columns(sheet: Sheet, mapping: FieldMapping) -> Mapping[str, int]:
    """Where each mapped column is; upper and lower case and spaces do not count. Raises FeedRefused, which names every
    one that is missing."""
    places: dict[str, list[int]] = {}
    for index, name in enumerate(sheet.header):
        places.setdefault(name.lower(), []).append(index)
    problems: list[RowProblem] = []
    found: dict[str, int] = {}
    for mapped, columns in mapping.columns.items():
        for column in columns:
            at = places.get(" ".join(column.lower().split()), [])
            if len(at) == 1:
                found[column] = at[0]
            elif at:
                problems.append(RowProblem("header", column, f"comes {len(at)} times, for {mapped}; rename one"))
            else:
                problems.append(RowProblem("header", column, _missing(mapped, column, sheet.header)))
    if problems and not found:
        # A file without a header, most likely: what stands there is the first person's row.
        count = f"{len(sheet.header)} column{'' if len(sheet.header) == 1 else 's'}"
        raise FeedRefused(
            f"{sheet.file}: none of the columns in `fields` is among its {count}.",
            "Does its first line name the columns? `ringfence hr preview` shows how it is read.",
            [
                RowProblem("header", column, f"is missing, for {of}")
                for of, names in mapping.columns.items()
                for column in names
            ],
        )
    if problems:
        told = "; ".join(f"{problem.field!r} {problem.message}" for problem in problems)
        raise FeedRefused(
            f"{sheet.file}: {told}. The file has: {shown_names(sheet.header)}.",
            "Name the columns in `fields`; a field that the file does not have is switched off with `[]`.",
            problems,
        )
    return found


def _missing(mapped: MappedField, column: str, header: tuple[str, ...]) -> str:
    near = get_close_matches(column.lower(), [name.lower() for name in header], n=1)
    meant = next((name for name in header if near and name.lower() == near[0]), None)
    return f"is missing, for {mapped}" + (f" (is it {shown_name(meant)!r}?)" if meant else "")


def _collect(
    source: str,
    sheet: Sheet,
    columns: Mapping[str, int],
    mapping: FieldMapping,
    expected: int | None,
    progress: Progress,
) -> Batch:
    records: dict[str, HrRecord] = {}
    ids: dict[str, str] = {}  # every row's place in the source -> its id, of rejected rows too
    repeated: set[str] = set()
    problems = _Problems()
    gone: set[str] = set()
    now = datetime.now(UTC)
    rows = 0
    for row, read in _readings(sheet, columns, mapping):
        rows += 1
        if rows > MAX_ROWS:
            raise FeedRefused(f"{sheet.file} has more than {MAX_ROWS:,} rows.", "Is it the right file?")
        if rows % PROGRESS_ROWS == 0:
            progress(rows, max(rows, sheet.row_estimate) if sheet.row_estimate else None)
        id_, post = _place(read, row, columns, mapping)
        place = f"{id_}\n{post}" if post else id_
        if id_ and place in ids:
            repeated.add(place)
        elif id_:
            ids[place] = id_
        if isinstance(read, HrRecord):
            records.setdefault(place, read)
        else:
            left = None if row.fault else says_left(_cells(row, columns), mapping, now)
            if left is not None:
                gone.add(left)
                read = tuple(replace(problem, id="") for problem in read)
            problems.add(read)
    progress(rows, rows)
    _check_count(sheet.file, rows, expected)
    for place in repeated:
        records.pop(place, None)
    return Batch(
        source,
        tuple(records.values()),
        complete=True,
        gone=frozenset(gone - {record.id for record in records.values()} - {ids[place] for place in repeated}),
        repeated=frozenset(ids[place] for place in repeated),
        rejected=problems.all(),
        rows=rows,
    )


def _readings(
    sheet: Sheet, columns: Mapping[str, int], mapping: FieldMapping
) -> Iterator[tuple[SheetRow, HrRecord | tuple[RowProblem, ...]]]:
    key = mapping.columns[MappedField.KEY][0]
    for number, row in enumerate(sheet.rows):
        where = f"line {row.line}"
        if row.fault:
            yield row, (RowProblem(where, "", row.fault, _readable_id(row, columns, mapping)),)
            continue
        cells = _cells(row, columns)
        if number == 0 and cells[key].strip().lower() == key.lower():
            continue  # some exports have a second header with the titles of the columns
        yield row, read_row(cells, where, mapping)


def _cells(row: SheetRow, columns: Mapping[str, int]) -> dict[str, str]:
    return {column: row.cells[index] for column, index in columns.items()}


def _id_column(mapping: FieldMapping) -> str:
    return (mapping.columns.get(MappedField.ID) or mapping.columns[MappedField.KEY])[0]


def _readable_id(row: SheetRow, columns: Mapping[str, int], mapping: FieldMapping) -> str:
    """Of a row that may be cut off: only when something follows the cell, for E12 may have been E123."""
    index = columns[_id_column(mapping)]
    return row.cells[index].strip() if index < len(row.cells) - 1 else ""


def _place(
    read: HrRecord | tuple[RowProblem, ...], row: SheetRow, columns: Mapping[str, int], mapping: FieldMapping
) -> tuple[str, str]:
    if isinstance(read, HrRecord):
        return read.id, read.post
    post = mapping.columns.get(MappedField.POST)
    index = columns[post[0]] if post else len(row.cells)
    return read[0].id, " ".join(row.cells[index].split()) if index < len(row.cells) else ""


def _check_count(file: str, rows: int, expected: int | None) -> None:
    if rows == 0:
        raise FeedRefused(f"{file} has a header and no rows.", "Look at the export's filter; nothing was changed.")
    if expected is not None and rows != expected:
        raise FeedRefused(
            f"{file} has {rows:,} rows, and its last line says {expected:,}.", "It is cut off; export it again."
        )


def _without_trailer(file: str, data: bytes, trailer: str) -> tuple[bytes, int | None]:
    """The file without its last line, and the count in it. Raises FeedRefused when the line is missing."""
    if not trailer:
        return data, None
    refuse_size(file, len(data))
    if data.startswith(EXCEL_START):
        raise FeedRefused(f"{file} is a workbook, which has no trailer line.", "Take `trailer` out, or send CSV.")
    body, _, last = data.rstrip(b"\r\n\t ,;").rpartition(b"\n")
    text = last.decode(encoding_of(file, data), "replace").replace('"', "").strip()
    before, _, after = trailer.replace('"', "").strip("\t ,;").partition(ROWS_MARK)
    found = re.fullmatch(rf"{re.escape(before)}\s*(\d{{1,9}})\s*{re.escape(after)}", text)
    if found is None:
        raise FeedRefused(
            f"{file} does not end with the line {trailer!r} that states the number of rows.",
            "It is cut off; export it again. If the site sends no such line, take `trailer` out.",
        )
    return body + b"\n", int(found[1])


class _Problems:
    """The first problems of a file, and how many rows are left out."""

    def __init__(self) -> None:
        self._kept: list[RowProblem] = []
        self._rows_left_out = 0

    def add(self, problems: tuple[RowProblem, ...]) -> None:
        if len(self._kept) + len(problems) <= MAX_PROBLEMS:
            self._kept.extend(problems)
        else:
            self._rows_left_out += 1

    def all(self) -> tuple[RowProblem, ...]:
        if not self._rows_left_out:
            return tuple(self._kept)
        rest = RowProblem("further lines", "", f"{self._rows_left_out:,} more rows cannot be read")
        return (*self._kept, rest)
