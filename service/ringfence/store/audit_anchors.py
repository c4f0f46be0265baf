"""The audit record's anchors, in a file beside the database: appended and synced, never rewritten (`app.audit`)."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from ringfence.app.ports import StoreUnavailable
from ringfence.domain.audit_chain import Anchor


class FileAnchors:
    """Implements `app.audit.AnchorFile`. One JSON object a line, some 150 bytes; a torn line, from a crash in
    mid-write, is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> list[Anchor]:
        try:
            return await asyncio.to_thread(read_anchors, self._path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable(error) from error

    async def add(self, anchor: Anchor) -> None:
        try:
            await asyncio.to_thread(self._append, anchor)
        except OSError as error:
            raise self._unusable(error) from error

    def _append(self, anchor: Anchor) -> None:
        line = json.dumps({"number": anchor.number, "digest": anchor.digest, "at": anchor.at}) + "\n"
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, (b"\n" if torn else b"") + line.encode("ascii"))
            os.fsync(handle)
        finally:
            os.close(handle)

    def _unusable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"The audit record's anchors {self._path} cannot be used: {error.strerror}.",
            "Check the disk and the file's owner.",
        )


def read_anchors(path: Path) -> list[Anchor]:
    """Raises OSError."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            fields = json.loads(line)
            found.append(Anchor(int(fields["number"]), str(fields["digest"]), str(fields["at"])))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue
    return found
