"""Team lines and opening hours as people write them in CSV files: good ones in, every fault named with its remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ringfence.domain.directory import DefaultNumber, Directory, PersonKey, Site
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory, render_people, render_sites, render_teams
from ringfence.domain.directory_diff import compare
from ringfence.domain.ring_hours import RingHours, parse_ring_hours
from ringfence.domain.team import MAX_MEMBERS, Strategy, Team
from tests.unit.directories import MOBILE, SECOND_MOBILE
from tests.unit.test_directory_csv import DIDS, PEOPLE, RULES, SITES, read, the_error

TEAMS = (
    "name,site,strategy,members,ring_seconds,wait_seconds,max_waiting,floor,backstop_number\n"
    "Sales,Leeds,rotation,p2 p1,15,60,5,2,0113 496 0009\n"
    "Ward 7,York,,,,,,,\n"
)
TWO_PEOPLE = PEOPLE + "p2,Bo,Leeds,07700 900124,\n"
LINES = "did,owner,site,platform,team,divert_number\n0113 496 0123,p1,Leeds,uc,Sales,0113 496 0008\n"
HOURS = (
    "name,fallback_number,time_zone,opening,holidays,out_of_hours_number,out_of_hours_announcement,voicemail\n"
    "Leeds,,Europe/Berlin,mon-fri 08:00-18:00; sat 09:00-12:00,2026-12-28 2026-12-25,"
    "0113 496 0007,night/closed,600@all\n"
    "York,,,00:00-24:00,,,,\n"
)


def test_four_good_files_make_a_directory() -> None:
    directory = read(TWO_PEOPLE, LINES, HOURS, teams=TEAMS).directory
    assert directory is not None
    assert directory.teams == {
        "Sales": Team(
            "Sales", "Leeds", Strategy.ROTATION, (PersonKey("p2"), PersonKey("p1")), 15, 60, 5, 2, "+441134960009"
        ),
        "Ward 7": Team("Ward 7", "York"),
    }
    (line,) = directory.assignments.values()
    assert (line.team, line.divert_number) == ("Sales", "+441134960008")
    week = parse_ring_hours("mon-fri 08:00-18:00", "Europe/Berlin")
    saturday = parse_ring_hours("sat 09:00-12:00", "Europe/Berlin")
    assert directory.sites["Leeds"] == Site(
        "Leeds",
        time_zone="Europe/Berlin",
        opening=(week, saturday),
        holidays=(date(2026, 12, 25), date(2026, 12, 28)),
        out_of_hours_number="+441134960007",
        out_of_hours_announcement="night/closed",
        voicemail="600@all",
    )
    assert directory.sites["York"].opening == (RingHours(0, 1440, "Europe/London"),)


def test_an_export_of_them_looks_like_this() -> None:
    directory = read(TWO_PEOPLE, LINES, HOURS, teams=TEAMS).directory or Directory()
    assert render_teams(directory).splitlines()[1:] == [
        "Sales,Leeds,rotation,p2 p1,15,60,5,2,+44 113 496 0009",
        "Ward 7,York,all,,20,0,10,1,",
    ]
    assert render_sites(directory).splitlines()[1] == (
        "Leeds,,unavailable,Europe/Berlin,mon-fri 08:00-18:00; sat 09:00-12:00,2026-12-25 2026-12-28,"
        "+44 113 496 0007,night/closed,600@all"
    )


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("07700 900123 press1", DefaultNumber(MOBILE, press_one=True)),
        ("07700 900123 25s nopress", DefaultNumber(MOBILE, 25, press_one=False)),
        ("07700 900123 25 S PRESS1", DefaultNumber(MOBILE, 25, press_one=True)),
        ("07700 900123", DefaultNumber(MOBILE)),
    ],
)
def test_a_default_number_may_say_whether_who_answers_presses_1(written: str, number: DefaultNumber) -> None:
    reading = read(f"key,name,site,default_number_1\np1,Ada,Leeds,{written}\n", DIDS)
    assert reading.directory is not None
    assert reading.directory.people[PersonKey("p1")].default_numbers == (number,)
    again = read(render_people(reading.directory))
    assert again.directory is not None
    assert again.directory.people == reading.directory.people


@pytest.mark.parametrize("written", ["07700 900123 press2", "press1", "07700 900123 press1 25s"])
def test_another_word_behind_a_number_is_a_fault_and_the_number_stays_masked(written: str) -> None:
    error = the_error(read(f"key,name,site,default_number_1\np1,Ada,Leeds,{written}\n", DIDS))
    assert (error.file, error.line, error.column) == ("people.csv", 2, "default_number_1")
    assert "900" not in error.value


TEAM_FAULTS = [
    ("Sales,Leeds,rota,,,,,,", "strategy", "is no strategy; write one of all, rotation, order"),
    ("Sales,Leeds,,p1 p9,,,,,", "members", "is no person of people.csv; add it to people.csv"),
    ("Sales,Leeds,,p1 p1,,,,,", "members", "comes twice"),
    ("Sales,Leeds,,P1,,,,,", "members", "did you mean 'p1'?"),
    ("Sales,Leeds,,p1;p2,,,,,", "members", "write keys of people.csv with spaces between them"),
    ("Sales,Leeds,,,4,,,,", "ring_seconds", "must be a whole number from 5 to 120 (empty is 20)"),
    ("Sales,Leeds,,,²0,,,,", "ring_seconds", "must be a whole number"),
    ("Sales,Leeds,,,,121,,,", "wait_seconds", "from 0 to 120"),
    ("Sales,Leeds,,,,,0,,", "max_waiting", "from 1 to 50"),
    ("Sales,Leeds,,,,,,61,", "floor", "from 1 to 60"),
    ("Sales,Leeds,,p1 p2,,,,3,", "floor", "is more than the 2 that are listed"),
    ("Sales,Leeds,,,,,,,999", "backstop_number", "emergency number"),
    ("Sales,Leeds,,,,,,,0113 496 0123", "backstop_number", "own DIDs"),
    ("Sales,Hull,,,,,,,", "site", "is no site of sites.csv"),
    (",Leeds,,,,,,,", "name", "is empty; write a name"),
    ("=SUM(A1),Leeds,,,,,,,", "name", "formula"),
]


@pytest.mark.parametrize(("row", "column", "words"), TEAM_FAULTS)
def test_a_fault_in_a_team_is_named(row: str, column: str, words: str) -> None:
    error = next(
        problem
        for problem in read(TWO_PEOPLE, DIDS, SITES, teams=TEAMS.splitlines()[0] + f"\n{row}\n").errors
        if problem.column == column and words in problem.message
    )
    assert (error.file, error.line) == ("teams.csv", 2)


def test_keys_with_a_semicolon_between_them_are_one_fault() -> None:
    reading = read(TWO_PEOPLE, DIDS, SITES, teams=TEAMS.splitlines()[0] + "\nSales,Leeds,,p1;p2,,,,,\n")
    assert [problem.column for problem in reading.errors if problem.file == "teams.csv"] == ["members"]


def test_a_team_of_too_many_is_refused() -> None:
    keys = " ".join(f"q{n}" for n in range(MAX_MEMBERS + 1))
    reading = read(TWO_PEOPLE, teams=f"name,site,members\nSales,Leeds,{keys}\n")
    assert any("at most 60 can be rung" in problem.message for problem in reading.errors)


SITE_FAULTS = [
    ("opening", "mo-fr 8-18", "names no hours; write 07:00-22:00"),
    ("opening", "mon-fri 08:00-18:00;", "names no hours"),
    ("opening", "; ".join(["08:00-18:00"] * 5), "has 5 spans, at most 4"),
    ("holidays", "25.12.2026", "write days as 2026-12-25"),
    ("holidays", "20261225", "write days as 2026-12-25"),
    ("holidays", "2026-02-30", "is no day"),
    ("holidays", " ".join(f"2026-0{1 + n // 28}-{1 + n % 28:02}" for n in range(41)), "holds 41 days, at most 40"),
    ("out_of_hours_number", "112", "emergency number"),
    ("out_of_hours_number", "0113 496 0123", "own DIDs"),
    ("out_of_hours_announcement", "../etc/passwd", "no file ending"),
    ("voicemail", "reception", "write its number and its context, as 600@default"),
    ("voicemail", "600@a,b", "is no voicemail box"),
]


@pytest.mark.parametrize(("column", "value", "words"), SITE_FAULTS)
def test_a_fault_in_a_sites_hours_is_named(column: str, value: str, words: str) -> None:
    error = the_error(read(sites=f'name,fallback_number,{column}\nYork,,\nLeeds,,"{value}"\n'))
    assert (error.file, error.line, error.column) == ("sites.csv", 3, column)
    assert words in error.message


def test_hours_that_a_site_without_opening_has_are_warned_of() -> None:
    reading = read(sites="name,fallback_number,holidays\nLeeds,,2026-12-25\n")
    assert [(problem.line, problem.column) for problem in reading.warnings if problem.file == "sites.csv"] == [
        (2, "opening")
    ]


def test_an_announcement_that_nobody_can_be_told_is_warned_of() -> None:
    """`out-of-hours` is the prompt's file; the announcement is called `out_of_hours`."""
    header = "name,fallback_number,announcement,opening,out_of_hours_announcement\n"
    sites = f"{header}Leeds,,unavailable,mon-fri 08:00-18:00,out-of-hours\n"
    rules = replace(RULES, announcements=frozenset({"unavailable", "out_of_hours"}))
    files = CsvFiles(None, None, CsvFile("sites.csv", sites.encode()), None)
    (warning,) = read_directory(files, Directory.of(), rules).warnings
    assert (warning.column, "known are out_of_hours, unavailable" in warning.message) == (
        "out_of_hours_announcement",
        True,
    )


def test_a_did_of_an_unknown_team_and_one_diverted_to_itself_are_faults() -> None:
    unknown = the_error(read(TWO_PEOPLE, LINES.replace("Sales", "sales"), teams=TEAMS))
    assert (unknown.file, unknown.line, unknown.column) == ("dids.csv", 2, "team")
    assert "did you mean 'Sales'?" in unknown.message
    itself = the_error(read(TWO_PEOPLE, LINES.replace("496 0008", "496 0123"), teams=TEAMS))
    assert (itself.column, itself.value) == ("divert_number", "+441134960123")


def test_teams_stay_when_their_file_is_not_given_and_are_checked() -> None:
    current = read(TWO_PEOPLE, LINES, SITES, teams=TEAMS).directory
    assert current is not None
    kept = read(None, None, HOURS, current).directory
    assert kept is not None
    assert kept.teams == current.teams
    gone = the_error(read(PEOPLE, None, None, current))
    assert "'p2' of Sales is no person of people.csv" in str(gone)
    assert gone.file == "the stored directory"


def test_all_teams_may_go_unless_a_did_is_still_the_line_of_one() -> None:
    current = read(TWO_PEOPLE, LINES, SITES, teams=TEAMS).directory
    assert current is not None
    none = TEAMS.splitlines()[0] + "\n"
    without = read(None, LINES.replace("Sales", ""), None, current, teams=none).directory
    assert without is not None
    assert not without.teams
    assert "'Sales' of +441134960123 is no team of teams.csv" in str(the_error(read(None, None, None, current, none)))


def test_the_difference_names_teams_and_hours_and_masks_what_is_private() -> None:
    before = read(TWO_PEOPLE, LINES, SITES, teams=TEAMS).directory
    after = read(
        TWO_PEOPLE.replace("900124", "900124 press1"),
        LINES.replace("Sales", "").replace("0113 496 0008", ""),
        HOURS,
        teams=TEAMS.replace("rotation,p2 p1,15", "all,,20").replace("Ward 7", "Ward 8"),
    ).directory
    assert before is not None
    assert after is not None
    lines = list(compare(before, after).lines())
    assert lines == [
        "~ site Leeds: fallback number +441134960000 -> none, announcement custom/leeds -> unavailable, "
        "time zone none -> Europe/Berlin, open none -> mon-fri 08:00-18:00; sat 09:00-12:00, "
        "holidays none -> 2026-12-25 2026-12-28, out-of-hours number none -> +441134960007, "
        "out-of-hours announcement none -> night/closed, voicemail none -> 600@all",
        "~ site York: open none -> 00:00-24:00",
        "~ person p2: default numbers +44*******124 20s -> +44*******124 20s press1",
        "+ team Ward 8: site York, strategy all, members everybody HR has in it, rings 20s, waits 0s, "
        "waiting at most 10, floor 1",
        "~ team Sales: strategy rotation -> all, members p2 p1 -> everybody HR has in it, rings 15s -> 20s",
        "- team Ward 7: site York, strategy all, members everybody HR has in it, rings 20s, waits 0s, "
        "waiting at most 10, floor 1",
        "~ DID +441134960123: team Sales -> none, diverted to +441134960008 -> none",
    ]
    assert compare(before, after).summary().endswith("; teams: 1 added, 1 changed, 1 removed")
    assert SECOND_MOBILE not in "".join(lines)
