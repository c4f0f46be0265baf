"""Feeds from an SFTP server: fetched into memory, read, and moved into an archive on the server when they were stored.

No copy is kept here: the file holds private numbers, and the server has it already.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ringfence.app.hr.ports import Feed, FeedRefused, Progress, SourceError, SourceUnavailable
from ringfence.app.ports import Clock
from ringfence.hr.feed_files import (
    CHECKSUMS,
    DONE,
    MAX_SIDECAR_BYTES,
    MAX_WAITING,
    REJECTS,
    WHY,
    Look,
    Taken,
    archived_name,
    check_sum,
    choose,
    cursor_of,
    expired,
    is_feed,
    make_feed,
    may_still_follow,
    render_rejects,
    render_why,
)
from ringfence.hr.sftp_link import SftpSettings, connected
from ringfence.hr.sheet import MAX_FEED_BYTES, refuse_size

if TYPE_CHECKING:
    import asyncssh

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
EXPIRY_SECONDS: Final = 6 * 3600
_PLAIN: Final = 1  # SFTP's FILEXFER_TYPE_REGULAR


class SftpSource:
    """Implements `app.hr.ports.HrSource`."""

    def __init__(self, settings: SftpSettings, default_country: str, clock: Clock) -> None:
        self._settings = settings
        self._country = default_country
        self._clock = clock
        self._last: Taken | None = None  # what the last reading was about, where it gave no feed
        self._look_again_at = float("-inf")  # for files that are old enough to be deleted

    @property
    def name(self) -> str:
        return self._settings.name

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        """None: no file is ready, or the one that is has been stored before."""
        settings = self._settings
        self._last = None
        async with connected(settings, settings.transfer_seconds) as client:
            first = await self._look(client)
            if settings.ready == "renamed" and any(is_feed(name, settings) for name in first):
                await self._clock.sleep(settings.stable_seconds)
            waiting = choose(first, await self._look(client), settings)
            if waiting.newest is None:
                return None
            file = waiting.newest
            self._last = Taken(file, waiting.older)
            refuse_size(file.name, file.size)
            data = await self._content(client, file)
            sidecar = await self._sidecar(client, file.name)
        new_cursor = cursor_of(file, data)
        if new_cursor == cursor:
            return None
        if settings.checksum != "none" and sidecar is None and may_still_follow(file.modified, self._clock.now().wall):
            self._last = None
            return None
        check_sum(file.name, data, settings.checksum, sidecar)
        return await asyncio.to_thread(make_feed, waiting, data, new_cursor, settings, self._country, progress)

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        """Raises SourceError, SourceUnavailable where the files cannot be moved: until they can, they stay."""
        settings = self._settings
        taken = feed.token if feed is not None else self._last
        assert taken is None or isinstance(taken, Taken)
        self._last = None
        now = self._clock.now()
        if settings.after == "leave" or (taken is None and now.monotonic < self._look_again_at):
            return
        async with connected(settings, settings.transfer_seconds) as client:
            await self._expire(client, now.wall)
            if taken is not None and refused is not None:
                await self._put_away(client, taken.file, settings.refused, now.wall, WHY, render_why(refused))
            elif taken is not None:
                rejects = render_rejects(feed.batch) if feed is not None else b""
                await self._put_away(client, taken.file, settings.archive, now.wall, REJECTS, rejects)
                for older in taken.older:
                    await self._put_away(client, older, settings.archive, now.wall, mark="superseded")
        self._look_again_at = now.monotonic + EXPIRY_SECONDS

    async def _expire(self, client: asyncssh.SFTPClient, now: datetime) -> None:
        for folder in (self._settings.archive, self._settings.refused):
            if await client.islink(folder):
                raise SourceError(
                    f"{self._settings.address}: {folder} is a link: nothing is put there, and nothing is deleted.",
                    "Give the folder itself as archive_path.",
                )
            if await client.isdir(folder):
                files = [str(entry.filename) async for entry in client.scandir(folder) if entry.attrs.type == _PLAIN]
                for name in expired(files, now, self._settings.archive_days):
                    await client.remove(f"{folder}/{name}")

    async def _look(self, client: asyncssh.SFTPClient) -> dict[str, Look]:
        found: dict[str, Look] = {}
        async for entry in client.scandir(self._settings.path):
            name, attributes = str(entry.filename), entry.attrs
            if attributes.type != _PLAIN or "/" in name or not name.isprintable():
                continue
            if len(found) >= MAX_WAITING:
                raise SourceUnavailable(
                    f"{self._settings.address}: {self._settings.path} holds more than {MAX_WAITING} files.",
                    "Give feeds their own folder.",
                )
            found[name] = Look(name, attributes.size or 0, int(attributes.mtime or 0))
        return found

    async def _content(self, client: asyncssh.SFTPClient, file: Look) -> bytes:
        path = f"{self._settings.path}/{file.name}"
        data = await _fetch(client, path, min(file.size, MAX_FEED_BYTES) + 1)
        after = await client.lstat(path)
        if len(data) != file.size or (after.size, int(after.mtime or 0)) != (file.size, file.modified):
            raise SourceUnavailable(
                f"{self._settings.address}: {path} changed while it was read.", "It is read again at the next attempt."
            )
        return data

    async def _sidecar(self, client: asyncssh.SFTPClient, name: str) -> bytes | None:
        path = f"{self._settings.path}/{name}.{self._settings.checksum}"
        if self._settings.checksum == "none" or not await client.isfile(path):
            return None
        return await _fetch(client, path, MAX_SIDECAR_BYTES)

    async def _put_away(
        self,
        client: asyncssh.SFTPClient,
        file: Look,
        folder: str,
        now: datetime,
        ending: str = "",
        beside: bytes = b"",
        mark: str = "",
    ) -> None:
        path, name = f"{self._settings.path}/{file.name}", archived_name(file.name, now, mark)
        if not await client.isfile(path):
            return
        seen = await client.lstat(path)
        if (seen.size, int(seen.mtime or 0)) != (file.size, file.modified):
            return  # another one of the same name: that is the next feed
        if not await client.isdir(folder):
            await client.makedirs(folder, exist_ok=True)
            await _only_for_us(client, folder, FOLDER_MODE)
        if beside:
            async with client.open(f"{folder}/{name}{ending}", "wb") as written:
                await written.write(beside)
            await _only_for_us(client, f"{folder}/{name}{ending}", FILE_MODE)
        await _move(client, path, f"{folder}/{name}", f"{folder}/{name}{ending}" if beside else "")
        await _only_for_us(client, f"{folder}/{name}", FILE_MODE)
        for left in (*CHECKSUMS, DONE):
            if await client.isfile(f"{path}{left}"):
                await client.remove(f"{path}{left}")


async def _fetch(client: asyncssh.SFTPClient, path: str, limit: int) -> bytes:
    async with client.open(path, "rb") as file:
        data = await file.read(limit)
    assert isinstance(data, bytes), "the file was opened for bytes"
    return data


async def _move(client: asyncssh.SFTPClient, path: str, target: str, beside: str) -> None:
    import asyncssh

    try:
        await client.rename(path, target)
    except asyncssh.SFTPError:
        if beside:
            await client.remove(beside)  # or there would be one more of it after each attempt
        raise


async def _only_for_us(client: asyncssh.SFTPClient, path: str, mode: int) -> None:
    """Where the server knows modes at all; many do not, and keep the account's folder to itself."""
    import asyncssh

    try:
        await client.chmod(path, mode)
    except (asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure):
        pass
