"""Secrets from files: read when they are ours alone, refused otherwise, and never quoted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.app.hr.ports import SourceError
from ringfence.hr.secret_file import MAX_SECRET_BYTES, secret_bytes, secret_line

WHAT = "hr_source 'ad': password_file"


def written(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("content", [b"s3cret x", b"s3cret x\n", b"s3cret x\r\n", b"\xef\xbb\xbfs3cret x\n"])
def test_one_line_is_read_without_its_line_end(tmp_path: Path, content: bytes) -> None:
    assert secret_line(written(tmp_path, content), WHAT) == "s3cret x"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440])
def test_a_file_of_ours_or_of_our_group_is_read(tmp_path: Path, mode: int) -> None:
    assert secret_line(written(tmp_path, b"s3cret", mode), WHAT) == "s3cret"


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o620, 0o666, 0o777])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SourceError, match=f"{mode:04o}.*chmod 600") as caught:
        secret_line(written(tmp_path, b"s3cret", mode), WHAT)
    assert caught.value.retry is False


@pytest.mark.parametrize("content", [b"", b"\n", b"  \n", b"s3cret\nsecond", b"s3c\x00ret", b"s3c\xffret"])
def test_what_is_no_secret_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match="password_file") as caught:
        secret_line(written(tmp_path, content), WHAT)
    assert "s3c" not in str(caught.value)


def test_a_key_comes_as_it_is(tmp_path: Path) -> None:
    assert secret_bytes(written(tmp_path, b"-----\nline\n"), WHAT) == b"-----\nline\n"


def test_what_is_missing_large_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        secret_line(tmp_path / "none", WHAT)
    with pytest.raises(SourceError, match="larger than"):
        secret_bytes(written(tmp_path, b"x" * (MAX_SECRET_BYTES + 1)), WHAT)
    with pytest.raises(SourceError, match="not a plain file"):
        secret_line(tmp_path, WHAT)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SourceError, match="not a plain file"):
        secret_line(tmp_path / "pipe", WHAT)
