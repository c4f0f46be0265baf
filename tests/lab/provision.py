"""Find or build the Asterisk and the SIPp the lab drives: `python -m tests.lab.provision`.

The system's own Asterisk is used when it is 20 or later *and* its `Dial` has the second,
no-progress timeout, which is asked of the running program rather than derived from its version.
Otherwise a private root is built from Debian unstable, which carries Asterisk 22, and kept
outside the checkout. A root is complete or absent: it is built aside and renamed.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.asterisk import AsteriskInstance, supports_no_progress_timeout
from tests.lab.installation import Home, Installation
from tests.lab.ports import Ports
from tests.lab.waiting import LabError, tail_of

# Anything that changes what ends up in the root belongs here: its digest names the root.
RECIPE = (
    "--variant=apt",
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--include=asterisk,asterisk-core-sounds-en-gsm,sip-tester,slapd,ldap-utils,openssh-server",
    "sid",
)
BUILD_DEADLINE_SECONDS = 900
PROGRESS_INTERVAL_SECONDS = 10
TERMINATION_SECONDS = 60
NOT_ROOT = (
    "the lab's private Asterisk runs under chroot, which needs root: run it as root (sudo -E), "
    "or install an Asterisk of 20 or later, with Dial's second timeout, on PATH"
)


async def provision() -> Installation:
    """The installation to use, built if need be. Cheap when it has been built before."""
    system = await _system_asterisk()
    if system is not None and shutil.which("sipp"):
        return Installation(asterisk=system, sipp=Home())
    root = Home(ensure_root())
    return Installation(asterisk=system or root, sipp=root)


async def _system_asterisk() -> Home | None:
    if shutil.which("asterisk") is None:
        return None
    home = Home()
    ports = Ports()
    instance = AsteriskInstance(home, ports, name="probe")
    try:
        await instance.start()
        usable = await supports_no_progress_timeout(instance)
    except LabError as error:
        _say(f"the asterisk on PATH cannot be used: {str(error).splitlines()[0]}")
        return None
    finally:
        await instance.close()
        ports.close()
    if not usable:
        _say("the asterisk on PATH is older than 20 or has no second timeout in Dial; not used")
    return home if usable else None


def ensure_root() -> Path:
    """The private root, built once and shared by every run until the recipe changes."""
    if os.geteuid() != 0:
        raise LabError(NOT_ROOT)
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"root-{_recipe_stamp()}"
    with _only_one(cache / "lock"):
        if not root.is_dir():
            _build(root)
    return root


def cache_directory() -> Path:
    """Outside the checkout, so that a clean checkout does not cost a new root."""
    if chosen := os.environ.get("RINGFENCE_LAB_CACHE"):
        return Path(chosen).resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).resolve() / "ringfence" / "lab"


def _recipe_stamp() -> str:
    return hashlib.sha256("\n".join(RECIPE).encode()).hexdigest()[:12]


@contextmanager
def _only_one(lock_path: Path) -> Iterator[None]:
    """Two test runs that both find no root: the second waits and finds one."""
    with open(lock_path, "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"another process is preparing the lab; waiting for it ({lock_path})")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(root: Path) -> None:
    _ensure_mmdebstrap()
    aside = root.with_name(f"{root.name}.building")
    # What an interrupted build left; never into a file system still mounted there.
    subprocess.run(["rm", "-rf", "--one-file-system", str(aside)], check=True)
    log_path = root.with_name("build.log")
    _say(f"building a private root with Asterisk and SIPp in {root} (about 400 MB)")
    started_at = time.monotonic()
    _run(["mmdebstrap", *RECIPE, str(aside)], log_path, what="build the private root")
    for program in ("usr/sbin/asterisk", "usr/bin/sipp"):
        if not (aside / program).exists():
            raise LabError(f"the new root lacks {program}\n{tail_of(log_path)}")
    aside.rename(root)
    _say(f"built in {time.monotonic() - started_at:.0f} s")


def _ensure_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    if shutil.which("apt-get") is None:
        raise LabError(
            "mmdebstrap is missing and this is no Debian or Ubuntu: install mmdebstrap, or an "
            "Asterisk of 20 or later together with SIPp, and run this again"
        )
    _say("installing mmdebstrap with apt-get")
    log_path = cache_directory() / "build.log"
    _run(["apt-get", "update"], log_path, what="run apt-get update")
    packages = ["mmdebstrap", "debian-archive-keyring"]
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    _run(install, log_path, what=f"install them by hand: {' '.join(install)}")


def _run(command: Sequence[str], log_path: Path, *, what: str) -> None:
    """Run it with its output in a log, and say every few seconds that it still runs."""
    started_at = time.monotonic()
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with open(log_path, "wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        try:
            while (status := _wait(child)) is None:
                elapsed_seconds = time.monotonic() - started_at
                if elapsed_seconds > BUILD_DEADLINE_SECONDS:
                    raise LabError(f"gave up after {elapsed_seconds:.0f} s\n{tail_of(log_path)}")
                _say(f"  still running after {elapsed_seconds:.0f} s (output in {log_path})")
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


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    try:
        return child.wait(PROGRESS_INTERVAL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _say(line: str) -> None:
    print(f"lab: {line}", file=sys.stderr, flush=True)


async def _main() -> int:
    try:
        installation = await provision()
    except LabError as error:
        _say(f"error: {error}")
        return 1
    for name, home in (("asterisk", installation.asterisk), ("sipp", installation.sipp)):
        _say(f"{name} comes from {home.root or 'PATH'}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
