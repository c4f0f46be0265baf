"""What happens around a feed file wherever it lies: which one is ready, whether it is whole, what it is called later.

Nothing here touches a disk or a network: `folder` and `sftp` do.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final

from ringfence.app.hr.ports import Feed, FeedRefused, Progress
from ringfence.domain.csv_text import render_sheet
from ringfence.domain.hr.items import shown_key
from ringfence.domain.hr.record import Batch
from ringfence.hr.csv_sheet import WINDOWS, encoding_of
from ringfence.hr.excel_sheet import EXCEL_START
from ringfence.hr.file_settings import FileSettings
from ringfence.hr.sheet_files import read_batch

DONE: Final = ".done"
REJECTS: Final = ".rejects.csv"
WHY: Final = ".why.txt"
CHECKSUMS: Final = (".sha256", ".md5")
UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload", ".swp", "~")
MAX_SIDECAR_BYTES: Final = 4096
CHECKSUM_GRACE_SECONDS: Final = 60
CLOCK_AHEAD_SECONDS: Final = 3_600
MAX_WAITING: Final = 10_000  # names in one folder: more is no folder of feeds

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_ARCHIVED = re.compile(r"\.?(\d{8}T\d{6}Z)-.+", re.DOTALL)
_DIGEST = re.compile(r"[0-9a-fA-F]{32,64}")


@dataclass(frozen=True, slots=True)
class Look:
    """A file as a listing shows it. `modified` counts nanoseconds, or seconds where the server gives no more."""

    name: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a folder holds: the newest file that is ready, and those that it supersedes."""

    newest: Look | None = None
    older: tuple[Look, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """The `token` of a feed: what `settle` puts away."""

    file: Look
    older: tuple[Look, ...] = ()


def is_feed(name: str, settings: FileSettings) -> bool:
    """Whether a name is that of a feed, and not of one being written or of what belongs to one."""
    lower = name.lower()
    beside = (DONE, REJECTS, WHY, *CHECKSUMS, *UNFINISHED)
    return fnmatchcase(name, settings.pattern) and not name.startswith((".", "~")) and not lower.endswith(beside)


def choose(first: Mapping[str, Look], second: Mapping[str, Look], settings: FileSettings) -> Waiting:
    """From two listings of all files, a moment apart. With `done` a marker counts that is not older than its file: the
    marker of an earlier file of the same name may still lie there."""
    ready: list[Look] = []
    for name, look in second.items():
        if not is_feed(name, settings) or first.get(name) != look:
            continue
        marker = second.get(name + DONE)
        if settings.ready == "done" and (marker is None or marker.modified < look.modified):
            continue
        ready.append(look)
    if not ready:
        return Waiting()
    ready.sort(key=lambda look: (look.modified, look.name))
    return Waiting(ready[-1], tuple(ready[:-1]))


def cursor_of(file: Look, data: bytes) -> str:
    """Says which file was stored last, so that it is not taken again when it could not be archived."""
    return json.dumps([file.name, file.modified, hashlib.sha256(data).hexdigest()])


def may_still_follow(modified_seconds: float, now: datetime) -> bool:
    """Whether a file is so new that its checksum may still be on its way, also by a clock that is ahead of ours."""
    return -CLOCK_AHEAD_SECONDS < now.timestamp() - modified_seconds < CHECKSUM_GRACE_SECONDS


def check_sum(file: str, data: bytes, kind: str, sidecar: bytes | None) -> None:
    """Raises FeedRefused where the site sends a checksum and it is missing or does not agree."""
    if kind == "none":
        return
    if sidecar is None:
        raise FeedRefused(
            f"{file} came without {file}.{kind}.", 'Send the checksum before the file, or set checksum = "none".'
        )
    found = _DIGEST.search(sidecar.decode("ascii", "replace"))
    digest = hashlib.new(kind, data, usedforsecurity=kind != "md5").hexdigest()
    if found is None or found[0].lower() != digest:
        raise FeedRefused(f"{file} does not agree with its checksum ({kind}).", "It is cut off or damaged; send again.")


def make_feed(
    waiting: Waiting, data: bytes, cursor: str, settings: FileSettings, default_country: str, progress: Progress
) -> Feed:
    """Reads the newest of the waiting files. Raises FeedRefused."""
    file = waiting.newest
    assert file is not None
    batch = read_batch(settings.name, file.name, data, settings.rules(default_country), progress)
    label = file.name
    if not data.startswith(EXCEL_START) and encoding_of(file.name, data) == WINDOWS:
        label += ", read as Windows-1252"
    if waiting.older:
        label += f" (newer than {len(waiting.older)} more: {', '.join(look.name for look in waiting.older[:3])})"
    return Feed(batch, label, cursor, Taken(file, waiting.older))


def archived_name(name: str, at: datetime, mark: str = "") -> str:
    """Never the name of another: a feed of the same name comes every night."""
    return f"{at.astimezone(UTC).strftime(_STAMP)}-{mark + '-' if mark else ''}{name}"


def expired(names: Iterable[str], now: datetime, days: int) -> list[str]:
    """Those of our own archived files that are older than they may be, and what is left of a broken copy: they hold
    private numbers."""
    old: list[str] = []
    for name in names:
        found = _ARCHIVED.fullmatch(name)
        if found is None:
            continue
        try:
            archived_at = datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            continue
        if archived_at < now - timedelta(days=days):
            old.append(name)
    return old


def render_rejects(batch: Batch) -> bytes:
    """What could not be read, for whoever keeps the export; empty when there is nothing. Values in it are masked."""
    rows = [(problem.where, problem.field, problem.message) for problem in batch.rejected]
    rows += [
        ("", "", f"the id {shown_key(id_)!r} comes more than once: no row of it was taken")
        for id_ in sorted(batch.repeated)
    ]
    if not rows:
        return b""
    return render_sheet(("row", "field", "reason"), iter(rows)).encode()


def render_why(refused: FeedRefused) -> bytes:
    """The sentence for beside a refused file, and its first problems."""
    lines = [str(refused), *(f"{item.where}, {item.field}: {item.message}" for item in refused.problems[:1_000])]
    return ("\n".join(lines) + "\n").encode(errors="replace")
