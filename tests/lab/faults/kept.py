"""Rows that have ended, kept in a file as they end: a whole run is long, and goes on where it was cut."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from tests.lab.faults.result import Row


@dataclass(frozen=True)
class Ended:
    """One line of the file: a row, on which Asterisk (as far as that is known yet), and how long it took."""

    row: Row
    version: str
    seconds: float


_LINE = TypeAdapter(Ended)


def read(path: Path | None) -> list[Ended]:
    """What ended before. Nothing where there is no such file; what was cut off while it was written is dropped from it.
    Raises ValidationError for a file that holds anything else."""
    if path is None or not path.exists():
        return []
    whole = [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    ended = [_LINE.validate_json(line) for line in whole]
    path.write_bytes(b"".join(whole))
    return ended


def keep(path: Path | None, ended: Ended) -> None:
    """One more line. Nothing without a path."""
    if path is not None:
        with path.open("ab") as file:
            file.write(_LINE.dump_json(ended) + b"\n")
