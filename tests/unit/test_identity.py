"""The state directory: one daemon at a time, one identity, and a full disk told in words."""

from __future__ import annotations

import errno
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ringfence.bootstrap.identity import NodeRunning, StateDir, StateDirUnusable

SERVICE = 65534
UNIT = Path(__file__).parents[2] / "docker/systemd/ringfence.service"


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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is led astray by somebody else's link")
@pytest.mark.parametrize("name", ["lock", "ringfence.db", "spool.jsonl"])
@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_root_follows_no_link_that_the_service_has_planted(
    tmp_path: Path, name: str, make: Callable[[Path, Path], None]
) -> None:
    state_dir, aim = tmp_path / "state", tmp_path / "aim"
    aim.write_text("root's own")
    state_dir.mkdir()
    make(aim, state_dir / name)
    os.chown(state_dir, SERVICE, SERVICE)
    os.chown(state_dir / name, SERVICE, SERVICE, follow_symlinks=False)
    with pytest.raises(StateDirUnusable, match=f"{name} is a link"), StateDir(state_dir):
        pass
    assert aim.read_text() == "root's own"
    (state_dir / name).unlink()
    with StateDir(state_dir):  # what is none is no hindrance
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_unit_gives_away_what_root_made_there_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    (line,) = re.findall(r"^ExecStartPre=\+(.*)$", UNIT.read_text(), re.MULTILINE)
    state_dir, aim = tmp_path / "state", tmp_path / "aim"
    (state_dir / "inside").mkdir(parents=True)
    made = [state_dir, state_dir / "inside", state_dir / "inside" / "ringfence.db"]
    made[-1].write_text("")
    aim.write_text("")
    os.link(aim, state_dir / "planted")
    os.symlink(aim, state_dir / "pointing")
    words = line.replace("/var/lib/ringfence", str(state_dir)).replace("ringfence:ringfence", f"{SERVICE}:{SERVICE}")
    subprocess.run(words.split(), check=True)
    assert [path.stat().st_uid for path in made] == [SERVICE] * 3
    assert aim.stat().st_uid == 0
