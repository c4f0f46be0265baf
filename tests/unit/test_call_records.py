"""Asterisk's own records read back: exactly the calls of a time, whatever else the file holds."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.incident_ports import Found, RecordsUnreadable
from ringfence.asterisk.call_records import STEP_BYTES, CdrFile, read_row
from ringfence.domain.calls import WITHHELD, AnsweredBy, CallRecord
from ringfence.domain.incident import Span

NOON = datetime(2030, 1, 15, 12, 0, tzinfo=UTC)
EVER = Span(NOON - timedelta(days=1), NOON + timedelta(days=1))
DID = "+441134960123"


def userfield(ended: datetime, did: str = DID, withheld: str = "", answered_by: str = "announcement") -> str:
    ms = int(ended.timestamp() * 1000)
    facts = f"{did}|carrier|uc|divert|divert|scope-divert|2|{answered_by}|answered|"
    return f"rf1|{facts}|{ms - 2500}|{ms - 1500}|{ms}|{withheld}"


def row(number: int, ended: datetime, *, ours: str | None = None, src: str = "+441632960001", name: str = "") -> str:
    """As cdr_csv writes it; quotes within a field are doubled."""
    clid = f'""{name}"" <{src}>'
    ours = userfield(ended) if ours is None else ours
    times = '"2030-01-15 12:00:00",,"2030-01-15 12:00:01",1,0'
    return (
        f'"","{src}","s","ringfence-announce","{clid}","PJSIP/carrier-1","","Answer","",{times},'
        f'"ANSWERED","DOCUMENTATION","1893456000.{number}","{ours}"\n'
    )


async def read(path: Path, span: Span = EVER, **limits: int) -> tuple[list[CallRecord], str]:
    calls: list[CallRecord] = []
    trouble = "never told"
    async for found in CdrFile(path, **limits).read(span):
        if isinstance(found, Found):
            trouble = found.trouble
        else:
            calls += found
    return calls, trouble


def write(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("".join(lines), encoding="utf-8")
    os.utime(path, times=(EVER.until.timestamp(),) * 2)
    return path


def test_a_row_is_the_call_it_was() -> None:
    assert read_row(row(7, NOON)) == CallRecord(
        call_id="1893456000.7",
        ended_at=NOON,
        did=DID,
        trunk="carrier",
        scope="uc",
        caller="+441632960001",
        decision="divert",
        path="divert",
        reason="scope-divert",
        step=2,
        answered_by=AnsweredBy.ANNOUNCEMENT,
        result="answered",
        platform_status=None,
        duration_ms=2500,
        ringing_after_ms=1000,
    )


def test_who_withheld_the_number_has_none() -> None:
    record = read_row(row(7, NOON, ours=userfield(NOON, withheld="withheld")))
    assert record is not None
    assert record.caller == WITHHELD


def test_the_three_columns_of_our_own_mapping_do_as_well() -> None:
    record = read_row(f'"+441632960001","1893456000.7","{userfield(NOON)}"\n')
    assert record == read_row(row(7, NOON))


FORGED = userfield(NOON, did="+441134960999")


@pytest.mark.parametrize(
    "line",
    [
        row(1, NOON, ours="", src=FORGED),
        row(1, NOON, ours="", name=f'x"",""{FORGED}'),
        row(1, NOON, ours="", name=f"{FORGED}"),
        row(1, NOON, ours=FORGED.replace("rf1", "rf2")),
        row(1, NOON, ours=FORGED.replace("announcement", "mallory")),
        row(1, NOON, ours=FORGED + "|more"),
        row(1, NOON)[:-60],
        row(1, NOON)[:200] + row(2, NOON, src=FORGED),
        "",
        "\n",
        '"unclosed\n',
        f'"{FORGED}"\n',
    ],
)
def test_a_hostile_or_torn_line_tells_nothing(line: str) -> None:
    assert read_row(line) is None


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    read_row(text)
    hostile = row(1, NOON, ours="", src=text.replace('"', '""'), name=text.replace('"', '""'))
    assert read_row(hostile) is None


async def test_only_the_calls_of_the_time_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "Master.csv", (row(n, NOON + timedelta(minutes=n)) for n in range(60)))
    calls, trouble = await read(file, Span(NOON + timedelta(minutes=10), NOON + timedelta(minutes=19, seconds=30)))
    assert ([call.call_id for call in calls], trouble) == ([f"1893456000.{n}" for n in range(10, 20)], "")


async def test_of_a_large_file_the_end_alone_is_read(tmp_path: Path) -> None:
    each = len(row(0, NOON))
    count = 3 * STEP_BYTES // each
    file = write(tmp_path / "Master.csv", (row(n % 10**6, NOON + timedelta(seconds=n)) for n in range(count)))
    last = Span(NOON + timedelta(seconds=count - 100), NOON + timedelta(seconds=count))
    calls, trouble = await read(file, last, max_bytes=2 * STEP_BYTES)
    assert (len(calls), trouble) == (100, "")
    some, trouble = await read(file, EVER, max_bytes=STEP_BYTES)
    assert 0 < len(some) < count
    assert "more than can be read" in trouble


async def test_rotated_files_are_read_oldest_first_and_old_ones_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "Master.csv"
    newest = write(place, [row(3, NOON)])
    first = write(tmp_path / "Master.csv.1", [row(2, NOON - timedelta(hours=1))])
    with gzip.open(tmp_path / "Master.csv.2.gz", "wb") as packed:
        packed.write(row(1, NOON - timedelta(hours=2)).encode())
    long_ago = write(tmp_path / "Master.csv.3", [row(0, NOON - timedelta(hours=3))])
    write(tmp_path / "Master.csv.bak", [row(9, NOON)])
    stamps = {newest: 0, first: -3600, tmp_path / "Master.csv.2.gz": -7200, long_ago: -2 * 86_400}
    for file, seconds in stamps.items():
        os.utime(file, times=((NOON.timestamp() + seconds),) * 2)
    calls, trouble = await read(place)
    assert ([call.call_id[-1] for call in calls], trouble) == (["1", "2", "3"], "")


async def test_a_file_that_nobody_writes_to_any_more_covers_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "Master.csv", [row(1, NOON)])
    os.utime(file, times=(NOON.timestamp(),) * 2)
    calls, trouble = await read(file, Span(NOON + timedelta(hours=1), NOON + timedelta(hours=2)))
    assert (calls, trouble) == (
        [],
        f"{file} was last written to at 2030-01-15 12:00:00 UTC, before this time began",
    )


async def test_the_line_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "Master.csv", [row(1, NOON), "x" * 40_000 + "\n", row(2, NOON), row(3, NOON).rstrip("\n")])
    calls, _ = await read(file)
    assert [call.call_id[-1] for call in calls] == ["1", "2"]


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordsUnreadable, match="No such file"):
        await read(tmp_path / "Master.csv")
    bare = [",".join(row(1, NOON).rstrip("\n").split(",")[:-2]) + "\n"]
    _, trouble = await read(write(tmp_path / "Master.csv", bare))
    assert "loguserfield" in trouble
    assert await read(write(tmp_path / "Master.csv", [])) == ([], "")
    with gzip.open(tmp_path / "Master.csv.1.gz", "wb") as packed:
        packed.write(row(1, NOON).encode() * 100)
    torn = (tmp_path / "Master.csv.1.gz").read_bytes()
    (tmp_path / "Master.csv.1.gz").write_bytes(torn[: len(torn) // 2])
    os.utime(tmp_path / "Master.csv.1.gz", times=(NOON.timestamp(),) * 2)
    with pytest.raises(RecordsUnreadable):
        await read(tmp_path / "Master.csv")
