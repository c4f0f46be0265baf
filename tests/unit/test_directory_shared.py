"""What an import says that is known already is no second time in memory."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.csv_text import Columns, Problem, read_sheet
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory
from ringfence.domain.policy import EgressPolicy

RULES = CsvRules("GB", frozenset({"uc"}), EgressPolicy(frozenset({"GB"})))
PEOPLE = "key,name,site,default_number_1\np1,Ada,Leeds,+447700900123\np2,Bo,Leeds,+447700900124\n"
DIDS = "did,owner,site,platform\n+441134960123,p1,Leeds,uc\n+441134960124,p2,Leeds,uc\n"
SITES = "name,fallback_number,announcement\nLeeds,+441134960000,\n"


def imported(current: Directory, people: str = PEOPLE) -> Directory:
    texts = {"people": people, "dids": DIDS, "sites": SITES}
    files = CsvFiles(**{name: CsvFile(f"{name}.csv", text.encode()) for name, text in texts.items()})
    directory = read_directory(files, current, RULES).directory
    assert directory is not None
    return directory


def test_only_a_changed_row_makes_something_new() -> None:
    first = imported(Directory())
    second = imported(first, PEOPLE.replace("Bo", "Bob"))
    assert [second.people[key] is person for key, person in first.people.items()] == [True, False]
    assert second.people[next(key for key in second.people if key == "p2")].name == "Bob"
    assert all(second.assignments[did] is item for did, item in first.assignments.items())
    assert all(second.sites[name] is site for name, site in first.sites.items())


def test_rows_are_read_as_they_are_asked_for() -> None:
    problems: list[Problem] = []
    rows = read_sheet("sites.csv", b"name\nLeeds\nYork,too,many\nHull\n", Columns(("name",)), problems)
    assert isinstance(rows, Iterator)
    assert (next(rows).get("name"), problems) == ("Leeds", [])
    assert [row.line for row in rows] == [4]
    assert [problem.line for problem in problems] == [3]
