"""A clock for Asterisk and the daemon that can be stepped, with nobody else's moved: Debian's libfaketime.

Moved is what `gettimeofday`, `time` and `clock_gettime(CLOCK_REALTIME)` say to those two, from about a second after
`step`. The kernel's monotonic clock, its timers, files' times and every other program's clock stay as they are, as they
do when NTP or a person steps a machine's clock.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from tests.lab.asterisk import AsteriskInstance
from tests.lab.cache import cache_directory, has_apt, only_one, run_logged
from tests.lab.process import SupervisedProcess
from tests.lab.waiting import LabError

PACKAGE = "libfaketime"
LIBRARY = "libfaketimeMT.so.1"
"""For programs with threads."""
REREAD_SECONDS = 1
OFFSET = "clock-offset"


class StepClock:
    """Give it to an Asterisk before that starts; `environment` is then what the daemon needs."""

    def __init__(self) -> None:
        self._library = ensure_library()
        self._file: Path | None = None
        self.environment: Mapping[str, str] = {}
        self.offset_seconds = 0
        self.stepped_at = 0.0
        """By the machine's own clock; those concerned see it within `REREAD_SECONDS`."""

    def give(self, asterisk: AsteriskInstance) -> None:
        shutil.copy(self._library, asterisk.directory / LIBRARY)
        self._file = asterisk.directory / OFFSET
        self.step(0)
        inside = _environment(asterisk.inside(LIBRARY), asterisk.inside(OFFSET))
        old = asterisk.process
        # Set by `env` behind the chroot: nothing before it would find the library.
        program = old.command.index("asterisk")
        said = ("env", *(f"{name}={value}" for name, value in inside.items()))
        command = (*old.command[:program], *said, *old.command[program:])
        asterisk.process = SupervisedProcess(old.name, command, old.log_path)
        own = _environment(str(asterisk.directory / LIBRARY), str(self._file))
        self.environment = {**os.environ, **own}

    def step(self, seconds: int) -> None:
        """From now on this far from the machine's own time."""
        assert self._file is not None
        self.offset_seconds, self.stepped_at = seconds, time.time()
        # A new file in the place of the old one: a reader finds one or the other.
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{seconds:+d}\n")
        aside.replace(self._file)


def _environment(library: str, offset: str) -> dict[str, str]:
    return {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": offset,
        "FAKETIME_CACHE_DURATION": str(REREAD_SECONDS),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # Its cure for an old C library's fault; with a newer one Python's threads wait for each other for seconds.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "NO_FAKE_STAT": "1",
    }


def ensure_library() -> Path:
    """The library in the lab's cache, taken out of its package: installing it is not needed. Raises LabError where
    there is none to be had."""
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    wanted = cache / LIBRARY
    with only_one(cache / "lock"):
        if not wanted.exists():
            _fetch(cache / "libfaketime", wanted)
    return wanted


def _fetch(aside: Path, wanted: Path) -> None:
    if not has_apt():
        raise LabError(f"{PACKAGE} is missing and this is no Debian or Ubuntu: put {LIBRARY} into {wanted.parent}")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    log = wanted.parent / "build.log"
    run_logged(["apt-get", "download", PACKAGE], log, what=f"download {PACKAGE}", working_directory=aside)
    (package,) = aside.glob("*.deb")
    run_logged(["dpkg-deb", "--extract", str(package), str(aside)], log, what=f"unpack {PACKAGE}")
    (found,) = aside.glob(f"usr/lib/*/faketime/{LIBRARY}")
    shutil.copy(found, wanted.with_suffix(".new"))
    wanted.with_suffix(".new").replace(wanted)
    shutil.rmtree(aside)
