"""Feeds from a real OpenSSH server: whom we believe, what is fetched, and what is left on the server."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio
from pydantic import ValidationError

from ringfence.app.hr.ports import Feed, FeedRefused, SourceError, SourceUnavailable
from ringfence.hr.sftp import SftpSource
from ringfence.hr.sftp_link import SftpSettings
from tests.fakes.clock import NOON, FakeClock
from tests.lab.ports import HOST, Ports
from tests.lab.sftp_server import SftpServer

HEADER = "key,name,site,did,private_number,ends\n"
FIELDS: dict[str, Any] = {"email": [], "department": [], "work_number": [], "active": [], "starts": []}


def feed_of(*keys: str) -> str:
    return HEADER + "".join(f"{key},Ann Lee,Leeds,,07700 900123,\n" for key in keys)


@pytest_asyncio.fixture(scope="module")
async def started() -> AsyncIterator[SftpServer]:
    ports = Ports()
    server = SftpServer(ports)
    try:
        await server.start()
        yield server
    finally:
        await server.close()
        ports.close()


@pytest.fixture
def server(started: SftpServer) -> SftpServer:
    """With a folder as a new one has it."""
    started.empty()
    return started


def settings(server: SftpServer, **more: Any) -> SftpSettings:
    given = {
        "type": "sftp", "name": "payroll", "host": HOST, "port": server.port, "user": server.user,
        "known_hosts": server.known_hosts, "key_file": server.key_file, "preset": "plain", "fields": FIELDS,
        "stable_seconds": 0,
    }  # fmt: skip
    return SftpSettings.model_validate(given | more)


def source(server: SftpServer, **more: Any) -> SftpSource:
    return SftpSource(settings(server, **more), "GB", FakeClock())


async def read(reader: SftpSource, cursor: str = "") -> Feed | None:
    return await reader.read(cursor, lambda _done, _all: None)


async def taken(reader: SftpSource) -> Feed:
    feed = await read(reader)
    assert feed is not None
    return feed


def write(path: Path, text: str, age_seconds: float = 0) -> None:
    path.write_text(text)
    at = NOON.timestamp() - age_seconds
    os.utime(path, (at, at))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_is_fetched_and_moved_with_its_rejects_when_it_was_stored(server: SftpServer) -> None:
    write(server.files / "old.csv", feed_of("E9"), age_seconds=60)
    write(server.files / "people.csv", feed_of("E1", "E2") + "E3,Ann Lee,Leeds,,0770O 900123,\n")
    reader = source(server)
    feed = await taken(reader)
    assert [record.id for record in feed.batch.records] == ["E1", "E2"]
    assert feed.label == "people.csv (newer than 1 more: old.csv)"
    assert names(server.files) == ["old.csv", "people.csv"]

    await reader.settle(feed, None)
    archive = server.files / "archive"
    assert names(server.files) == ["archive"]
    assert names(archive) == [
        "20300115T120000Z-people.csv",
        "20300115T120000Z-people.csv.rejects.csv",
        "20300115T120000Z-superseded-old.csv",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in archive.iterdir()} == {0o600}
    assert "line 4,private_number," in (archive / "20300115T120000Z-people.csv.rejects.csv").read_text()
    assert await read(reader, feed.cursor) is None


async def test_a_server_that_keeps_its_files_is_not_written_to(server: SftpServer) -> None:
    write(server.files / "people.csv", feed_of("E1"))
    reader = source(server, after="leave")
    feed = await taken(reader)
    await reader.settle(feed, None)
    assert names(server.files) == ["people.csv"]
    assert await read(reader, feed.cursor) is None
    write(server.files / "people.csv", feed_of("E1", "E2"))
    assert await read(reader, feed.cursor) is not None


async def test_a_refused_file_goes_aside_with_the_reason(server: SftpServer) -> None:
    write(server.files / "people.csv", "Staff No,Name\n1,Ann\n")
    reader = source(server)
    with pytest.raises(FeedRefused, match="'key' is missing") as refused:
        await read(reader)
    await reader.settle(None, refused.value)
    assert names(server.files) == ["refused"]
    assert names(server.files / "refused")[1] == "20300115T120000Z-people.csv.why.txt"


async def test_what_is_old_in_the_archive_on_the_server_is_deleted(server: SftpServer) -> None:
    clock = FakeClock()
    reader = SftpSource(settings(server, archive_days=30), "GB", clock)
    write(server.files / "people.csv", feed_of("E1"))
    await reader.settle(await taken(reader), None)
    await clock.advance(31 * 86_400)
    await reader.settle(None, None)
    assert names(server.files / "archive") == []


async def test_a_name_that_is_no_text_stops_neither_reading_nor_putting_away(server: SftpServer) -> None:
    (server.files / "archive" / "20200101T000000Z-folder").mkdir(parents=True)
    for folder in (server.files, server.files / "archive"):
        for name in (b"caf\xe9.csv", b"20200101T000000Z-caf\xe9.csv"):
            write(Path(os.fsdecode(os.fsencode(folder) + b"/" + name)), feed_of("E9"))
    write(server.files / "people.csv", feed_of("E1"), age_seconds=60)
    reader = source(server)
    feed = await taken(reader)
    assert feed.label == "people.csv"
    await reader.settle(feed, None)
    assert names(server.files / "archive") == [
        "20200101T000000Z-folder", "20300115T120000Z-people.csv", "caf\udce9.csv",
    ]  # fmt: skip


async def test_an_archive_that_is_a_link_is_refused(server: SftpServer) -> None:
    elsewhere = server.directory / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere / "20200101T000000Z-precious", "of somebody else")
    (server.files / "archive").symlink_to(elsewhere)
    write(server.files / "people.csv", feed_of("E1"))
    reader = source(server)
    with pytest.raises(SourceError, match="archive is a link"):
        await reader.settle(await taken(reader), None)
    assert names(elsewhere) == ["20200101T000000Z-precious"]
    assert "people.csv" in names(server.files)


async def test_what_cannot_be_moved_leaves_no_reasons_behind(server: SftpServer) -> None:
    write(server.files / "people.csv", feed_of("E1") + "E3,Ann Lee,Leeds,,0770O 900123,\n")
    reader = source(server)
    feed = await taken(reader)
    (server.files / "archive" / "20300115T120000Z-people.csv").mkdir(parents=True)  # where it should go
    with pytest.raises(SourceUnavailable):
        await reader.settle(feed, None)
    assert names(server.files / "archive") == ["20300115T120000Z-people.csv"]
    assert "people.csv" in names(server.files)


async def test_markers_checksums_and_links(server: SftpServer) -> None:
    write(server.files / "people.csv", feed_of("E1"), age_seconds=120)
    (server.directory / "outside.csv").write_text(feed_of("E666"))
    (server.files / "zz.csv").symlink_to(server.directory / "outside.csv")
    reader = source(server, ready="done", checksum="sha256")
    assert await read(reader) is None
    write(server.files / "people.csv.done", "")
    with pytest.raises(FeedRefused, match="came without"):
        await read(reader)
    write(server.files / "people.csv.sha256", "0" * 64)
    with pytest.raises(FeedRefused, match="does not agree") as refused:
        await read(reader)
    await reader.settle(None, refused.value)
    assert names(server.files) == ["refused", "zz.csv"]


async def test_an_empty_or_missing_folder(server: SftpServer) -> None:
    assert await read(source(server)) is None
    with pytest.raises(SourceUnavailable, match="No such file"):
        await read(source(server, path="gone"))


@pytest.mark.parametrize("known", ["another key", "no host at all"])
async def test_a_host_key_that_is_not_known_is_never_accepted(server: SftpServer, known: str) -> None:
    write(server.files / "people.csv", feed_of("E1"))
    server.make_key("another_key")
    path = server.known_hosts_of("another_key")
    if known == "no host at all":
        path.write_text("")
    with pytest.raises(SourceError, match=f"The host key of {HOST}:{server.port} is not the one") as refused:
        await read(source(server, known_hosts=path))
    assert not refused.value.retry


async def test_the_right_key_after_a_wrong_one_is_believed(server: SftpServer) -> None:
    assert await read(source(server, known_hosts=server.known_hosts_of("host_key"))) is None


async def test_a_key_the_server_does_not_know_and_keys_that_cannot_be_used(server: SftpServer) -> None:
    with pytest.raises(SourceError, match=f"does not let '{server.user}' in"):
        await read(source(server, key_file=server.make_key("stranger")))
    with pytest.raises(SourceError, match="no private key without a passphrase"):
        await read(source(server, key_file=server.make_key("locked", passphrase="correct horse")))
    with pytest.raises(SourceError, match="there is no such file"):
        await read(source(server, key_file=server.directory / "gone"))
    loose = server.make_key("loose")
    loose.chmod(0o644)
    with pytest.raises(SourceError, match="others may read or change it"):
        await read(source(server, key_file=loose))


async def test_a_file_of_known_hosts_that_others_may_change_is_not_used(server: SftpServer) -> None:
    path = server.directory / "loose_known_hosts"
    path.write_bytes(server.known_hosts.read_bytes())
    path.chmod(0o666)
    with pytest.raises(SourceError, match="others may change"):
        await read(source(server, known_hosts=path))
    with pytest.raises(SourceError, match="No such file"):
        await read(source(server, known_hosts=server.directory / "gone"))


async def test_a_password_is_read_from_its_file_and_never_told(server: SftpServer) -> None:
    path = server.directory / "password"
    path.write_text("correct horse battery\n")
    path.chmod(0o600)
    with pytest.raises(SourceError) as refused:  # this server takes keys only
        await read(source(server, key_file=None, password_file=path))
    assert "does not let" in str(refused.value)
    assert "horse" not in str(refused.value)


class PasswordServer(asyncssh.SSHServer):
    """Lets one password in, which the lab's sshd cannot without an account of this machine."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("hr", "correct horse battery")


async def test_a_server_that_takes_passwords(server: SftpServer) -> None:
    write(server.files / "people.csv", feed_of("E1"))
    path = server.directory / "password"
    path.write_text("correct horse battery\n")
    path.chmod(0o600)

    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(server.files))

    host_key = server.directory / "host_key"
    listening = await asyncssh.listen(
        HOST, 0, server_factory=PasswordServer, server_host_keys=[host_key], sftp_factory=files
    )
    async with listening:
        port = listening.get_port()
        known = server.directory / "known_hosts_password"
        known.write_text(f"[{HOST}]:{port} {(server.directory / 'host_key.pub').read_text()}")
        known.chmod(0o644)
        reader = source(server, port=port, user="hr", known_hosts=known, key_file=None, password_file=path)
        await reader.settle(await taken(reader), None)
    assert names(server.files) == ["archive"]


async def test_a_server_that_is_down_or_silent_is_tried_again(server: SftpServer) -> None:
    with pytest.raises(SourceUnavailable, match="cannot be reached") as refused:
        await read(source(server, port=1, connect_seconds=5))
    assert refused.value.retry
    await server.process.freeze()
    try:
        with pytest.raises(SourceUnavailable):
            await read(source(server, connect_seconds=1, transfer_seconds=1))
    finally:
        server.process.thaw()


def test_settings_that_cannot_work_are_refused(server: SftpServer) -> None:
    for wrong, says in (
        ({"key_file": None}, "either key_file or password_file"),
        ({"password_file": "/etc/password"}, "either key_file or password_file"),
        ({"path": "in", "archive_path": "in/"}, "archive_path"),
        ({"path": "in", "archive_path": "./in"}, "archive_path"),
        ({"path": "in/refused", "archive_path": "in/archive"}, "archive_path"),
    ):
        with pytest.raises(ValidationError, match=says):
            settings(server, **wrong)
