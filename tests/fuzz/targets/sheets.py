"""Feeds and imports: CSV and Excel, LDAP's values, an HR system's JSON, checksums and cursors."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from typing import Final

import openpyxl

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.csv_text import MAX_PROBLEMS, Severity
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import (
    CsvFile,
    CsvFiles,
    read_directory,
    render_dids,
    render_people,
    render_sites,
    render_teams,
)
from ringfence.domain.hr.field_mapping import mapping_of
from ringfence.domain.hr.record import Batch
from ringfence.domain.numbers import is_e164
from ringfence.domain.policy import EgressPolicy
from ringfence.hr.feed_files import render_rejects, render_why
from ringfence.hr.sheet_files import SheetRules, read_batch
from tests.fuzz.target import Target, Try, hides, holds, shape

MOBILE: Final = "+447700900123"
MARK: Final = b"\n=====\n"
"""Between the four files of a directory in one input."""
OFF: Final[dict[str, str | list[str]]] = {"email": [], "department": [], "work_number": [], "starts": []}


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "directory-csv",
            "people.csv, dids.csv, sites.csv and teams.csv",
            "domain.csv_fields domain.csv_loops domain.csv_range domain.csv_references domain.csv_site "
            "domain.csv_team domain.csv_text domain.directory_csv domain.did_range domain.directory",
            _directory,
            max_bytes=16384,
        ),
        Target(
            "hr-csv",
            "HR's CSV",
            "hr.csv_sheet hr.sheet hr.sheet_files domain.hr.field_mapping domain.hr.words",
            _feed,
            max_bytes=16384,
        ),
        Target(
            "hr-excel",
            "HR's Excel workbook",
            "hr.sheet hr.sheet_files domain.hr.field_mapping hr.excel_sheet",
            _feed,
            made=lambda: (_workbook(),),
            max_bytes=16384,
            grows=False,
        ),
    )


def _workbook() -> bytes:
    book, out = openpyxl.Workbook(), BytesIO()
    book.active.append(["key", "name", "site", "did", "private_number", "active", "ends"])  # type: ignore[union-attr]
    book.active.append(["E1", "Zoë Ford", "Leeds", "0113 496 0001", 447700900123, True, datetime(2031, 1, 1)])  # type: ignore[union-attr]  # noqa: DTZ001
    book.save(out)
    return out.getvalue()


def _directory() -> Try:
    rules = CsvRules("GB", frozenset({"uc", "teams"}), EgressPolicy(frozenset({"GB"})))
    empty = Directory.of()

    def files(data: bytes) -> CsvFiles:
        parts = [*data.split(MARK), b"", b"", b"", b""][:4]
        names = ("people.csv", "dids.csv", "sites.csv", "teams.csv")
        return CsvFiles(*(CsvFile(name, part) if part else None for name, part in zip(names, parts, strict=True)))

    def attempt(data: bytes) -> str:
        given = files(data)
        reading = read_directory(given, empty, rules)
        for problem in reading.problems:
            said = str(problem)
            holds(problem.file and problem.message, "a problem without a place or words", said)
            holds("\n" not in said and "\0" not in said, "a problem over several lines", said)
            hides(said, MOBILE)
        if reading.directory is None:
            holds(reading.errors, "refused without a reason")
            holds(len(reading.problems) <= 8 * MAX_PROBLEMS, "a list without an end", len(reading.problems))
            return shape(reading.errors[0].message)
        holds(all(one.severity is Severity.WARNING for one in reading.problems), "taken with an error")
        found = reading.directory
        for person in found.people.values():
            holds(all(is_e164(one.e164) for one in person.default_numbers), "a number that is none", person.key)
        holds(all(map(is_e164, found.assignments)), "a DID that is none")
        written = (render_people(found), render_dids(found), render_sites(found), render_teams(found))
        again = read_directory(
            files(
                MARK.join(
                    text.encode() if present else b""
                    for text, present in zip(
                        written, (found.people, found.rows or found.ranges, found.sites, found.teams), strict=True
                    )
                )
            ),
            empty,
            rules,
        )
        holds(again.directory is not None, "not read again after writing", [str(one) for one in again.errors[:2]])
        assert again.directory is not None
        same = (again.directory.people, again.directory.sites, again.directory.teams, dict(again.directory.assignments))
        holds(same == (found.people, found.sites, found.teams, dict(found.assignments)), "read otherwise after writing")
        return (
            f"taken, {min(len(found.people), 2)} {min(len(found.assignments), 2)} {len(found.sites)} {len(found.teams)}"
        )

    return attempt


def _feed() -> Try:
    rules = SheetRules(mapping_of("plain", OFF, "GB"))

    def attempt(data: bytes) -> str:
        try:
            batch = read_batch("hr", "people.csv", data, rules, lambda _done, _all: None)
        except FeedRefused as error:
            hides(error, MOBILE)
            hides(render_why(error).decode(), MOBILE)
            holds(error.message and error.fix, "refused without a fix", error)
            return shape(error)
        return checked_batch(batch)

    return attempt


def checked_batch(batch: Batch) -> str:
    hides(render_rejects(batch).decode(), MOBILE)
    for record in batch.records:
        holds(record.id and record.key, "a record of nobody", record)
        holds(all(is_e164(number.e164) for number in record.numbers or ()), "a number that is none")
        holds(all(map(is_e164, record.dids or ())), "a DID that is none", record.dids)
    told = sorted({shape(problem.message)[:40] for problem in batch.rejected})
    return f"{min(len(batch.records), 3)} records, {told[:3]}"
