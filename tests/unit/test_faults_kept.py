"""A run of faults that was cut goes on behind the last row that ended."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.faults import kept
from tests.lab.faults.kept import Ended
from tests.lab.faults.result import Bound, Row
from tests.lab.tally import Tally
from tests.lab.waiting import LabError

COUNTED = Tally("frozen", 220, 57, 163, 0, 0, 0, 0, 769, 677)
ROWS = [
    Ended(
        Row("frozen", "it says nothing", (Bound("lost", 0, 0), Bound("verdict", None, 2000, "ms")), COUNTED, 38),
        "0a1b2c3",
        "",
        9,
    ),
    Ended(Row("disk full", "", (), skipped="nobody may mount"), "0a1b2c3+", "Asterisk 22", 0.5),
]


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    assert kept.read(file) == []
    for row in ROWS:
        kept.keep(file, row)
    assert kept.read(file) == ROWS


def test_a_row_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    for row in ROWS:
        kept.keep(file, row)
    file.write_bytes(file.read_bytes()[:-5])
    assert kept.read(file) == ROWS[:1]
    kept.keep(file, ROWS[1])
    assert kept.read(file) == ROWS


@pytest.mark.parametrize("text", ["bread\nmilk", "bread", '{"rows": []}\n'])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(text)
    with pytest.raises(LabError, match=r"notes\.txt .*; name another file"):
        kept.read(file)
    assert file.read_text() == text


def test_the_commit_is_told() -> None:
    assert re.fullmatch(r"[0-9a-f]{7,}\+?", kept.commit())


def test_nothing_is_kept_where_nobody_asked() -> None:
    kept.keep(None, ROWS[0])
    assert kept.read(None) == []
