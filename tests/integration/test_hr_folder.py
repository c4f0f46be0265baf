"""Feeds in a real folder: which file is read, where it goes, and what is left for whoever keeps the export."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from pydantic import ValidationError

from ringfence.app.hr.ports import Feed, FeedRefused, SourceUnavailable
from ringfence.bootstrap.clock import SystemClock
from ringfence.hr.folder import FolderSettings, FolderSource
from tests.fakes.clock import NOON, FakeClock

HEADER = "key,name,site,did,private_number,ends\n"
FIELDS: dict[str, Any] = {"email": [], "department": [], "work_number": [], "active": [], "starts": []}


def feed_of(*keys: str) -> str:
    return HEADER + "".join(f"{key},Ann Lee,Leeds,,07700 900123,\n" for key in keys)


def settings(path: Path, **more: Any) -> FolderSettings:
    given = {
        "type": "folder",
        "name": "payroll",
        "path": path,
        "preset": "plain",
        "fields": FIELDS,
        "stable_seconds": 0,
    }
    return FolderSettings.model_validate(given | more)


def source(path: Path, **more: Any) -> FolderSource:
    return FolderSource(settings(path, **more), "GB", FakeClock())


async def read(reader: FolderSource, cursor: str = "") -> Feed | None:
    return await reader.read(cursor, lambda _done, _all: None)


async def taken(reader: FolderSource, cursor: str = "") -> Feed:
    feed = await read(reader, cursor)
    assert feed is not None
    return feed


def write(path: Path, text: str, age_seconds: float = 0) -> None:
    path.write_text(text)
    at = NOON.timestamp() - age_seconds
    os.utime(path, (at, at))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


async def test_a_file_is_read_without_a_trace_and_put_away_when_it_was_stored(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", feed_of("E1", "E2") + "E3,Ann Lee,Leeds,,0770O 900123,\n")
    reader = source(tmp_path)
    feed = await taken(reader)
    assert ([record.id for record in feed.batch.records], feed.label) == (["E1", "E2"], "people.csv")
    assert names(tmp_path) == ["people.csv"]

    await reader.settle(feed, None)
    archive = tmp_path / "archive"
    assert names(tmp_path) == ["archive"]
    assert names(archive) == ["20300115T120000Z-people.csv", "20300115T120000Z-people.csv.rejects.csv"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in archive.iterdir()} == {0o600}
    assert stat.S_IMODE(archive.stat().st_mode) == 0o700
    rejects = (archive / "20300115T120000Z-people.csv.rejects.csv").read_text()
    assert "line 4,private_number," in rejects
    assert "900123" not in rejects
    assert await read(reader, feed.cursor) is None


async def test_the_newest_file_counts_and_the_others_are_put_away_as_superseded(tmp_path: Path) -> None:
    for age, name in ((300, "a.csv"), (100, "b.csv"), (200, "c.csv")):
        write(tmp_path / name, feed_of(name[0]), age)
    reader = source(tmp_path)
    feed = await taken(reader)
    assert [record.id for record in feed.batch.records] == ["b"]
    assert feed.label == "b.csv (newer than 2 more: a.csv, c.csv)"
    await reader.settle(feed, None)
    assert names(tmp_path / "archive") == [
        "20300115T120000Z-b.csv", "20300115T120000Z-superseded-a.csv", "20300115T120000Z-superseded-c.csv",
    ]  # fmt: skip


async def test_a_file_in_windows_1252_says_so(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes((HEADER + "E1,Zoë Ford,Leeds,,,\n").encode("cp1252"))
    feed = await taken(source(tmp_path))
    assert (feed.batch.records[0].name, feed.label) == ("Zoë Ford", "people.csv, read as Windows-1252")


async def test_a_stored_file_that_could_not_be_put_away_is_not_taken_twice(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", feed_of("E1"))
    cursor = (await taken(source(tmp_path))).cursor
    after_a_crash = source(tmp_path)
    assert await read(after_a_crash, cursor) is None
    await after_a_crash.settle(None, None)
    assert names(tmp_path / "archive") == ["20300115T120000Z-people.csv"]

    write(tmp_path / "people.csv", feed_of("E1", "E2"))
    assert (await taken(after_a_crash, cursor)).batch.rows == 2


async def test_a_refused_file_goes_aside_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", "Staff No,Name\n1,Ann\n")
    reader = source(tmp_path)
    with pytest.raises(FeedRefused) as refused:
        await read(reader)
    await reader.settle(None, refused.value)
    assert names(tmp_path) == ["refused"]
    assert names(tmp_path / "refused") == ["20300115T120000Z-people.csv", "20300115T120000Z-people.csv.why.txt"]
    why = (tmp_path / "refused" / "20300115T120000Z-people.csv.why.txt").read_text()
    assert "'key' is missing" in why
    assert await read(reader) is None


async def test_a_feed_that_the_guard_refuses_goes_aside_too(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", feed_of("E1"))
    reader = source(tmp_path)
    feed = await taken(reader)
    await reader.settle(feed, FeedRefused("Too many rows cannot be read.", "Look at the export."))
    assert names(tmp_path / "refused")[1].endswith("people.csv.why.txt")


async def test_a_file_that_still_grows_waits(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = FolderSource(settings(tmp_path, stable_seconds=2), "GB", clock)
    write(tmp_path / "people.csv", HEADER)
    reading = asyncio.create_task(read(reader))
    while not clock._sleepers:
        await asyncio.sleep(0)
    write(tmp_path / "people.csv", feed_of("E1"))
    await clock.advance(2)
    assert await reading is None
    reading = asyncio.create_task(read(reader))
    while not clock._sleepers:
        await asyncio.sleep(0)
    await clock.advance(2)
    assert await reading is not None


async def test_a_file_replaced_while_its_feed_was_stored_is_the_next_feed(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", feed_of("E1"), age_seconds=60)
    reader = source(tmp_path)
    feed = await taken(reader)
    write(tmp_path / "people.csv", feed_of("E1", "E2"))
    await reader.settle(feed, None)
    assert (await taken(reader, feed.cursor)).batch.rows == 2


@pytest.mark.parametrize("name", ["people.csv.part", ".people.csv", "people.tmp", "people.csv~", "people.txt"])
async def test_names_that_are_no_finished_feed(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, feed_of("E1"))
    assert await read(source(tmp_path, pattern="*" if name != "people.txt" else "*.csv")) is None


async def test_names_that_are_no_text_are_passed_over_and_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in (b"caf\xe9.csv", b"two\nlines.csv"):
        write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)), feed_of("E9"))
    reader = source(tmp_path)
    assert await read(reader) is None
    assert await read(reader) is None
    write(tmp_path / "people.csv", feed_of("E1"), age_seconds=60)
    assert (await taken(reader)).label == "people.csv"
    assert [record.message for record in caplog.records] == [
        "files are passed over: their names are not UTF-8, or hold control characters"
    ]


async def test_with_a_marker_a_file_waits_for_its_own_marker(tmp_path: Path) -> None:
    reader = source(tmp_path, ready="done")
    write(tmp_path / "people.csv", feed_of("E1"))
    assert await read(reader) is None
    write(tmp_path / "people.csv.done", "", age_seconds=86_400)
    assert await read(reader) is None, "the marker is that of yesterday's file"
    write(tmp_path / "people.csv.done", "")
    await reader.settle(await taken(reader), None)
    assert names(tmp_path) == ["archive"]


async def test_links_and_pipes_are_no_feeds(tmp_path: Path) -> None:
    write(tmp_path / "secret", feed_of("E1"))
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "people.csv").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "drop" / "pipe.csv")
    assert await read(source(tmp_path / "drop")) is None


@pytest.mark.parametrize("kind", ["sha256", "md5"])
async def test_a_checksum_that_is_configured_must_come_and_agree(tmp_path: Path, kind: str) -> None:
    text = feed_of("E1")
    write(tmp_path / "people.csv", text, age_seconds=120)
    reader = source(tmp_path, checksum=kind)
    with pytest.raises(FeedRefused, match=f"without people.csv.{kind}"):
        await read(reader)
    write(tmp_path / f"people.csv.{kind}", hashlib.new(kind, text.encode()).hexdigest().upper() + "  people.csv\n")
    feed = await taken(reader)
    write(tmp_path / "people.csv", text.replace("Leeds", "Derby"), age_seconds=120)
    with pytest.raises(FeedRefused, match="does not agree"):
        await read(reader)
    write(tmp_path / "people.csv", text, age_seconds=120)
    await reader.settle(feed, None)
    assert names(tmp_path) == ["archive"]


async def test_a_checksum_may_come_a_little_later_than_its_file(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", feed_of("E1"), age_seconds=5)
    reader = source(tmp_path, checksum="sha256")
    assert await read(reader) is None
    await reader.settle(None, None)
    assert names(tmp_path) == ["people.csv"]


async def test_what_is_old_in_the_archive_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    clock = FakeClock()
    reader = FolderSource(settings(tmp_path, archive_days=30), "GB", clock)
    write(tmp_path / "people.csv", feed_of("E1"))
    await reader.settle(await taken(reader), None)
    write(tmp_path / "people.csv", "broken")
    with pytest.raises(FeedRefused) as refused:
        await read(reader)
    await reader.settle(None, refused.value)
    write(tmp_path / "archive" / "keep-me.csv", "of somebody else", age_seconds=10**9)
    clock.step_wall(timedelta(days=30, seconds=-1).total_seconds())
    await reader.settle(None, None)
    assert len(names(tmp_path / "archive")) == 2
    clock.step_wall(2)
    await reader.settle(None, None)
    assert names(tmp_path / "archive") == ["keep-me.csv"]
    assert names(tmp_path / "refused") == []


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that a rename cannot reach. Without a second file system the test fails: the way nobody goes daily would
    be the one nobody has tried."""
    here = tmp_path.stat().st_dev
    places = [Path("/dev/shm"), Path("/var/tmp"), Path("/tmp"), Path.home()]
    for place in places:
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK) and place.stat().st_dev != here:
            with TemporaryDirectory(prefix="ringfence-", dir=place) as made:
                yield Path(made)
            return
    pytest.fail(f"none of {', '.join(map(str, places))} is on another file system than {tmp_path}; see --basetemp")


async def test_an_archive_on_another_disk_is_reached_by_copying(tmp_path: Path, other_disk: Path) -> None:
    archive = other_disk / "archive"
    write(tmp_path / "people.csv", feed_of("E1"))
    reader = source(tmp_path, archive_path=archive)
    await reader.settle(await taken(reader), None)
    (copied,) = archive.iterdir()
    assert (copied.read_text(), stat.S_IMODE(copied.stat().st_mode)) == (feed_of("E1"), 0o600)
    assert names(tmp_path) == []


async def test_what_is_old_goes_although_reading_fails_and_so_do_the_rests_of_a_broken_copy(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    (archive / "20200101T000000Z-folder").mkdir(parents=True)
    for name in ("20200101T000000Z-people.csv", ".20200101T000000Z-people.csv.part"):
        (archive / name).write_text("+44 7700 900123")
    with pytest.raises(SourceUnavailable):
        await read(source(tmp_path / "gone", archive_path=archive))
    assert names(archive) == ["20200101T000000Z-folder"]


@pytest.mark.parametrize("folder", ["archive", "refused"])
async def test_an_archive_that_is_a_link_is_refused(tmp_path: Path, folder: str) -> None:
    elsewhere, inbox = tmp_path / "elsewhere", tmp_path / "in"
    elsewhere.mkdir()
    inbox.mkdir()
    write(elsewhere / "20200101T000000Z-precious", "of somebody else")
    (inbox / folder).symlink_to(elsewhere)
    write(inbox / "people.csv", feed_of("E1"))
    reader = source(inbox)
    with pytest.raises(SourceUnavailable, match="is a link"):
        await reader.settle(await taken(reader), None)
    assert names(elsewhere) == ["20200101T000000Z-precious"]
    assert "people.csv" in names(inbox)


async def test_what_cannot_be_moved_leaves_nothing_beside_where_it_should_go(tmp_path: Path, other_disk: Path) -> None:
    write(tmp_path / "people.csv", feed_of(*(f"E{n}" for n in range(2_000))) + "E9,\n")
    reader = source(tmp_path, archive_path=other_disk / "archive")
    feed = await taken(reader)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # as on a full disk; Python ignores the signal
    try:
        with pytest.raises(SourceUnavailable, match="cannot be put away"):
            await reader.settle(feed, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(other_disk / "archive") == []
    assert names(tmp_path) == ["people.csv"]


async def test_a_folder_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=f"{tmp_path}/gone cannot be read: there is no such folder"):
        await read(source(tmp_path / "gone"))
    (tmp_path / "file").touch()
    with pytest.raises(SourceUnavailable, match="Not a directory"):
        await read(source(tmp_path / "file"))


async def test_an_archive_that_cannot_be_written_is_told_and_the_file_stays(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", feed_of("E1"))
    (tmp_path / "archive").touch()
    reader = source(tmp_path)
    feed = await taken(reader)
    with pytest.raises(SourceUnavailable, match="cannot be put away"):
        await reader.settle(feed, None)
    assert (tmp_path / "people.csv").exists()


async def test_an_excel_feed_and_a_real_clock(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(HEADER.strip().split(","))
    book.active.append(["E1", "Ann Lee", "Leeds"])
    book.save(tmp_path / "people.xlsx")
    reader = FolderSource(settings(tmp_path, pattern="*.xlsx", stable_seconds=0.01), "GB", SystemClock())
    assert (await taken(reader)).batch.rows == 1


def test_settings_that_cannot_work_are_refused_with_the_field(tmp_path: Path) -> None:
    for wrong, says in (
        ({"fields": {"key": []}}, "key"),
        ({"preset": "none"}, "known are plain"),
        ({"trailer": "EOF"}, "{rows}"),
        ({"archive_path": tmp_path}, "archive_path"),
        ({"archive_path": tmp_path / "x" / ".."}, "archive_path"),
        ({"pattern": "../*.csv"}, "pattern"),
    ):
        with pytest.raises(ValidationError, match=says):
            settings(tmp_path, **wrong)
