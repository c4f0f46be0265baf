"""The dependency audit sees what is there to be seen, and its page is about the locks of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.audit import advisories, licences, locks, report
from tests.audit.locks import Pin
from tests.tidy.tree import text_of

PIN = Pin("some-library", "2.5.0", 1, here=True)


def record(folder: Path, **affected: object) -> None:
    package = {"ecosystem": "PyPI", "name": "Some_Library"}
    told = {"id": "PYSEC-1", "modified": "2030-01-15T12:00:00Z", "affected": [{"package": package, **affected}]}
    (folder / "PYSEC-1.json").write_text(json.dumps(told))


def between(first: str, **end: str) -> list[dict[str, object]]:
    return [{"type": "ECOSYSTEM", "events": [{"introduced": first}, end]}]


def test_the_locks_and_licences_are_in_order() -> None:
    assert [*locks.faults(), *licences.faults()] == []


def test_the_page_is_about_these_locks() -> None:
    assert report.lock_line() in text_of(report.PAGE), "run `make audit ADVISORIES=FOLDER WRITE=1`"
    assert report.FOUND not in text_of(report.PAGE)


@pytest.mark.parametrize(
    ("affected", "hit"),
    [
        ({"versions": ["2.4.0", "2.5"]}, True),
        ({"versions": ["2.4.0", "not-a-version"]}, False),
        ({"ranges": between("0", fixed="2.6")}, True),
        ({"ranges": between("0", fixed="2.5.0")}, False),
        ({"ranges": between("2.5.1", fixed="3")}, False),
        ({"ranges": between("0", last_affected="2.5.0")}, True),
        ({"ranges": between("0", last_affected="2.4.9")}, False),
        ({"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}]}, False),
    ],
)
def test_an_advisory_is_found_where_it_is_about_the_locked_version(
    tmp_path: Path, affected: dict[str, object], hit: bool
) -> None:
    record(tmp_path, **affected)
    looked = advisories.look(tmp_path, [PIN])
    assert looked.found == (["some-library 2.5.0: PYSEC-1"] if hit else [])
    assert (looked.records, looked.about_ours, looked.newest) == (1, 1, "2030-01-15")


def test_what_cannot_be_looked_at_is_never_a_success(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "missing"):
        (advised,) = [check for check in report.looked_at(folder, ask=False) if check.what == "advisories"]
        assert advised.state == report.SKIPPED
    (tmp_path / "PYSEC-1.yaml").write_text("modified: 2020-01-15\nname: another\n")
    assert [check.state for check in report.looked_at(tmp_path, ask=False)][-2:] == [report.SKIPPED, report.OLD]
    (tmp_path / "PYSEC-2.yaml").write_text("modified: 2030-01-15\nname: some-library\naffected: 7\n")
    assert advisories.look(tmp_path, [PIN]).unreadable == ["PYSEC-2.yaml: TypeError"]
