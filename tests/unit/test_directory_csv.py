"""CSV files as people and spreadsheets make them: good ones in, a directory out; bad ones in, every fault named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.csv_text import Problem, Severity
from ringfence.domain.directory import (
    DefaultNumber,
    DidAssignment,
    Directory,
    LineKind,
    NotRung,
    Person,
    PersonKey,
    Site,
)
from ringfence.domain.directory_csv import (
    STORED,
    CsvFile,
    CsvFiles,
    Reading,
    read_directory,
    render_dids,
    render_people,
    render_sites,
    render_teams,
)
from ringfence.domain.directory_diff import compare
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressPolicy
from ringfence.domain.team import Team
from tests.unit.directories import DID, MOBILE, RECEPTION, SECOND_MOBILE, directories, one_did

RULES = CsvRules("GB", frozenset({"uc", "teams"}), EgressPolicy(frozenset({"GB"})))
EMPTY = Directory.of()

PEOPLE = "key,name,site,default_number_1,default_number_2\np1,Ada Example,Leeds,07700 900123,+44 113 496 0001 35s\n"
DIDS = "did,owner,site,platform,kind,critical\n+44 113 496 0123,p1,Leeds,uc,voice,yes\n0113 496 0124,,Leeds,teams,,\n"
SITES = "name,fallback_number,announcement\nLeeds,0113 496 0000,custom/leeds\nYork,,\n"
ZONED = "name,fallback_number,time_zone\nLeeds,,Europe/London\nYork,,\n"


def read(
    people: str | bytes | None = PEOPLE,
    dids: str | bytes | None = DIDS,
    sites: str | bytes | None = SITES,
    current: Directory = EMPTY,
    teams: str | bytes | None = None,
) -> Reading:
    def file(name: str, data: str | bytes | None) -> CsvFile | None:
        return None if data is None else CsvFile(name, data.encode() if isinstance(data, str) else data)

    files = CsvFiles(
        file("people.csv", people), file("dids.csv", dids), file("sites.csv", sites), file("teams.csv", teams)
    )
    return read_directory(files, current, RULES)


def the_error(reading: Reading) -> Problem:
    assert reading.directory is None
    (error,) = reading.errors
    return error


def test_three_good_files_make_a_directory() -> None:
    directory = read().directory
    assert directory is not None
    numbers = (DefaultNumber(MOBILE, 20), DefaultNumber("+441134960001", 35))
    assert directory.people == {"p1": Person(PersonKey("p1"), "Ada Example", "Leeds", numbers)}
    assert directory.assignments == {
        "+441134960123": DidAssignment(DID, PersonKey("p1"), "Leeds", "uc", LineKind.VOICE, True),
        "+441134960124": DidAssignment(Did("+441134960124"), None, "Leeds", "teams"),
    }
    assert directory.sites == {"Leeds": Site("Leeds", RECEPTION, "custom/leeds"), "York": Site("York")}


@pytest.mark.parametrize(
    "people",
    [
        "\ufeff" + PEOPLE,
        PEOPLE.replace("\n", "\r\n"),
        PEOPLE.replace(",", ";"),
        PEOPLE.replace(",", "\t"),
        PEOPLE.replace("key,name", "Key , NAME"),
        PEOPLE.replace("Ada Example", '"Ada Example"'),
        PEOPLE.replace("_2\n", "_2,,\n").replace("35s\n", "35s,,\n"),
        "\n\n" + PEOPLE + "\n,,,,\n",
    ],
)
def test_what_spreadsheets_do_to_a_file_changes_nothing(people: str) -> None:
    assert read(people=people).directory == read().directory


@pytest.mark.parametrize(
    ("people", "line", "column", "words"),
    [
        ("", 1, "", "is empty; its first line must be key,name,site,default_number_1"),
        (PEOPLE.split("\n")[0], 1, "", "has no rows"),
        (PEOPLE.replace(",site,", ",place,"), 1, "site", "this column is missing"),
        (PEOPLE.replace("number_2", "number_1"), 1, "default_number_1", "comes twice"),
        (
            PEOPLE.replace("default_number_2", "defualt_number_2"),
            1,
            "defualt_number_2",
            "did you mean default_number_2",
        ),
        (PEOPLE.replace("07700 900123", "4.47911E+11"), 2, "default_number_1", "rounded by the spreadsheet"),
        (PEOPLE.replace("07700 900123", "999"), 2, "default_number_1", "emergency number"),
        (PEOPLE.replace("35s", "4s"), 2, "default_number_2", "rings for 4 seconds; allowed are 5 to 120"),
        (PEOPLE.replace("35s", "9999s"), 2, "default_number_2", "rings for 9999 seconds"),
        (PEOPLE.replace("07700 900123", "0113 496 0123"), 2, "default_number_1", "one of our own DIDs"),
        (PEOPLE.replace("Leeds", "leeds"), 2, "site", "did you mean 'Leeds'"),
        (PEOPLE.replace("Leeds", "Hull"), 2, "site", "is no site of sites.csv; add it to sites.csv"),
        (PEOPLE.replace("Ada Example", "=HYPERLINK(1)"), 2, "name", "run as a formula"),
        (PEOPLE.replace("Ada Example", '"Ada\nExample"'), 2, "name", "control character or line break"),
        (PEOPLE.replace("Ada Example", "A" * 81), 2, "name", "longer than 80"),
        (PEOPLE.replace("Ada Example", '"Ada'), 2, "", "is a quote not closed"),
        (PEOPLE.replace(",Leeds", ""), 2, "", "has 4 fields instead of 5"),
        (PEOPLE.replace("Ada Example", "Example, Ada"), 2, "", "quote a field that holds the delimiter"),
        (PEOPLE + PEOPLE.split("\n")[1], 3, "key", "comes twice, first in line 2"),
        ("\n" + PEOPLE + "\n" + PEOPLE.split("\n")[1], 5, "key", "comes twice, first in line 3"),
    ],
)
def test_a_bad_people_file_is_named_with_its_remedy(people: str, line: int, column: str, words: str) -> None:
    reading = read(people=people, dids=DIDS.replace("p1", "") if "p1" not in people else DIDS)
    error = reading.errors[0]
    assert reading.directory is None
    assert (error.file, error.line, error.column) == ("people.csv", line, column)
    assert words in error.message


@pytest.mark.parametrize(
    ("dids", "line", "column", "words"),
    [
        (DIDS.replace("0113 496 0124", "+441134960123"), 3, "did", "comes twice, first in line 2"),
        (
            DIDS.replace("0113 496 0124", "4.41135E+11"),
            3,
            "did",
            "rounded",
        ),
        (DIDS.replace("p1", "p2"), 2, "owner", "is no person of people.csv"),
        (DIDS.replace("p1", "P1"), 2, "owner", "did you mean 'p1'"),
        (DIDS.replace("Leeds,teams", "Hull,teams"), 3, "site", "is no site of sites.csv"),
        (DIDS.replace("teams", "team"), 3, "platform", "known are teams, uc"),
        (DIDS.replace("voice", "telex"), 2, "kind", "known are voice, fax"),
        (DIDS.replace("yes", "maybe"), 2, "critical", "must be yes or no"),
    ],
)
def test_a_bad_dids_file_is_named_with_its_remedy(dids: str, line: int, column: str, words: str) -> None:
    error = the_error(read(dids=dids))
    assert (error.file, error.line, error.column) == ("dids.csv", line, column)
    assert words in error.message


@pytest.mark.parametrize(
    ("sites", "column", "words"),
    [
        (SITES.replace("0113 496 0000", "0113 496 0124"), "fallback_number", "one of our own DIDs"),
        (SITES.replace("custom/leeds", "../../etc/passwd"), "announcement", "letters, digits"),
        (SITES.replace("custom/leeds", "leeds.wav"), "announcement", "no file ending"),
        (SITES.replace("custom/leeds", "a|b"), "announcement", "letters, digits"),
        (ZONED.replace("/London", "/Leeds"), "time_zone", "is no time zone; write one as Europe/London"),
        (ZONED.replace("Europe/London", "Europe"), "time_zone", "is no time zone"),
        (ZONED.replace("Europe/London", "../../etc/passwd"), "time_zone", "is no time zone"),
    ],
)
def test_a_bad_sites_file_is_named_with_its_remedy(sites: str, column: str, words: str) -> None:
    error = the_error(read(sites=sites))
    assert (error.file, error.line, error.column) == ("sites.csv", 2, column)
    assert words in error.message


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        (PEOPLE.encode("utf-16"), 1, "is UTF-16"),
        (PEOPLE.encode("utf-16-le"), 1, "is UTF-16"),
        (PEOPLE.replace("Ada", "Zoë").encode("cp1252"), 2, "byte 0xEB, in Windows-1252 'ë', which is not UTF-8"),
        (b"PK\x03\x04\x14", 1, "is a spreadsheet file"),
        (b"\x00" * 100, 1, "not a text at all"),
    ],
)
def test_a_wrong_encoding_is_named_with_its_line(data: bytes, line: int, words: str) -> None:
    error = the_error(read(people=data))
    assert (error.file, error.line) == ("people.csv", line)
    assert words in error.message
    assert "CSV UTF-8" in error.message


def test_all_errors_come_at_once_and_private_numbers_masked() -> None:
    people = (
        "key,name,site,default_number_1\np1,Ada,Leeds,07700 9\np 2,Bo,Leeds,07700900123456789\np3,,Hull,07700 900125\n"
    )
    reading = read(people=people, dids=DIDS.replace("teams", "x"))
    assert [(error.file, error.line, error.column) for error in reading.errors] == [
        ("people.csv", 2, "default_number_1"),
        ("people.csv", 3, "key"),
        ("people.csv", 3, "default_number_1"),
        ("people.csv", 4, "name"),
        ("people.csv", 4, "site"),
        ("dids.csv", 3, "platform"),
    ]
    shown = "\n".join(map(str, reading.problems))
    assert "people.csv, line 2, default_number_1: '***00 9' has too few digits" in shown
    assert "900125" not in shown
    assert "07700" not in shown


def test_a_misspelt_row_in_one_file_does_not_make_its_references_errors_too() -> None:
    error = the_error(read(people=PEOPLE.replace("07700 900123", "x")))
    assert error.column == "default_number_1"
    assert the_error(read(sites=b"\xff\xfe")).file == "sites.csv"


def test_warnings_keep_nothing_from_being_imported() -> None:
    people = "key,name,site,default_number_1,default_number_2\np1,A,Leeds,0845 123 4567,08451234567\np2,B,Leeds,,\n"
    reading = read(people=people)
    assert reading.directory is not None
    assert [(p.line, p.column, p.severity) for p in reading.problems] == [
        (2, "default_number_1", Severity.WARNING),
        (2, "default_number_2", Severity.WARNING),
        (2, "default_number_2", Severity.WARNING),
        (3, "default_number_1", Severity.WARNING),
    ]
    assert "will not be dialled" in reading.warnings[0].message
    assert reading.directory.people[PersonKey("p1")].default_numbers == (DefaultNumber("+448451234567"),)


def test_a_file_that_is_not_given_leaves_its_part_but_is_checked() -> None:
    current = one_did()
    only_dids = read(None, "did,owner,site,platform\n+441134960555,p1,Leeds,uc\n", None, current)
    assert only_dids.directory is not None
    assert only_dids.directory.people == current.people
    assert set(only_dids.directory.assignments) == {"+441134960555"}

    leaver = the_error(read("key,name,site,default_number_1\np9,New,Leeds,\n", None, None, current))
    assert (leaver.file, leaver.line) == ("the stored directory", 0)
    assert "of +441134960123 is no person of people.csv" in leaver.message

    loop = the_error(read(None, f"did,owner,site,platform\n{MOBILE},p1,Leeds,uc\n", None, current))
    assert "of p1 is one of our own DIDs" in loop.message
    assert MOBILE not in str(loop)


def test_too_many_dids_for_one_bucket_are_refused() -> None:
    dids = "did,owner,site,platform\n" + "".join(f"+44113{n * 500:07d},,Leeds,uc\n" for n in range(501))
    assert "501 DIDs end in 000 or 500" in the_error(read(dids=dids)).message


def test_a_file_full_of_faults_ends_the_list_somewhere() -> None:
    assert len(read(people=b"key,name,site,default_number_1\n" + b"\xff\n" * 5_000).problems) <= 1_000


def exported(directory: Directory) -> tuple[str, str, str, str]:
    return render_people(directory), render_dids(directory), render_sites(directory), render_teams(directory)


def test_an_export_looks_like_this() -> None:
    people, dids, sites, teams = exported(read().directory or EMPTY)
    assert people.splitlines()[1] == "p1,Ada Example,Leeds,,,+44 7700 900123,+44 113 496 0001 35s,,,"
    assert dids.splitlines()[1] == "+44 113 496 0123,p1,Leeds,uc,voice,yes,,"
    assert sites.splitlines()[1] == "Leeds,+44 113 496 0000,custom/leeds,,,,,,"
    assert teams.splitlines() == [
        "name,site,strategy,members,ring_seconds,wait_seconds,max_waiting,floor,backstop_number"
    ]


def importable(directory: Directory) -> Directory:
    """Without what an import refuses."""
    own = set(directory.assignments)

    def outside(number: str | None) -> str | None:
        return None if number in own else number

    def reachable(team: Team) -> Team:
        floor = min(team.floor, len(team.members)) if team.members else team.floor
        return replace(team, backstop_number=outside(team.backstop_number), floor=floor)

    return Directory.of(
        [
            replace(
                person,
                default_numbers=tuple({n.e164: n for n in person.default_numbers if n.e164 not in own}.values()),
            )
            for person in directory.people.values()
        ],
        [replace(item, divert_number=outside(item.divert_number)) for item in directory.assignments.values()],
        [
            replace(
                site,
                fallback_number=outside(site.fallback_number),
                out_of_hours_number=outside(site.out_of_hours_number),
            )
            for site in directory.sites.values()
        ],
        map(reachable, directory.teams.values()),
    )


@given(directories())
@settings(max_examples=60)
def test_an_export_imports_to_the_same(directory: Directory) -> None:
    """But for what an import refuses: own DIDs as targets, and the same default number twice."""
    clean = importable(directory)
    people, dids, sites, teams = exported(clean)
    reading = read(
        people if clean.people else None,
        dids if clean.assignments else None,
        sites,
        teams=teams,
    )
    assert not reading.errors
    assert reading.directory == clean
    assert not compare(clean, reading.directory or EMPTY)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(str.encode),
    st.sampled_from(["people", "dids", "sites", "teams"]),
)
def test_any_bytes_give_problems_or_a_directory(data: bytes, part: str) -> None:
    headers = {
        "people": "key,name,site,default_number_1\n",
        "dids": "did,owner,site,platform\n",
        "sites": "",
        "teams": "name,site,members,floor\n",
    }
    given_files = {part: headers[part].encode() + data}
    reading = read(**{"people": PEOPLE, "dids": DIDS, "sites": SITES, **given_files})
    assert (reading.directory is None) == bool(reading.errors)
    assert all(str(problem) for problem in reading.problems)


def test_what_few_directories_state_is_told_where_it_is_stated() -> None:
    before = one_did()
    (owner,) = before.people.values()
    away = replace(owner, default_numbers=(), withheld=((owner.default_numbers[0], NotRung.AWAY),), deputy=owner.key)
    held = replace(before.assignments[DID], hold=NotRung.CLAIMED_TWICE)
    zoned = replace(before.sites["Leeds"], time_zone="Europe/London")
    after = Directory.of([away], [held], [zoned])
    assert list(compare(before, after).lines()) == [
        "~ site Leeds: time zone none -> Europe/London",
        "~ person p1: default numbers +44*******123 20s -> none, not rung none -> +44*******123 20s (owner_away), "
        "deputy none -> p1",
        f"~ DID {DID}: held none -> claimed_twice",
    ]
    assert next(compare(after, before).lines()) == "~ site Leeds: time zone Europe/London -> none"
    assert next(compare(EMPTY, after).lines()).endswith("announcement unavailable, time zone Europe/London")


def test_the_difference_is_told_with_masked_numbers() -> None:
    before = one_did()
    moved = read(
        "key,name,site,default_number_1\np1,Ada Example,Leeds,+447700901123\np2,Bo,Leeds,\n",
        "did,owner,site,platform\n+441134960124,p2,Leeds,uc\n",
        "name,fallback_number\nLeeds,+441134960000\n",
        before,
    ).directory
    assert moved is not None
    change = compare(before, moved)
    assert list(change.lines()) == [
        "+ person p2: name Bo, site Leeds, default numbers none",
        "~ person p1: default numbers +44*******123 20s -> +44*******123 20s (the hidden digits differ)",
        "+ DID +441134960124: owner p2, site Leeds, platform uc, kind voice, critical no",
        "- DID +441134960123: owner p1, site Leeds, platform uc, kind voice, critical no",
    ]
    assert change.summary() == (
        "people: 1 added, 1 changed, 0 removed; DIDs: 1 added, 0 changed, 1 removed; "
        "sites: 0 added, 0 changed, 0 removed"
    )
    assert SECOND_MOBILE not in "".join(change.lines())


def test_a_file_with_few_rows_is_one_fault_and_not_one_for_each_row_it_lacks() -> None:
    people = [Person(PersonKey(f"p{n}"), f"P {n}", "Leeds") for n in range(50)]
    dids = [DidAssignment(Did(f"+4411349600{n:02}"), PersonKey(f"p{n}"), "Leeds", "uc") for n in range(50)]
    current = Directory.of(people, dids, [Site("Leeds")])
    few = CsvFile("people.csv", b"key,name,site,default_number_1\np0,P 0,Leeds,\n")
    reading = read_directory(CsvFiles(people=few), current, RULES)
    assert [str(problem) for problem in reading.errors] == [
        f"{STORED}, owner: 49 rows name a person that people.csv does not hold (p1, p10, p11, ...); "
        "is people.csv whole? It replaces what is stored"
    ]
