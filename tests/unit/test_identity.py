"""The state directory: one daemon at a time, one identity, and a full disk told in words."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from ringfence.bootstrap.identity import NodeRunning, StateDir, StateDirUnusable


def full(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_identity_is_made_once_and_the_lock_is_held(tmp_path: Path) -> None:
    with StateDir(tmp_path) as held:
        made = held.node_id()
        with pytest.raises(NodeRunning, match=str(os.getpid())), StateDir(tmp_path):
            pass
    with StateDir(tmp_path) as again:
        assert again.node_id() == made


@pytest.mark.parametrize("damaged", [b"", b"a|b", b"a:b,c", b"\x00" * 33, b"\xff"])
def test_a_damaged_identity_is_made_anew(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "node-id").write_bytes(damaged)
    with StateDir(tmp_path) as held:
        made = held.node_id()
        assert re.fullmatch("[0-9a-f]{32}", made)
        assert held.node_id() == made


def test_a_full_disk_is_told_when_the_lock_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(StateDirUnusable, match=r"No space left on device\. Make room"), StateDir(tmp_path):
            pass
    with StateDir(tmp_path):  # the lock was given back
        pass


def test_a_full_disk_is_told_when_the_identity_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "write_text", full)
    with StateDir(tmp_path) as held, pytest.raises(StateDirUnusable, match="Make room"):
        held.node_id()
