"""Find or build the Asterisk and the SIPp the lab drives, and its other programs: `python -m tests.lab.provision`.

The system's own Asterisk is used when it is 20 or later *and* its `Dial` has the second,
no-progress timeout, which is asked of the running program rather than derived from its version.
Otherwise a private root is built from Debian unstable, which carries Asterisk 22, and kept
outside the checkout. A root is complete or absent: it is built aside and renamed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.lab.asterisk import AsteriskInstance, data_directory, supports_no_progress_timeout
from tests.lab.cache import apt_install, cache_directory, has_apt, only_one, run_logged, say
from tests.lab.desk_programs import ensure_browser, ensure_promtool, ensure_tcpdump
from tests.lab.installation import Home, Installation
from tests.lab.ports import Ports
from tests.lab.waiting import LabError, tail_of

# Anything that changes what ends up in the root belongs here: its digest names the root.
RECIPE = (
    "--variant=apt",
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--include=asterisk,asterisk-core-sounds-en-gsm,sip-tester,slapd,ldap-utils,openssh-server,systemd,python3-venv",
    "sid",
)
PROGRAMS = ("usr/sbin/asterisk", "usr/bin/sipp")
# Debian 12 has no Asterisk: what there is to see on it is Ringfence's own package.
BOOKWORM = ("--variant=apt", "--include=systemd,python3-venv", "bookworm")
NOT_ROOT = (
    "the lab's private Asterisk (and Kamailio) runs under chroot, which needs root: run it as root (sudo -E), "
    "or install an Asterisk of 20 or later, with Dial's second timeout, on PATH"
)


async def provision() -> Installation:
    """The installation to use, built if need be. Cheap when it has been built before."""
    system = await _system_asterisk()
    if system is not None and shutil.which("sipp"):
        return Installation(asterisk=system, sipp=Home())
    root = Home(ensure_root())
    if system is None:
        # Here and not at the first start: a fresh machine waits for it before its tests, not within one.
        data_directory(root)
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
        say(f"the asterisk on PATH cannot be used: {str(error).splitlines()[0]}")
        return None
    finally:
        await instance.close()
        ports.close()
    if not usable:
        say("the asterisk on PATH is older than 20 or has no second timeout in Dial; not used")
    return home if usable else None


def ensure_root(recipe: Sequence[str] = RECIPE, programs: Sequence[str] = PROGRAMS) -> Path:
    """A private root, the lab's own if nothing else is said, built once and shared by every run until the recipe
    changes. Raises LabError, also where it came out without one of these programs."""
    if os.geteuid() != 0:
        raise LabError(NOT_ROOT)
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / f"root-{_stamp(recipe)}"
    with only_one(cache / "lock"):
        if not root.is_dir():
            _build(root, recipe, programs)
    return root


def _stamp(recipe: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:12]


def _build(root: Path, recipe: Sequence[str], programs: Sequence[str]) -> None:
    ensure_mmdebstrap()
    aside = root.with_name(f"{root.name}.building")
    # What an interrupted build left; never into a file system still mounted there.
    subprocess.run(["rm", "-rf", "--one-file-system", str(aside)], check=True)
    log_path = root.with_name("build.log")
    say(f"building a private root of Debian {recipe[-1]} in {root} (up to 400 MB)")
    started_at = time.monotonic()
    run_logged(["mmdebstrap", *recipe, str(aside)], log_path, what="build the private root")
    for program in programs:
        if not (aside / program).exists():
            raise LabError(f"the new root lacks {program}\n{tail_of(log_path)}")
    aside.rename(root)
    say(f"built in {time.monotonic() - started_at:.0f} s")


def ensure_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    if not has_apt():
        raise LabError(
            "mmdebstrap is missing and this is no Debian or Ubuntu: install mmdebstrap, or an "
            "Asterisk of 20 or later together with SIPp, and run this again"
        )
    apt_install(["mmdebstrap", "debian-archive-keyring"])


async def _main() -> int:
    try:
        installation = await provision()
        browser, promtool = ensure_browser(), ensure_promtool()
        ensure_tcpdump()
    except LabError as error:
        say(f"error: {error}")
        return 1
    for name, home in (("asterisk", installation.asterisk), ("sipp", installation.sipp)):
        say(f"{name} comes from {home.root or 'PATH'}")
    say(f"the browser is {browser}, promtool is {promtool}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
