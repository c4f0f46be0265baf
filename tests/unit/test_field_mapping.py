"""One row of a source becomes one record, or a list of everything that is wrong with it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.hr.dates import DateError, DateOrder, day_of_serial, read_day, read_moment
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField, MappingError, mapping_of, read_row
from ringfence.domain.hr.presets import PRESETS
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse, RowProblem

PLAIN = mapping_of("plain", {}, "GB")
ROW = {
    "key": "E123",
    "name": "Zoë Ford",
    "email": "zoe.ford@example.com",
    "site": "Leeds",
    "department": "Care",
    "did": "0113 496 0123",
    "work_number": "",
    "private_number": "07700 900123",
    "active": "yes",
    "starts": "2020-04-01",
    "ends": "",
}


def record(mapping: FieldMapping = PLAIN, **cells: str) -> HrRecord:
    read = read_row(ROW | cells, "line 2", mapping)
    assert isinstance(read, HrRecord), read
    return read


def problems(mapping: FieldMapping = PLAIN, **cells: str) -> list[RowProblem]:
    read = read_row(ROW | cells, "line 2", mapping)
    assert not isinstance(read, HrRecord), read
    return list(read)


def test_a_row_says_what_its_columns_say_and_nothing_else() -> None:
    assert record() == HrRecord(
        id="E123",
        key=record().key,
        name="Zoë Ford",
        email="zoe.ford@example.com",
        site="Leeds",
        department="Care",
        dids=record(did="+44 113 496 0123").dids,
        numbers=(HrNumber("+447700900123"),),
        active=True,
        starts=date(2020, 4, 1),
    )


def test_an_empty_cell_is_a_statement_for_numbers_and_none_for_the_rest() -> None:
    empty = record(did="", private_number="n/a", name="", site="-", active="", starts="")
    assert (empty.dids, empty.numbers) == ((), ())
    assert (empty.name, empty.site, empty.active, empty.starts) == (None, None, None, None)


def test_a_field_without_a_column_says_nothing() -> None:
    read = record(mapping_of("plain", {"did": [], "work_number": "", "private_number": []}, "GB"))
    assert (read.dids, read.numbers, read.on_call) == (None, None, None)


def test_one_name_is_made_of_two_where_there_is_no_whole_one() -> None:
    mapping = mapping_of("plain", {"first_name": "first", "last_name": "last"}, "GB")
    assert record(mapping, first="Ann", last="Lee").name == "Zoë Ford"
    assert record(mapping, name="", first=" Ann ", last="Lee\u00a0Smith").name == "Ann Lee Smith"


def test_the_id_is_the_key_unless_it_has_a_column() -> None:
    mapping = mapping_of("plain", {"id": "guid", "post": "post"}, "GB")
    read = record(mapping, guid="8f2c-17", post="Nurse 2")
    assert (read.id, read.key, read.post) == ("8f2c-17", "E123", "Nurse 2")
    assert problems(mapping, guid="")[0].field == "guid"


@pytest.mark.parametrize(
    ("word", "employed"),
    [
        ("Yes", True), ("1", True), ("TRUE", True), ("Active", True), ("On Leave", True), ("enabled", True),
        ("False", False), ("no", False), ("0", False), ("Terminated", False), (" Leaver ", False), ("Inactive", False),
    ],
)  # fmt: skip
def test_words_for_employed_and_not(word: str, employed: bool) -> None:
    assert record(active=word).active is employed


def test_an_unknown_word_is_a_problem_and_can_be_given_a_meaning() -> None:
    (problem,) = problems(active="Seconded")
    assert problem.field == "active"
    assert "'Seconded'" in problem.message
    assert "status_words" in problem.message
    assert record(mapping_of("plain", {}, "GB", words={"Seconded": True}), active="seconded").active is True


def test_work_numbers_come_before_private_ones_without_repetition_or_own_dids_and_five_at_most() -> None:
    mapping = mapping_of("plain", {"work_number": ["w1", "w2"], "private_number": ["p1", "p2", "p3", "p4"]}, "GB")
    cells = {"w1": "0113 496 0123", "w2": "07700 900001", "p1": "07700900002", "p2": "+44 7700 900001"}
    read = record(mapping, **cells)
    assert read.numbers == (HrNumber("+447700900001", NumberUse.WORK), HrNumber("+447700900002"))
    more = record(mapping, **cells | {"w1": "07700 900009", "p3": "07700 900003", "p4": "07700 900004"})
    assert [number.e164[-1] for number in more.numbers or ()] == ["9", "1", "2", "3", "4"]
    many = mapping_of("plain", {"private_number": [f"p{n}" for n in range(7)]}, "GB")
    assert len(record(many, **{f"p{n}": f"07700 90000{n}" for n in range(7)}).numbers or ()) == 5


@pytest.mark.parametrize(
    "cell", ["0113 496 0123; +44 113 496 0124", "01134960123|01134960124", "01134960123,01134960124"]
)
def test_several_dids_in_one_cell(cell: str) -> None:
    assert record(did=cell).dids == ("+441134960123", "+441134960124")


def test_every_problem_of_a_row_comes_at_once_and_no_number_is_shown() -> None:
    found = problems(
        key="07700 900123",
        name="=HYPERLINK(1)",
        email="nobody",
        did="not a number",
        private_number="7.7009E+09",
        active="perhaps",
        starts="07700900123",
        ends="31/02/2026",
    )
    assert {problem.field for problem in found} == {
        "key", "name", "email", "did", "private_number", "active", "starts", "ends",
    }  # fmt: skip
    assert all(problem.where == "line 2" for problem in found)
    assert not any("900123" in problem.message or "7.7009" in problem.message for problem in found)


def test_a_problem_knows_whose_row_it_is() -> None:
    assert problems(starts="soon")[0].id == "E123"


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"starts": "2020-04-01", "ends": "2020-03-31"}, "ends"),
        ({"from": "2026-05-01", "until": "2026-04-01"}, "until"),
        ({"until": "2026-04-01"}, "until"),
        ({"site": "+Leeds"}, "site"),
        ({"name": "x" * 81}, "name"),
        ({"name": "#N/A"}, "name"),
        ({"key": "#REF!"}, "key"),
        ({"deputy": "two words"}, "deputy"),
        ({"call": "weekends"}, "call"),
        ({"did": "999"}, "did"),
    ],
)
def test_what_contradicts_itself_is_a_problem(cells: dict[str, str], field: str) -> None:
    fields: dict[str, str | list[str]] = {
        "away_from": "from", "away_until": "until", "deputy": "deputy", "on_call": "call",
    }  # fmt: skip
    assert [problem.field for problem in problems(mapping_of("plain", fields, "GB"), **cells)] == [field]


def test_the_last_day_may_be_the_first() -> None:
    assert record(starts="2026-01-31", ends="2026-01-31").ends == date(2026, 1, 31)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31", "31/01/2026", "31.01.2026", "31-01-2026", "2026/01/31", "20260131", "31-Jan-2026",
        "31 JANUARY 2026",
        "2026-01-31T00:00:00", "2026-01-31 00:00:00.000", "2026-01-31T00:00:00Z", "2026-01-31T23:59:59",
        "2026-01-31+01:00",
        "31/01/2026 00:00", "20260131000000Z",
    ],
)  # fmt: skip
def test_days_as_systems_write_them(text: str) -> None:
    assert read_day(text) == date(2026, 1, 31)


def test_the_month_comes_first_only_where_the_mapping_says_so() -> None:
    assert read_day("03/04/2026") == date(2026, 4, 3)
    assert read_day("03/04/2026", DateOrder.MDY) == date(2026, 3, 4)
    assert record(mapping_of("plain", {}, "GB", date_order="mdy"), starts="01/31/2026").starts == date(2026, 1, 31)
    with pytest.raises(DateError, match="date_order"):
        read_day("01/31/2026")


@pytest.mark.parametrize("text", ["9999-12-31", "31.12.9999", "2999-12-31", "31-DEC-4712", "9999-12-31T00:00:00"])
def test_a_day_far_in_the_future_means_no_end(text: str) -> None:
    assert read_day(text) is None
    assert record(ends=text).ends is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "31/02/2026",
        "1/2/26",
        "soon",
        "46053",
        "0",
        "2150-01-01",
        "1900-01-01",
        "2026-01-31T17:30",
        "2026-1",
    ],
)
def test_what_is_no_day_for_certain_is_refused(text: str) -> None:
    with pytest.raises(DateError):
        read_day(text)


def test_moments() -> None:
    at = datetime(2026, 1, 31, 16, 30, tzinfo=UTC)
    for text in ("2026-01-31T16:30Z", "2026-01-31 17:30:00+01:00", "2026-01-31T16:30:00.000Z", "20260131163000.0Z"):
        assert read_moment(text) == at
    assert read_moment("2026-01-31T17:30", zone=timezone(timedelta(hours=1))) == at
    filetime = int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    assert read_moment(str(filetime)) == at
    for never in ("0", "9223372036854775807", "9999-12-31T23:59:59Z", "9999-12-31"):
        assert read_moment(never) is None
    for wrong in ("2026-01-31T16:30", "2026-01-31", "2026-01-31T25:00Z", "2026-01-31T16:30+19:00"):
        with pytest.raises(DateError):
            read_moment(wrong)


def test_a_spreadsheets_count_of_days() -> None:
    assert day_of_serial(46053) == date(2026, 1, 31)
    assert day_of_serial(46053 - 1462, since_1904=True) == date(2026, 1, 31)
    with pytest.raises(DateError):
        day_of_serial(447_700_900_123)


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading(text: str) -> None:
    columns = {mapped: (mapped.value,) for mapped in MappedField}
    read = read_row(dict.fromkeys((mapped.value for mapped in MappedField), text), "line 2", FieldMapping(columns))
    assert isinstance(read, HrRecord) or all(isinstance(problem, RowProblem) for problem in read)


@pytest.mark.parametrize(
    ("preset", "fields", "field", "says"),
    [
        ("workdays", {}, "preset", "workday"),
        ("", {}, "key", "no column"),
        ("plain", {"key": []}, "key", "no column"),
        ("plain", {"nmae": "Name"}, "nmae", "did you mean name"),
        ("plain", {"key": ["a", "b"]}, "key", "2 columns"),
        ("plain", {"away_until": "until"}, "away_until", "away_from"),
        ("plain", {"name": [], "first_name": "first"}, "first_name", "last_name"),
    ],
)
def test_a_mapping_that_cannot_work(preset: str, fields: dict[str, str | list[str]], field: str, says: str) -> None:
    with pytest.raises(MappingError, match=says) as raised:
        mapping_of(preset, fields, "GB")
    assert raised.value.field == field


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_is_a_mapping_and_uses_no_column_twice(preset: str) -> None:
    mapping = mapping_of(preset, {}, "GB")
    written = [column for columns in mapping.columns.values() for column in columns]
    assert len(written) == len(set(written))
    cells = dict.fromkeys(written, "") | dict.fromkeys(mapping.columns[MappedField.KEY], "E1")
    cells |= dict.fromkeys(mapping.columns.get(MappedField.ID, ()), "E1")
    assert isinstance(read_row(cells, "line 2", mapping), HrRecord)
