"""A row that cannot be read and says all the same that somebody has left."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ringfence.domain.hr.field_mapping import mapping_of, says_left
from ringfence.domain.hr.record import Batch
from ringfence.hr.sheet_files import SheetRules, read_batch

FIELDS: dict[str, str | list[str]] = {
    "key": "key",
    "post": "post",
    "active": "status",
    "starts": "first",
    "ends": "last",
    "private_number": "mobile",
}
MAPPING = mapping_of("", FIELDS, "GB")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(*rows: str) -> Batch:
    data = "\n".join(("key,post,status,first,last,mobile", *rows, "")).encode()
    return read_batch("payroll", "people.csv", data, SheetRules(MAPPING), lambda _done, _all: None)


def test_a_leaver_whose_number_cannot_be_read_has_left() -> None:
    batch = read("E1,,Terminated,,,ask reception", "E2,,Active,,,ask reception", "E3,,Active,,,07700 900123")
    assert batch.gone == {"E1"}
    assert sorted(problem.id for problem in batch.rejected) == ["", "E2"]
    assert [record.id for record in batch.records] == ["E3"]


def test_another_row_of_the_same_person_puts_it_in_doubt() -> None:
    assert read("E1,,Terminated,,,ask reception", "E1,,Active,,,07700 900123").gone == frozenset()


@pytest.mark.parametrize(
    ("cells", "left"),
    [
        ({"status": "Terminated"}, True),
        ({"status": "who knows"}, False),
        ({"last": "20/11/2026"}, True),
        ({"last": "21/11/2026"}, False),
        ({"last": "soon"}, False),
        ({"first": "01/11/2026", "last": "31/01/2020"}, False),
        ({"first": "soon", "last": "31/01/2020"}, False),
        ({"status": "Terminated", "post": "night shift"}, False),
        ({}, False),
    ],
)
def test_what_says_for_certain_that_somebody_has_left(cells: dict[str, str], left: bool) -> None:
    assert says_left({"key": "E1", "mobile": "ask reception", **cells}, MAPPING, NOW) == ("E1" if left else None)
