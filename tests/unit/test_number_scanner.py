"""The scanner finds a private number however it is written, and a run in which there is one fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.number_scanner import found_in, main

FORMS = (
    "+447700900123",
    "00447700900123",
    "07700900123",
    "07700 900123",
    "07700 900 123",
    "447700900123",
    "+44 (0)7700 900123",
    "+44-7700-900123",
    "sip:+447700900123@127.0.0.1:5060",
    "%2B447700900123",
    "\\u002b447700900123",
    '{"to":"7700900123"}',
    "did=07700%20900%20123",
)


@pytest.mark.parametrize("written", FORMS)
def test_every_form_is_found(written: str) -> None:
    assert found_in(f"before {written} after")
    assert found_in(f"before {written} after", ["+447700900123"])
    assert found_in(f"before {written} after", ["+447700900124"]) == []


@pytest.mark.parametrize(
    "harmless",
    ["+44*******123", "+441134960123", "ending 123", "1700770090012", "9077009001234", "7700 people, 900 DIDs, 12"],
)
def test_masked_and_other_numbers_are_not(harmless: str) -> None:
    assert found_in(harmless) == []


def test_files_are_looked_at_and_databases_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ringfence.db").write_text(FORMS[0])
    (tmp_path / "deep").mkdir()
    log = tmp_path / "deep" / "daemon.log"
    log.write_text("started\nall well\n")
    assert main([str(tmp_path)]) == 0
    log.write_text(f"started\ncalled {FORMS[3]}\n")
    assert main([str(tmp_path)]) == 1
    assert f"{log}:2: 07700 900123" in capsys.readouterr().out
    log.unlink()
    (tmp_path / "page-07700900123.html").touch()
    assert main([str(tmp_path)]) == 1


HARMLESS = ("private_watch.keep('page.html', 'ring +44*******123')",)
LEAKS = (
    "logging.getLogger('ringfence.x').warning('called', extra={'to': '07700 900123'})",
    "private_watch.keep('page.html', 'ring +447700900123')",
)


@pytest.mark.parametrize(
    ("processes", "bodies", "told"),
    [
        ("0", HARMLESS, ()),
        ("0", LEAKS, ("log line of ringfence.x", "page.html")),
        ("1", LEAKS, ("log line", "page.html")),
    ],
    ids=["harmless", "alone", "shared"],
)
def test_a_run_in_which_one_is_found_fails(
    tmp_path: Path, processes: str, bodies: tuple[str, ...], told: tuple[str, ...]
) -> None:
    """One process, or one beside the one that tells. Every place is told, so each alone would have failed it."""
    test = tmp_path / "test_it.py"
    tests = "".join(f"\ndef test_{number}():\n    {body}\n" for number, body in enumerate(bodies))
    test.write_text(f"import logging\nfrom tests.lab import private_watch\n{tests}")
    root = Path(__file__).parents[2]
    plugins = ["-p", "xdist", "-p", "tests.lab.private_watch", "-p", "no:cacheprovider"]
    options = ["-q", *plugins, "-n", processes, "--rootdir", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", *options, "-c", "/dev/null", str(test)]
    # Only what is named above: loading every plugin that is installed takes longer than the test.
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=alone, capture_output=True, text=True, timeout=60)
    assert f"{len(bodies)} passed" in done.stdout, done.stdout + done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("PRIVATE NUMBER")]
    assert (done.returncode != 0, len(found)) == (bool(told), len(told)), done.stdout
    assert all(any(word in line for line in found) for word in told), found
