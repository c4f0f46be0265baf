"""Watches a whole test run for private numbers: what daemons wrote and answered, and our own log lines. A run in which
one is found fails, whichever test it was.

A plugin of pytest (`tests/conftest.py`). Labs leave here what is to be looked at; `number_scanner` knows how numbers
are written. Where several processes share the tests, each looks at its own and hands on what it found.
"""

from __future__ import annotations

import logging
import shutil
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import pytest

from tests.lab.number_scanner import found_in, scan

HANDED_ON: Final = "private_numbers"

_numbers = count(1)
_findings: list[str] = []
_places: list[Path] = []


class LogWatch(logging.Handler):
    """Looks at each record with everything that is attached to it. Never fails the code that logs."""

    def emit(self, record: logging.LogRecord) -> None:
        told = " ".join((record.getMessage(), *(str(value) for value in vars(record).values())))
        if found := found_in(told):
            _findings.append(f"log line of {record.name} ({record.filename}:{record.lineno}): {', '.join(found)}")


WATCH: Final = LogWatch()


def keep(name: str, text: str) -> None:
    """Something a run has produced: a page, a metrics text, an answer."""
    (_place() / f"{next(_numbers)}-{name}").write_text(text, encoding="utf-8", errors="replace")


def keep_file(file: Path) -> None:
    """The same, of a file that is about to be removed; nothing where there is none."""
    if file.is_file():
        shutil.copyfile(file, _place() / f"{next(_numbers)}-{file.name}")


def findings() -> list[str]:
    """All so far."""
    return [*_findings, *scan(_places)]


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger("ringfence").addHandler(WATCH)


def pytest_unconfigure(config: pytest.Config) -> None:
    logging.getLogger("ringfence").removeHandler(WATCH)
    for place in _places:
        shutil.rmtree(place, ignore_errors=True)
    _places.clear()


def pytest_sessionfinish(session: pytest.Session) -> None:
    handed_on = getattr(session.config, "workeroutput", None)
    if handed_on is not None:
        handed_on[HANDED_ON] = findings()
    elif findings() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Of pytest-xdist: one of its processes has ended. One that crashed has nothing to hand on, and fails the run."""
    _findings.extend(getattr(node, "workeroutput", {}).get(HANDED_ON, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for finding in findings():
        terminalreporter.write_line(f"PRIVATE NUMBER in what this run produced: {finding}", red=True)


def _place() -> Path:
    if not _places:
        _places.append(Path(mkdtemp(prefix="ringfence-produced-")))
    return _places[0]
