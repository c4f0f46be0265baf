"""Import and export without a daemon: on the database itself, behind the lock that a daemon would hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ringfence.bootstrap.identity import StateDir
from tests.fakes.program import program
from tests.fakes.smallest import smallest_in

FILES = {
    "sites": "name,fallback_number,announcement\nLeeds,+44 113 496 0999,unavailable\n",
    "people": "key,name,site,default_number_1\nada,Ada Example,Leeds,+44 7700 900123\n",
    "dids": "did,owner,site,platform,kind,critical\n+44 113 496 0123,ada,Leeds,uc,voice,no\n",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ringfence.toml"
    path.write_text(smallest_in(tmp_path / "state"))
    for part, text in FILES.items():
        (tmp_path / f"{part}.csv").write_text(text)
    return path


def ringfence(config: Path, *arguments: str) -> Result:
    environment = {"RINGFENCE_SOCKET": None, "RINGFENCE_CONFIG": None}
    return CliRunner(env=environment).invoke(program(), ["--config", str(config), *arguments])


def _import(config: Path, *more: str) -> Result:
    files = [f"--{part}={config.parent / part}.csv" for part in FILES]
    return ringfence(config, "import", *files, *more)


def test_the_first_import_needs_no_daemon(config: Path) -> None:
    shown = _import(config, "--dry-run")
    assert (shown.exit_code, "people: 1 added" in shown.stdout) == (0, True), shown.output
    done = _import(config, "--yes")
    assert done.exit_code == 0, done.output
    assert "It is published when the daemon starts." in done.stderr
    out = config.parent / "out"
    assert ringfence(config, "export", str(out)).exit_code == 0
    assert "+44 7700 900123" in (out / "people.csv").read_text()
    assert "Nothing to change." in _import(config, "--yes").stdout


def test_the_first_import_makes_a_database_for_its_owner_alone(config: Path) -> None:
    before = os.umask(0o022)
    try:
        assert _import(config, "--yes").exit_code == 0
        assert os.umask(0o022) == 0o022, "what else this process makes is its own matter"
    finally:
        os.umask(before)
    open_to_others = [path.name for path in (config.parent / "state").iterdir() if path.stat().st_mode & 0o077]
    assert (config.parent / "state" / "ringfence.db").exists() and open_to_others == []


def test_a_fault_is_told_and_nothing_is_stored(config: Path) -> None:
    (config.parent / "people.csv").write_text("key,name,site,default_number_1\nada,Ada,York,4.47911E+11\n")
    refused = _import(config, "--yes")
    assert (refused.exit_code, "errors, nothing was imported" in refused.stderr) == (1, True), refused.output
    assert "rounded by the spreadsheet" in refused.stderr


def test_the_database_of_a_daemon_that_does_not_answer_is_left_alone(config: Path) -> None:
    with StateDir(config.parent / "state"):
        lost = _import(config, "--yes")
    assert lost.exit_code == 3
    assert "No daemon answers" in lost.stderr


def test_a_database_that_cannot_be_opened_is_named(config: Path) -> None:
    (config.parent / "state").mkdir()
    (config.parent / "state" / "ringfence.db").write_bytes(b"this is no database at all" * 100)
    refused = _import(config, "--yes")
    assert refused.exit_code == 1, refused.output
    assert refused.stderr.strip()
    assert "Traceback" not in refused.stderr


def test_the_program_ends_after_an_offline_import(config: Path) -> None:
    program = [sys.executable, "-c", "from ringfence.cli import main; main()", "--config", str(config)]
    files = [f"--{part}={config.parent / part}.csv" for part in FILES]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RINGFENCE_")}
    done = subprocess.run([*program, "import", *files, "--yes"], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
