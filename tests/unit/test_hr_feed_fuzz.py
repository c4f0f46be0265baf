"""A feed that goes wrong after a first accepted load, from its bytes to what is accepted: nothing changes silently.

Everything that differs afterwards was refused, is held for a person, or is an explicit end that is told aloud.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.hr.field_mapping import mapping_of
from ringfence.domain.hr.guard import Heard, check_batch
from ringfence.domain.hr.record import STATUS_FIELDS, Batch, HrRecord, RecordId
from ringfence.hr.sheet_files import SheetRules, read_batch
from tests.unit.guarded import POLICY, Source

PEOPLE = 60
COLUMNS = (
    "key",
    "name",
    "email",
    "site",
    "department",
    "did",
    "work_number",
    "private_number",
    "active",
    "starts",
    "ends",
)
RULES = SheetRules(mapping_of("plain", {}, "GB"))


def rows() -> list[list[str]]:
    """Everybody differs in everything that can be differed in."""
    return [
        [
            f"E{n}", f"Zoë Ford {n}", f"p{n}@example.com", f"Site {n % 7}", f"Team {n % 5}", f"0113 496 {n:04d}",
            f"07700 900{n + 500:03d}", f"07700 900{n:03d}", "yes", f"20{n % 20:02d}-04-01",
            "2031-12-31" if n % 9 == 0 else "",
        ]
        for n in range(PEOPLE)
    ]  # fmt: skip


def feed(header: tuple[str, ...] | list[str], cells: list[list[str]]) -> bytes:
    return "".join(";".join(row) + "\n" for row in [list(header), *cells]).encode()


FEED = feed(COLUMNS, rows())


def read(data: bytes) -> Batch:
    return read_batch("hr", "people.csv", data, RULES, lambda _done, _all: None)


def loaded() -> Source:
    return Source(*read(FEED).records)


def accepted(source: Source) -> Mapping[RecordId, HrRecord | None]:
    return {id_: state.accepted for id_, state in source.roster.records.items()}


def hear(source: Source, data: bytes) -> Heard | None:
    """None: refused."""
    try:
        batch = read(data)
    except FeedRefused:
        return None
    return None if check_batch(batch, PEOPLE, POLICY) else source.hear(batch)


def cuts() -> Iterator[int]:
    """Every byte of the header and of the first and last rows, and some of each row between."""
    yield from range(len(COLUMNS) * 10 + 150)
    yield from range(350, len(FEED) - 350, 37)
    yield from range(len(FEED) - 350, len(FEED))


def test_a_cut_feed_changes_nothing_that_is_accepted() -> None:
    source = loaded()
    before = accepted(source)
    heard = 0
    for length in cuts():
        done = hear(source, FEED[:length])
        heard += done is not None
        assert accepted(source) == before, length
        assert done is None or done.leavers == 0
    assert heard > 100
    assert hear(source, FEED) is not None
    assert (accepted(source), dict(source.held)) == (before, {}), "the whole feed says that nothing is wrong"


@pytest.mark.parametrize("by", [1, -1, 3])
@pytest.mark.parametrize("first", range(len(COLUMNS) - 1))
def test_shifted_columns_are_refused_or_held_or_told(first: int, by: int) -> None:
    """From one column on the cells of every row turn round by so many places, below the same header."""
    source = loaded()
    before = accepted(source)

    def turned(cells: list[str]) -> list[str]:
        tail = cells[first:]
        places = by % len(tail)
        return [*cells[:first], *tail[places:], *tail[:places]]

    shifted = [turned(cells) for cells in rows()]
    if shifted == rows():
        return
    done = hear(source, feed(COLUMNS, shifted))
    if done is None:
        assert accepted(source) == before
        return
    assert sum(done.held.values()) >= PEOPLE, "everybody's row differs"
    for id_, record in accepted(source).items():
        was = before.get(id_)
        if was is None or record is None:
            assert record is None, "nobody joins by a shifted column"
            continue
        differs = {field for field in HrRecord.__slots__ if getattr(record, field) != getattr(was, field)}
        assert differs <= set(STATUS_FIELDS)
        assert not differs or done.leavers


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_two_headers_exchanged_or_one_gone(column: int) -> None:
    for other in range(column):
        source = loaded()
        before = accepted(source)
        header = list(COLUMNS)
        header[column], header[other] = header[other], header[column]
        done = hear(source, feed(header, rows()))
        changed = [id_ for id_, record in accepted(source).items() if record is not None and record != before.get(id_)]
        assert done is None or not changed or done.leavers >= len(changed)
    gone = [name for at, name in enumerate(COLUMNS) if at != column]
    assert hear(loaded(), feed(gone, rows())) is None
    assert hear(loaded(), feed(gone, [[*row[:column], *row[column + 1 :]] for row in rows()])) is None
