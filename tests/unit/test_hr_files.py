"""The bytes of a feed become a batch; a file that is cut off, damaged or not what it was is refused, never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.hr.field_mapping import mapping_of
from ringfence.domain.hr.record import Batch, HrRecord
from ringfence.hr.csv_sheet import MAX_LINE_BYTES, PIECE_BYTES, WINDOWS, encoding_of
from ringfence.hr.feed_files import may_still_follow, render_rejects
from ringfence.hr.sheet import MAX_FEED_BYTES
from ringfence.hr.sheet_files import MAX_PROBLEMS, SheetRules, open_sheet, read_batch
from tests.fakes.clock import NOON

OFF: dict[str, str | list[str]] = {"email": [], "department": [], "work_number": [], "active": [], "starts": []}
MAPPING = mapping_of("plain", OFF, "GB")
RULES = SheetRules(MAPPING)
HEADER = "key,name,site,did,private_number,ends"
LINES = (
    "E1,Zoë Ford,Leeds,0113 496 0001,07700 900001,",
    'E2,"Lee, Ann",Leeds,0113 496 0002,,2026-12-31',
    'E12,"Bob ""B"" Orr",York,,07700 900012,31/01/2027',
    "E123,Øyvind O’Hara,York,0113 496 0123,07700 900123,",
)
FILE = "\r\n".join((HEADER, *LINES, "")).encode()
EXCEL_HEADER = ["key", "name", "site", "did", "private_number", "ends"]


def read(data: bytes, rules: SheetRules = RULES) -> Batch:
    return read_batch("payroll", "people.csv", data, rules, lambda _done, _all: None)


def names(data: bytes) -> list[str | None]:
    return [record.name for record in read(data).records]


def refusal(data: bytes, rules: SheetRules = RULES) -> str:
    with pytest.raises(FeedRefused) as refused:
        read(data, rules)
    return str(refused.value)


def whole() -> dict[str, HrRecord]:
    return {record.id: record for record in read(FILE).records}


def test_a_file_is_read() -> None:
    batch = read(FILE)
    assert (batch.source, batch.complete, batch.rows, batch.rejected) == ("payroll", True, 4, ())
    assert names(FILE) == ["Zoë Ford", "Lee, Ann", 'Bob "B" Orr', "Øyvind O’Hara"]
    assert batch.records[1].ends == date(2026, 12, 31)


@pytest.mark.parametrize(
    "form",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("cp1252"),
        lambda text: text.replace("\r\n", "\n").encode(),
        lambda text: text.replace("\r\n", "\r").encode(),
        lambda text: ("\r\n" + text).replace("E12,", "\r\nE12,").encode(),
        lambda text: text.replace(HEADER, "Key,NAME, Site ,DID,Private_Number,ends").encode(),
    ],
    ids=["mark", "windows-1252", "LF", "CR", "empty lines", "header in other letters"],
)
def test_forms_of_the_same_file(form: Callable[[str], bytes]) -> None:
    assert read(form(FILE.decode())).records == read(FILE).records


@pytest.mark.parametrize(("delimiter", "word"), [(",", "comma"), (";", "semicolon"), ("\t", "tab")])
def test_delimiters(delimiter: str, word: str) -> None:
    text = f"{HEADER}\nE1,Zoë Ford,Leeds,,,\n".replace(",", delimiter)
    assert names(text.encode()) == ["Zoë Ford"]
    assert open_sheet("people.csv", text.encode(), RULES).form == f"CSV, UTF-8, {word}"


def test_a_quoted_line_break_keeps_lines_countable() -> None:
    batch = read(f'{HEADER}\nE1,"Zoë\nFord",Leeds,,,\nE2,Ann,Leeds,,soon,\n'.encode())
    assert [record.name for record in batch.records] == ["Zoë Ford"]
    assert [(problem.where, problem.field, problem.id) for problem in batch.rejected] == [
        ("line 4", "private_number", "E2")
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (f"{HEADER}\n".encode(), "no rows"),
        (FILE.decode().encode("utf-16"), "UTF-16"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "old or encrypted"),
        (b"PK\x03\x04" + bytes(600), "no readable workbook"),
        (FILE.replace(b"ends\r", b"end\r"), "'ends' is missing, for ends (is it 'end'?)"),
        (FILE.replace(b"site", b"name"), "'name' comes 2 times"),
        (FILE + b'E9,"Open', "quoted field"),
        (FILE + b'E9,"Ann" Lee,York,,,\n', "quoted field"),
        (FILE.replace("Øyvind".encode(), b"\xd8yvind"), "line 5 is not UTF-8"),
        (f"{HEADER}\nE1,Zo".encode() + b"\xc3", "cut off"),
        (f"{HEADER}\nE1,\x81\n".encode("latin-1"), "neither UTF-8 nor Windows-1252"),
    ],
)
def test_what_cannot_be_trusted_is_refused_as_a_whole(data: bytes, says: str) -> None:
    assert says in refusal(data)


def test_a_refusal_names_every_missing_column_and_what_there_is() -> None:
    with pytest.raises(FeedRefused) as refused:
        read(b"Staff No,Name,Office\n1,Ann,Leeds\n")
    assert [problem.field for problem in refused.value.problems] == ["key", "site", "did", "private_number", "ends"]
    assert "Staff No, Name, Office" in str(refused.value)
    assert "`[]`" in refused.value.fix


def test_a_file_without_a_header_shows_nothing_of_its_first_row() -> None:
    told = refusal(b"E1,Ann Lee,Leeds,0113 496 0001,07700 900123,\n")
    assert "none of the columns in `fields` is among its 5 columns" in told
    half = refusal(b"key,Ann Lee,Leeds,0113 496 0001,07700 900123,\n")
    assert "The file has: key, Ann Lee, Leeds" in half
    for hidden in (told, half):
        assert "900123" not in hidden
        assert "0113" not in hidden
    assert "Ann" not in told


def test_a_file_larger_than_any_list_of_staff_is_refused() -> None:
    assert "larger than" in refusal(bytes(MAX_FEED_BYTES + 1))


def test_rows_of_the_wrong_shape_are_rejected_one_by_one() -> None:
    batch = read(f"{HEADER}\nE1,Ann,Leeds,,,\nE2,Bob,Leeds\nE3,Cy,Leeds,,,,,x\nE4,{'y' * 1001},Leeds,,,\n".encode())
    assert [record.id for record in batch.records] == ["E1"]
    assert [(problem.where, problem.id) for problem in batch.rejected] == [
        ("line 3", "E2"), ("line 4", "E3"), ("line 5", "E4"),
    ]  # fmt: skip
    assert batch.rows == 4


def test_of_rows_that_come_twice_none_is_believed() -> None:
    batch = read(FILE + b"E2,Another,Leeds,,,\r\nE12,Bad,York,,x,\r\n")
    assert [record.id for record in batch.records] == ["E1", "E123"]
    assert batch.repeated == {"E2", "E12"}
    posts = SheetRules(mapping_of("plain", OFF | {"post": "site", "site": []}, "GB"))
    two = read(f"{HEADER}\nE1,Ann,Leeds,,,\nE1,Ann,York,,,\nE2,Bob,York,,,\nE2,Bob,York,,,\n".encode(), posts)
    assert [(record.id, record.post) for record in two.records] == [("E1", "Leeds"), ("E1", "York")]
    assert two.repeated == {"E2"}


def test_an_id_that_reads_as_a_telephone_number_is_hidden_where_it_is_told() -> None:
    told = render_rejects(Batch("hr", (), complete=True, repeated=frozenset(("+447700900123", "4711")))).decode()
    assert "'4711' comes more than once" in told
    assert "900123" not in told
    assert "123' comes more than once" in told


def test_a_second_header_with_titles_is_passed_over() -> None:
    batch = read(f"{HEADER}\nKEY,Full name,Office,Extension,Mobile,Last day\nE1,Ann,Leeds,,,\n".encode())
    assert (batch.rows, [record.id for record in batch.records]) == (1, ["E1"])


def test_problems_are_bounded_and_the_rest_is_counted() -> None:
    rows = "".join(f"E{n},Ann,Leeds,,x,\n" for n in range(MAX_PROBLEMS + 50))
    rejected = read(f"{HEADER}\n{rows}".encode()).rejected
    assert len(rejected) == MAX_PROBLEMS + 1
    assert rejected[-1].message.startswith("50 more rows")


@pytest.mark.parametrize("trailer", ["#rows={rows}", "TRAILER,{rows}", "EOF;{rows};", '"TRAILER","{rows}"'])
def test_a_trailer_proves_that_the_file_is_whole(trailer: str) -> None:
    rules = SheetRules(MAPPING, trailer=trailer)
    assert read(FILE + trailer.replace("{rows}", "4").encode(), rules).records == read(FILE).records
    assert read(FILE + trailer.replace("{rows}", "4").encode() + b",,,\r\n\r\n", rules).rows == 4
    assert "its last line says 5" in refusal(FILE + trailer.replace("{rows}", "5").encode(), rules)
    assert "does not end with the line" in refusal(FILE, rules)
    assert "does not end with the line" in refusal(FILE + trailer.replace("{rows}", "").encode(), rules)


def test_a_line_longer_than_any_row_is_refused_before_it_is_taken_apart() -> None:
    rows = b"E1,Ann,Leeds,,,\n" * 70_000
    assert len(rows) > MAX_LINE_BYTES
    assert read(HEADER.encode() + b"\n" + rows).rows == 70_000
    assert "line 2 is longer than 1 MB" in refusal(HEADER.encode() + b"\n" + b"," * (MAX_LINE_BYTES + 1) + b"\n")


@pytest.mark.parametrize("before", [PIECE_BYTES - 4, PIECE_BYTES - 3, PIECE_BYTES - 2, PIECE_BYTES - 1, PIECE_BYTES])
def test_an_encoding_is_known_where_a_letter_lies_across_two_pieces(before: int) -> None:
    data = b"\n" * before
    for letter in ("\u00eb", "\u2019", "\U0001f600"):
        assert encoding_of("people.csv", data + letter.encode()) == "utf-8-sig"
        with pytest.raises(FeedRefused, match=f"line {before + 2} is not UTF-8"):
            encoding_of("people.csv", data + letter.encode() + b"\n\xe9.")
        with pytest.raises(FeedRefused, match="cut off"):
            encoding_of("people.csv", data + letter.encode()[:-1])
    assert encoding_of("people.csv", data + b"\xe9, and more") == WINDOWS


def test_a_last_line_without_its_end_is_not_believed_unless_the_site_says_so() -> None:
    cut = FILE.removesuffix(b"\r\n")
    batch = read(cut)
    assert [record.id for record in batch.records] == ["E1", "E2", "E12"]
    assert [(problem.where, problem.id) for problem in batch.rejected] == [("line 5", "E123")]
    assert read(cut, SheetRules(MAPPING, last_line="complete")).records == read(FILE).records
    assert read(cut, SheetRules(MAPPING, proven=True)).records == read(FILE).records


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("trailer", ["", "TRAILER,{rows}"])
def test_a_file_cut_at_any_byte_never_says_something_else_of_anybody(encoding: str, trailer: str) -> None:
    data = (FILE.decode() + trailer.replace("{rows}", "4")).encode(encoding)
    rules = SheetRules(MAPPING, trailer=trailer)
    right = whole()
    told = 0
    for length in range(len(data)):
        try:
            batch = read(data[:length], rules)
        except FeedRefused:
            continue
        told += 1
        assert all(record == right[record.id] for record in batch.records), data[:length]
        assert batch.repeated == frozenset()
        assert {problem.id for problem in batch.rejected} <= {*right, ""}
    # With a count in the last line, only a cut that takes nothing of it away is taken in.
    assert told > 50 if not trailer else told == 0


@pytest.mark.parametrize("column", range(6))
def test_a_column_that_slips_out_is_never_read_as_its_neighbour(column: int) -> None:
    def without(line: str) -> str:
        cells = line.split(",")
        return ",".join(cells[:column] + cells[column + 1 :])

    lines = ["E1,Ann,Leeds,0113 496 0001,07700 900001,2026-12-31", "E2,Bob,York,0113 496 0002,07700 900002,2026-12-30"]
    slipped = read("\n".join([HEADER, *map(without, lines), ""]).encode())
    assert slipped.records == ()
    assert len(slipped.rejected) == 2
    assert "is missing" in refusal("\n".join([without(HEADER), *lines, ""]).encode())


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(noise: bytes) -> None:
    for data in (noise, FILE + noise, b"PK\x03\x04" + noise):
        try:
            batch = read(data)
        except FeedRefused:
            continue
        assert batch.rows >= len(batch.records)


def workbook(*rows: list[Any], title: str = "People") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.create_sheet("Notes").append(["nothing", "here"])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_with_days_as_days_and_numbers_as_digits() -> None:
    data = workbook(
        [*EXCEL_HEADER, None],
        [1001, "Zoë Ford", "Leeds", 1134960001.0, "+44 7700 900001", date(2026, 12, 31)],
        [],
        ["E2", "Ann Lee", "York", None, None, 46387],
        ["E3", "Bob Orr", "York"],
    )
    batch = read(data)
    assert [(record.id, record.dids, record.ends) for record in batch.records] == [
        ("1001", ("+441134960001",), date(2026, 12, 31)),
        ("E2", (), date(2026, 12, 31)),
        ("E3", (), None),
    ]
    assert open_sheet("people.xlsx", data, RULES).form == "Excel, sheet 'People'"


def test_a_workbook_has_the_sheet_that_was_asked_for_or_says_which_it_has() -> None:
    data = workbook(EXCEL_HEADER, ["E1", "Ann", "Leeds"], title="Staff")
    assert read(data, SheetRules(MAPPING, sheet="Staff")).rows == 1
    assert "has no sheet 'People'; it has 'Staff', 'Notes'" in refusal(data, SheetRules(MAPPING, sheet="People"))
    assert "has no trailer line" in refusal(data, SheetRules(MAPPING, trailer="#rows={rows}"))


def test_a_workbook_cut_anywhere_is_refused() -> None:
    data = workbook(EXCEL_HEADER, ["E1", "Ann", "Leeds"])
    for length in range(4, len(data), 97):
        refusal(data[:length])


def with_part(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The workbook with one of its parts changed."""
    out = BytesIO()
    with ZipFile(BytesIO(data)) as before, ZipFile(out, "w", ZIP_DEFLATED) as after:
        for entry in before.infolist():
            content = before.read(entry)
            after.writestr(entry.filename, change(content) if entry.filename == part else content)
    return out.getvalue()


def test_a_workbook_with_a_line_beyond_all_sheets_is_refused() -> None:
    data = workbook(EXCEL_HEADER, ["E1", "Ann", "Leeds"])
    far = with_part(data, "xl/worksheets/sheet1.xml", lambda part: part.replace(b'<row r="2"', b'<row r="99999999999"'))
    assert far != data
    assert "goes on beyond line 501,000" in refusal(far)


def test_a_workbook_that_unpacks_to_far_more_than_a_list_of_staff_is_refused() -> None:
    data = workbook(EXCEL_HEADER, ["E1", "Ann", "Leeds"])
    styled = with_part(data, "xl/styles.xml", lambda part: part + b" " * (2 << 20))
    assert len(styled) < 100_000
    assert "something in it that is no sheet unpacks to more than 2 MB" in refusal(styled)
    long = with_part(data, "xl/worksheets/sheet1.xml", lambda part: part + b" " * (3 << 20))
    assert read(long).rows == 1


@pytest.mark.parametrize(("age", "may"), [(-3_601, False), (-5, True), (0, True), (59, True), (61, False)])
def test_a_checksum_may_follow_a_file_that_is_young_or_dated_by_a_clock_ahead_of_ours(age: float, may: bool) -> None:
    assert may_still_follow(NOON.timestamp() - age, NOON) is may


def test_progress_is_told_with_an_end() -> None:
    told: list[tuple[int, int | None]] = []
    rows = "".join(f"E{n},Ann,Leeds,,,\n" for n in range(2_500))
    read_batch("payroll", "people.csv", f"{HEADER}\n{rows}".encode(), RULES, lambda done, of: told.append((done, of)))
    assert told == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]
