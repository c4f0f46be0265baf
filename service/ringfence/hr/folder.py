"""Feeds from a watched folder: the newest file that is ready is read, and put away when it was stored.

The file system is the border: names may be links, files may grow, folders may vanish. Only plain files are read, only
below the folder, and only when they did not change between two looks and while they were read.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from ringfence.app.hr.ports import Feed, FeedRefused, Progress, SourceUnavailable
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
from ringfence.hr.file_settings import FileSettings
from ringfence.hr.sheet import MAX_FEED_BYTES, refuse_size

log = logging.getLogger(__name__)

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


class FolderSettings(FileSettings):
    """[[hr_source]] of type folder: files that are put into a watched folder."""

    type: Literal["folder"]
    path: Path = Field(description="the watched folder")
    archive_path: Path | None = Field(
        None,
        description="where read files are kept; empty is `archive` in the folder. Refused ones go to `refused` beside",
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if os.path.normpath(self.path) in (os.path.normpath(self.archive), os.path.normpath(self.refused)):
            raise ValueError("archive_path: read and refused files must not go where new ones are looked for")
        return self

    @property
    def archive(self) -> Path:
        return self.archive_path or self.path / "archive"

    @property
    def refused(self) -> Path:
        return self.archive.parent / "refused"


class FolderSource:
    """Implements `app.hr.ports.HrSource`."""

    def __init__(self, settings: FolderSettings, default_country: str, clock: Clock) -> None:
        self._settings = settings
        self._country = default_country
        self._clock = clock
        self._last: Taken | None = None  # what the last reading was about, where it gave no feed
        self._told_stray = False

    @property
    def name(self) -> str:
        return self._settings.name

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        """None: no file is ready, or the one that is has been stored before."""
        self._last = None
        try:
            first = await asyncio.to_thread(self._look)
            if self._settings.ready == "renamed" and any(is_feed(name, self._settings) for name in first):
                await self._clock.sleep(self._settings.stable_seconds)
            return await asyncio.to_thread(self._read, first, cursor, progress, self._clock.now().wall)
        except SourceUnavailable:
            # Nothing is settled then, and what was put away must be deleted in time all the same.
            with suppress(OSError):
                await asyncio.to_thread(self._expire, self._clock.now().wall)
            raise

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        """Raises SourceUnavailable where the files cannot be put away: until they can, they stay in the folder."""
        taken = feed.token if feed is not None else self._last
        assert taken is None or isinstance(taken, Taken)
        self._last = None
        try:
            await asyncio.to_thread(self._settle, taken, feed, refused, self._clock.now().wall)
        except OSError as error:
            raise SourceUnavailable(
                f"{self.name}: files cannot be put away in {error.filename or self._settings.archive}: "
                f"{error.strerror or type(error).__name__}.",
                "Let the service's account write there, and make room.",
            ) from None

    def _read(self, first: Mapping[str, Look], cursor: str, progress: Progress, now: datetime) -> Feed | None:
        settings = self._settings
        waiting = choose(first, self._look(), settings)
        if waiting.newest is None:
            return None
        file = waiting.newest
        self._last = Taken(file, waiting.older)
        refuse_size(file.name, file.size)
        data = self._content(file)
        new_cursor = cursor_of(file, data)
        if new_cursor == cursor:
            return None
        sidecar = self._sidecar(file.name)
        if settings.checksum != "none" and sidecar is None and may_still_follow(file.modified / 1e9, now):
            self._last = None
            return None
        check_sum(file.name, data, settings.checksum, sidecar)
        return make_feed(waiting, data, new_cursor, settings, self._country, progress)

    def _look(self) -> dict[str, Look]:
        """The plain files whose names can be shown, stored and sent; that there are others is logged once."""
        found = _look(self._settings.path)
        plain = {name: look for name, look in found.items() if name.isprintable()}
        stray = len(found) - len(plain)
        if stray and not self._told_stray:
            extra = {"source": self.name, "count": stray, "folder": str(self._settings.path)}
            log.warning("files are passed over: their names are not UTF-8, or hold control characters", extra=extra)
        self._told_stray = stray > 0
        return plain

    def _content(self, file: Look) -> bytes:
        path = self._settings.path / file.name
        try:
            data, seen = _read_plain(path, MAX_FEED_BYTES)
        except OSError as error:
            raise _unreadable(path, error) from None
        if seen != file or len(data) != file.size:
            raise SourceUnavailable(f"{path} changed while it was read.", "It is read again at the next attempt.")
        return data

    def _sidecar(self, name: str) -> bytes | None:
        if self._settings.checksum == "none":
            return None
        path = self._settings.path / f"{name}.{self._settings.checksum}"
        try:
            return _read_plain(path, MAX_SIDECAR_BYTES)[0]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from None

    def _settle(self, taken: Taken | None, feed: Feed | None, refused: FeedRefused | None, now: datetime) -> None:
        settings = self._settings
        self._expire(now)
        if taken is not None and refused is not None:
            self._put_away(taken.file, settings.refused, archived_name(taken.file.name, now), WHY, render_why(refused))
        elif taken is not None:
            rejects = render_rejects(feed.batch) if feed is not None else b""
            self._put_away(taken.file, settings.archive, archived_name(taken.file.name, now), REJECTS, rejects)
            for older in taken.older:
                self._put_away(older, settings.archive, archived_name(older.name, now, "superseded"))

    def _expire(self, now: datetime) -> None:
        for folder in (self._settings.archive, self._settings.refused):
            if _is_own_folder(folder):
                with os.scandir(folder) as entries:
                    files = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
                for name in expired(files, now, self._settings.archive_days):
                    (folder / name).unlink(missing_ok=True)

    def _put_away(self, file: Look, folder: Path, name: str, ending: str = "", beside: bytes = b"") -> None:
        """What is said of a file is written first: a file without its reasons would be put away for nothing."""
        path = self._settings.path / file.name
        if _seen(path) != file:
            return  # gone, or another one of the same name: that is the next feed
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        _is_own_folder(folder)
        said = folder / f"{name}{ending}"
        try:
            if beside:
                _write_new(said, beside)
            _move(path, folder / name)
        except OSError:
            if beside:
                said.unlink(missing_ok=True)  # or there would be one more of it after each attempt
            raise
        for left in CHECKSUMS:
            (self._settings.path / f"{file.name}{left}").unlink(missing_ok=True)
        (self._settings.path / f"{file.name}{DONE}").unlink(missing_ok=True)


def _is_own_folder(folder: Path) -> bool:
    """False where there is none. Raises OSError for a link: whoever may write where feeds arrive could lead us anywhere
    by one, to put files there and to delete them."""
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "is a link; give the folder itself as archive_path", str(folder))
    return stat.S_ISDIR(mode)


def _look(folder: Path) -> dict[str, Look]:
    """Every plain file in the folder. Raises SourceUnavailable."""
    found: dict[str, Look] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) >= MAX_WAITING:
                    raise SourceUnavailable(
                        f"{folder} holds more than {MAX_WAITING} files.", "Give feeds their own folder."
                    )
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    found[entry.name] = Look(entry.name, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise _unreadable(folder, error) from None
    return found


def _seen(path: Path) -> Look | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return Look(path.name, status.st_size, status.st_mtime_ns)


def _read_plain(path: Path, limit: int) -> tuple[bytes, Look]:
    """Never through a link, and never from a pipe that nobody writes to. The look is that of after the reading."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
        status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is no plain file", str(path))
    return data, Look(path.name, status.st_size, status.st_mtime_ns)


def _unreadable(path: Path, error: OSError) -> SourceUnavailable:
    reason = (
        "there is no such folder or file" if error.errno == errno.ENOENT else error.strerror or type(error).__name__
    )
    return SourceUnavailable(
        f"{path} cannot be read: {reason}.", "Correct the path, or let the service's account read it."
    )


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE), "wb") as file:
        file.write(content)


def _move(path: Path, target: Path) -> None:
    """Renamed where that can be; copied where the file is another account's or the archive on another disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.fchmod(descriptor, FILE_MODE)
        finally:
            os.close(descriptor)
        path.rename(target)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EACCES):
            raise
        _copy(path, target)


def _copy(path: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}.part")
    try:
        _write_new(aside, _read_plain(path, MAX_FEED_BYTES)[0])
        path.unlink()
    except OSError:
        aside.unlink(missing_ok=True)  # or there would be one more copy after each attempt
        raise
    aside.rename(target)
