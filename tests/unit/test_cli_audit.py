"""`ringfence audit` and `ringfence reveal`: against a real server, and on a database of their own."""

from __future__ import annotations

import json
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.fakes.node import PRIVATE_NUMBERS
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence as asked
from tests.unit.test_cli_offline import FILES, config, ringfence

WHY = ("--reason", "call back, ticket 4711")

__all__ = ["config"]


@pytest.fixture
def used(config: Path) -> Path:
    """A database in which something was done."""
    for part in FILES:
        done = ringfence(config, "import", f"--{part}={config.parent / part}.csv", "--yes")
        assert done.exit_code == 0, done.output
    return config


def test_a_number_is_revealed_and_the_record_says_so(served: ServedNode) -> None:
    shown = asked(served, "reveal", "person", "ada", *WHY)
    assert (shown.exit_code, shown.stdout.strip()) == (0, PRIVATE_NUMBERS[0]), shown.output
    assert asked(served, "reveal", "call", "no-such-call", *WHY).exit_code == 1
    assert asked(served, "reveal", "person", "ada").exit_code == 2
    listed = asked(served, "audit", "list", "--kind", "reveal")
    assert listed.exit_code == 0, listed.output
    for words in ("number revealed", "ada", "call back, ticket 4711"):
        assert words in listed.stdout
    assert PRIVATE_NUMBERS[0] not in listed.stdout
    assert asked(served, "audit", "list", "--since", "never").exit_code == 2
    assert "Nothing is recorded" in asked(served, "audit", "list", "--kind", "incident").stdout


def test_the_record_is_exported_to_a_file_of_ones_own(served: ServedNode, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    done = asked(served, "audit", "export", str(file), "--format", "csv", *WHY)
    assert done.exit_code == 0, done.output
    assert "audit record exported" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert asked(served, "audit", "export", str(file), *WHY).exit_code == 2


def test_the_record_is_verified_without_a_daemon(used: Path) -> None:
    verified = ringfence(used, "audit", "verify", "--json")
    assert verified.exit_code == 0, verified.output
    found = json.loads(verified.stdout)
    assert (found["holds"], found["rows"]) == (True, 3)
    anchors = used.parent / "kept-elsewhere.jsonl"
    line = {"number": found["head_number"], "digest": found["head_digest"], "at": "2030-01-15T12:00:00+00:00"}
    anchors.write_text(f"{json.dumps(line)}\n")
    assert ringfence(used, "audit", "verify", "--anchors", str(anchors)).exit_code == 0
    line["digest"] = "0" * 64
    anchors.write_text(f"{json.dumps(line)}\n")
    refuted = ringfence(used, "audit", "verify", "--anchors", str(anchors))
    assert (refuted.exit_code, "written anew" in refuted.stdout) == (4, True), refuted.output
    anchors.write_text("nothing\n")
    assert ringfence(used, "audit", "verify", "--anchors", str(anchors)).exit_code == 1


def test_a_record_that_was_tampered_with_is_told(used: Path) -> None:
    with sqlite3.connect(used.parent / "state" / "ringfence.db") as raw:
        raw.execute("DROP TRIGGER audit_rows_no_update")
        raw.execute("UPDATE audit_rows SET who = 'somebody else' WHERE number = 2")
    raw.close()
    told = ringfence(used, "audit", "verify")
    assert (told.exit_code, "row 2 is not what was written" in told.stdout) == (4, True), told.output


def test_an_export_without_a_daemon_is_noted(used: Path) -> None:
    assert ringfence(used, "export", str(used.parent / "out")).exit_code == 0
    assert json.loads(ringfence(used, "audit", "verify", "--json").stdout)["rows"] == 4


def test_no_database_is_made_where_there_is_none(config: Path) -> None:
    told = ringfence(config, "audit", "verify")
    assert (told.exit_code, "There is no database" in told.stderr) == (1, True), told.output
    assert not (config.parent / "state" / "ringfence.db").exists()
