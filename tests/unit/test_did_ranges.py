"""Rows of `dids.csv` that are a range: who owns which number, what beats what, and every way to write one wrongly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.csv_text import Severity
from ringfence.domain.did_range import DidRange, Extensions, flat, overlaps
from ringfence.domain.directory import Directory, LineKind, Person, PersonKey
from ringfence.domain.directory_csv import CsvFile, CsvFiles, Reading, read_directory, render_dids, render_people
from ringfence.domain.directory_diff import compare
from ringfence.domain.hr.derivation import derive
from ringfence.domain.hr.roster import Roster, RosterPolicy
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressPolicy
from tests.integration.stores import NOW

RULES = CsvRules("GB", frozenset({"uc"}), EgressPolicy(frozenset({"GB"})))
PEOPLE = (
    "key,name,site,default_number_1,extension\n"
    "p1,Ada,Leeds,07700 900101,0101\np2,Bo,York,07700 900102,0102\np3,Cy,Leeds,07700 900103,\n"
)
SITES = "name,fallback_number\nLeeds,0113 496 0900\nYork,\n"
HEAD = "did,owner,site,platform,kind,critical\n"
RANGE = "+441134960100-+441134960199"


def read(dids: str, people: str = PEOPLE, current: Directory = Directory()) -> Reading:  # noqa: B008
    texts = {"people": people, "dids": HEAD + dids, "sites": SITES}
    return read_directory(
        CsvFiles(**{part: CsvFile(f"{part}.csv", text.encode()) for part, text in texts.items()}), current, RULES
    )


def good(dids: str, people: str = PEOPLE) -> Directory:
    reading = read(dids, people)
    assert reading.directory is not None, [str(problem) for problem in reading.errors]
    return reading.directory


@pytest.mark.parametrize(
    "written",
    [
        RANGE,
        "0113 496 0100 - 0113 496 0199",
        "0113-496-0100 - 0113-496-0199",
        "+44 113 496 0100\u2013+44 113 496 0199",
    ],
)
def test_a_row_may_be_a_range_with_one_owner(written: str) -> None:
    directory = good(f"{written},p1,Leeds,uc,fax,yes\n")
    assert len(directory.assignments) == 100
    last = directory.assignment("+441134960199")
    assert last is not None
    assert (last.owner, last.site, last.scope, last.kind, last.critical) == ("p1", "Leeds", "uc", LineKind.FAX, True)
    assert list(directory.ranges) == [RANGE]
    assert not directory.rows


def test_a_number_with_hyphens_is_no_range() -> None:
    assert list(good("0113-496-0100,p1,Leeds,uc,,\n").assignments) == ["+441134960100"]


def test_a_range_by_extension_belongs_to_whoever_has_the_last_digits() -> None:
    directory = good(f"{RANGE},By  Extension,Leeds,uc,,\n")
    owners = {did[-4:]: item.owner for did, item in directory.assignments.items() if item.owner}
    assert owners == {"0101": "p1", "0102": "p2"}
    vacant = directory.assignment("+441134960103")
    assert vacant is not None and vacant.site == "Leeds"


def test_a_row_of_its_own_beats_the_range() -> None:
    directory = good(f"{RANGE},by extension,Leeds,uc,,\n0113 496 0101,p3,York,uc,,\n")
    one = directory.assignment("+441134960101")
    assert one is not None
    assert (one.owner, one.site) == ("p3", "York")
    assert len(directory.assignments) == 100


def test_an_extension_too_short_for_the_range_would_have_several_numbers_and_has_none() -> None:
    people = PEOPLE.replace("0101", "01")
    whole = good("+441134960000-+441134960199,by extension,York,uc,,\n", people)
    assert [item.owner for item in whole.assignments.values() if item.owner] == ["p2"]
    assert good(f"{RANGE},by extension,York,uc,,\n", people).assignments[Did("+441134960101")].owner == "p1"


def test_an_extension_at_the_ranges_site_beats_one_elsewhere() -> None:
    people = PEOPLE.replace("07700 900102,0102", "07700 900102,0101")
    assert good(f"{RANGE},by extension,York,uc,,\n", people).assignments[Did("+441134960101")].owner == "p2"
    assert good(f"{RANGE},by extension,Leeds,uc,,\n", people).assignments[Did("+441134960101")].owner == "p1"


def test_an_extension_that_two_have_is_nobodys_and_told() -> None:
    reading = read(f"{RANGE},by extension,Leeds,uc,,\n", PEOPLE.replace("900103,", "900103,0101"))
    assert reading.directory is not None
    assert reading.directory.assignments[Did("+441134960101")].owner is None
    (told,) = [problem for problem in reading.problems if problem.column == "extension"]
    assert (told.severity, told.line, told.value) == (Severity.WARNING, 4, "0101")
    assert "p1" in told.message


@pytest.mark.parametrize(
    ("dids", "line", "column", "words"),
    [
        ("+441134960199-+441134960100,p1,Leeds,uc,,\n", 2, "did", "ends before it begins"),
        ("+441134960000-+441134970000,p1,Leeds,uc,,\n", 2, "did", "holds 10,001 numbers; at most 10,000"),
        (f"{RANGE},p1,Leeds,uc,,\n+441134960150-+441134960250,p1,York,uc,,\n", 3, "did", f"{RANGE} in line 2"),
        (f"{RANGE},p9,Leeds,uc,,\n", 2, "owner", "is no person of people.csv"),
        (f"{RANGE},p1,Hull,uc,,\n", 2, "site", "is no site"),
        (f"{RANGE},p1,Leeds,pbx,,\n", 2, "platform", "is not a platform"),
        (f"{RANGE},p1,Leeds,uc,,\n{RANGE},p1,Leeds,uc,,\n", 3, "did", "comes twice, first in line 2"),
        ("0113 496 0100,by extension,Leeds,uc,,\n", 2, "owner", "is for a range"),
        ("+441134960100-0113 4960199,p1,Leeds,uc,,\n", 2, "did", ""),
    ],
)
def test_every_fault_of_a_range_is_told_with_its_line(dids: str, line: int, column: str, words: str) -> None:
    reading = read(dids)
    assert reading.directory is None
    assert any(
        (problem.line, problem.column) == (line, column) and words in problem.message for problem in reading.errors
    ), [str(problem) for problem in reading.errors]


def test_ranges_that_hold_too_much_together_are_refused_before_they_are_expanded() -> None:
    rows = "".join(f"+441134{n:02}0000-+441134{n:02}9999,,Leeds,uc,,\n" for n in range(26))
    (error,) = read(rows).errors
    assert "260,000 DIDs together, at most 250,000" in error.message


def test_a_default_number_within_a_range_is_one_of_our_own() -> None:
    reading = read(f"{RANGE},,Leeds,uc,,\n", PEOPLE.replace("07700 900103", "0113 496 0150"))
    assert any("one of our own DIDs" in problem.message for problem in reading.errors)


def test_an_export_writes_the_range_as_it_came() -> None:
    directory = good(f"{RANGE},by extension,Leeds,uc,,\n0113 496 0101,p3,York,uc,,\n")
    text = render_dids(directory)
    assert "+44 113 496 0100 - +44 113 496 0199,by extension,Leeds,uc,voice,no,," in text
    assert len(text.splitlines()) == 3
    again = read_directory(
        CsvFiles(CsvFile("p", render_people(directory).encode()), CsvFile("d", text.encode())), directory, RULES
    )
    assert again.directory == directory


def test_a_change_of_a_range_is_one_line() -> None:
    before, after = good(f"{RANGE},p1,Leeds,uc,,\n"), good(f"{RANGE},by extension,Leeds,uc,,\n")
    assert list(compare(before, after).lines()) == [f"~ range {RANGE} of 100 DIDs: owner p1 -> by extension"]


def test_the_directory_in_force_has_the_dids_and_no_ranges() -> None:
    base = good(f"{RANGE},by extension,Leeds,uc,,\n")
    in_force = derive(base, Roster(), RosterPolicy(), NOW.wall).directory
    assert in_force == flat(base)
    assert in_force.rows == base.assignments


def one(first: int, last: int) -> DidRange:
    return DidRange(Did(f"+{first}"), Did(f"+{last}"), None, "Leeds", "uc")


@given(st.lists(st.tuples(st.integers(1000000, 1000099), st.integers(0, 20)), max_size=6))
def test_overlaps_are_found_and_nothing_else(spans: list[tuple[int, int]]) -> None:
    ranges = [one(first, first + length) for first, length in spans]
    numbers = [did for item in ranges for did in item.numbers]
    assert bool(list(overlaps(ranges))) == (len(set(numbers)) < len(numbers))


def test_the_longest_extension_counts() -> None:
    people = [Person(PersonKey(ext), "A", "Leeds", extension=ext) for ext in ("01", "101")]
    assert Extensions(people).owner(Did("+441134960101"), "Leeds", 2) == "101"
