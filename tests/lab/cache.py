"""What the lab keeps outside the checkout, and how it gets there: one process builds, the others wait.

Called by whatever finds or builds a program of the lab (`provision`, `desk_programs`).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.waiting import LabError, tail_of

BUILD_DEADLINE_SECONDS = 900
PROGRESS_INTERVAL_SECONDS = 10
TERMINATION_SECONDS = 60


def cache_directory() -> Path:
    """Outside the checkout, so that a clean checkout does not cost everything anew."""
    if chosen := os.environ.get("RINGFENCE_LAB_CACHE"):
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "ringfence" / "lab"


@contextmanager
def only_one(lock_path: Path) -> Iterator[None]:
    """Two test runs that both find nothing: the second waits and finds what the first has built."""
    with open(lock_path, "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is preparing the lab; waiting for it ({lock_path})")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def apt_install(packages: Sequence[str]) -> None:
    """Packages of the machine itself. Raises LabError where that cannot be."""
    log_path = cache_directory() / "build.log"
    say(f"installing {', '.join(packages)} with apt-get")
    run_logged(["apt-get", "update"], log_path, what="run apt-get update")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    run_logged(install, log_path, what=f"install them by hand: {' '.join(install)}")


def has_apt() -> bool:
    return shutil.which("apt-get") is not None


def run_logged(command: Sequence[str], log_path: Path, *, what: str, working_directory: Path | None = None) -> None:
    """Run it with its output in a log, and say every few seconds that it still runs."""
    started_at = time.monotonic()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with open(log_path, "wb") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=working_directory
        )
        try:
            while (status := _wait(child)) is None:
                elapsed_seconds = time.monotonic() - started_at
                if elapsed_seconds > BUILD_DEADLINE_SECONDS:
                    raise LabError(f"gave up after {elapsed_seconds:.0f} s\n{tail_of(log_path)}")
                say(f"  still running after {elapsed_seconds:.0f} s (output in {log_path})")
        finally:
            if child.poll() is None:
                # mmdebstrap unmounts what it mounted, given the time.
                child.terminate()
                child.wait(TERMINATION_SECONDS)
    if status != 0:
        raise LabError(
            f"could not {what}: {' '.join(command)} ended with status {status}; is the package "
            f"mirror reachable, and debian-archive-keyring installed?\n{tail_of(log_path)}"
        )


def say(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    try:
        return child.wait(PROGRESS_INTERVAL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
