"""Rows that have ended, kept in a file as they end: a whole run is long, and goes on where it was cut."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from tests.lab.faults.result import Row
from tests.lab.waiting import LabError


@dataclass(frozen=True)
class Ended:
    """One line of the file: a row, of which commit, on which Asterisk (as far as known yet), and how long it took."""

    row: Row
    commit: str
    version: str
    seconds: float


_LINE = TypeAdapter(Ended)
_BEGINNING = b'{"row":'
_ROOT = Path(__file__).parents[3]


def read(path: Path | None) -> list[Ended]:
    """What ended before. Nothing where there is no such file; what was cut off while it was written is dropped from it.
    Raises LabError for a file that holds anything else, and leaves it alone."""
    if path is None or not path.exists():
        return []
    lines = path.read_bytes().splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    try:
        ended = [_LINE.validate_json(line) for line in whole]
    except ValidationError:
        raise LabError(f"{path} holds something else than rows that ended; name another file") from None
    if whole != lines:
        if not lines[-1].startswith(_BEGINNING):
            raise LabError(f"{path} ends with something else than a row; name another file")
        path.write_bytes(b"".join(whole))
    return ended


def commit() -> str:
    """What is measured, in short; with a plus behind it where something of it is not committed."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "service", "asterisk-conf", "tests")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def keep(path: Path | None, ended: Ended) -> None:
    """One more line. Nothing without a path."""
    if path is not None:
        with path.open("ab") as file:
            file.write(_LINE.dump_json(ended) + b"\n")
