"""Who this node is, and the lock that keeps a second daemon off its state directory."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from ringfence.app.ports import RingfenceError

ROOT = 0

_NODE_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class NodeRunning(RingfenceError):
    """Another process already runs on this state directory."""


class StateDirUnusable(RingfenceError):
    """The state directory cannot be made or written."""


class StateDir:
    """Holds the lock while entered. The kernel lets go of it when the process ends, however it ends, so a daemon that
    was killed can be started again at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = -1

    def __enter__(self) -> StateDir:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o750)
            _refuse_planted(self.path)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 64, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._lock)
            raise NodeRunning(
                f"Another Ringfence daemon (process {holder}) runs on state_dir {self.path}.",
                "Stop it first, or give this one a state_dir of its own.",
            ) from None
        try:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._lock)
            raise self._unusable(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def node_id(self) -> str:
        """This node's identity, made once: the same after a restart, another one for a second installation."""
        path = self.path / "node-id"
        try:
            found = path.read_text(errors="replace").strip() if path.exists() else ""
            # It becomes part of a record in AstDB: what was damaged there would break that.
            if not _NODE_ID.fullmatch(found):
                found = uuid4().hex
                path.write_text(f"{found}\n")
        except OSError as error:
            raise self._unusable(error) from None
        return found

    def _unusable(self, error: OSError) -> StateDirUnusable:
        fix = "Make it and give it to the service's account, or change state_dir."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "Make room on its disk, or change state_dir."
        return StateDirUnusable(f"state_dir {self.path} cannot be used: {error.strerror}.", fix)


def _refuse_planted(path: Path) -> None:
    """Root writes here what the service's account owns: that account, once taken over, must not choose by a link what
    root writes elsewhere. While root holds the lock nothing of the service runs. Raises StateDirUnusable, OSError."""
    if os.geteuid() != ROOT or path.stat().st_uid == ROOT:
        return
    with os.scandir(path) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            linked = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
            if linked or (stat.S_ISLNK(found.st_mode) and found.st_uid != ROOT):
                owner = path.stat().st_uid
                raise StateDirUnusable(
                    f"state_dir {path}: {entry.name} is a link, made by an account that is not root.",
                    f"Root does not follow it. If it is yours, run this as account {owner}; else look who made it.",
                )
