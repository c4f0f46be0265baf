"""Find or fetch the browser that opens the pages, the tool that checks the alert rules, and tcpdump.

A browser needs `/proc`, `/dev` and fonts, which the lab's private root has not: so Chromium is the machine's own, put
there by apt-get where it is missing and we may. promtool is one file out of Debian's `prometheus`, kept in the cache:
installing the package would start a Prometheus on this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.lab.cache import apt_install, cache_directory, has_apt, only_one, run_logged, say
from tests.lab.waiting import LabError

# The first that is there; all of them speak the same protocol with Playwright.
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
BROWSER_PACKAGES = ("chromium", "fonts-dejavu-core")
NO_BROWSER = (
    "no Chromium on PATH: install it (Debian: sudo apt-get install chromium fonts-dejavu-core; Ubuntu's package of "
    "that name is a snap, take a .deb of Chrome there), or name one in RINGFENCE_LAB_BROWSER"
)
NO_TCPDUMP = "no tcpdump on PATH: install it, or run this as root on Debian or Ubuntu"
NO_PROMTOOL = "no promtool on PATH: install Prometheus, which brings it, or run this on Debian or Ubuntu"


def ensure_browser() -> Path:
    """Chromium's path. Raises LabError where there is none and it cannot be installed."""
    if found := _browser():
        return found
    if os.geteuid() != 0 or not has_apt():
        raise LabError(NO_BROWSER)
    with only_one(_cache() / "lock"):
        if (found := _browser()) is None:
            started_at = time.monotonic()
            apt_install(BROWSER_PACKAGES)
            found = _browser()
            say(f"Chromium installed in {time.monotonic() - started_at:.0f} s")
    if found is None:
        raise LabError(NO_BROWSER)
    return found


def ensure_tcpdump() -> Path:
    """tcpdump's path. Raises LabError where there is none and it cannot be installed."""
    if shutil.which("tcpdump") is None:
        if os.geteuid() != 0 or not has_apt():
            raise LabError(NO_TCPDUMP)
        with only_one(_cache() / "lock"):
            if shutil.which("tcpdump") is None:
                apt_install(["tcpdump"])
    return Path(shutil.which("tcpdump") or "tcpdump")


def ensure_promtool() -> Path:
    """promtool's path. Needs no root: the package is unpacked, not installed."""
    if on_path := shutil.which("promtool"):
        return Path(on_path)
    kept = _cache() / "promtool"
    with only_one(_cache() / "lock"):
        if not kept.is_file():
            if not has_apt() or shutil.which("dpkg-deb") is None:
                raise LabError(NO_PROMTOOL)
            _fetch_promtool(kept)
    return kept


def _browser() -> Path | None:
    if chosen := os.environ.get("RINGFENCE_LAB_BROWSER"):
        return Path(chosen)
    return next((Path(found) for name in BROWSERS if (found := shutil.which(name))), None)


def _cache() -> Path:
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _fetch_promtool(kept: Path) -> None:
    log_path = kept.with_name("build.log")
    say("fetching promtool out of Debian's package prometheus (about 20 MB)")
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix="promtool-") as scratch:
        folder = Path(scratch)
        download = ["apt-get", "download", "prometheus"]
        if subprocess.run(["apt-cache", "show", "prometheus"], capture_output=True, check=False).returncode != 0:
            # A fresh container has no package lists yet, and they are root's to fetch.
            run_logged(["apt-get", "update"], log_path, what="run apt-get update")
        run_logged(download, log_path, what="download prometheus", working_directory=folder)
        package = next(folder.glob("*.deb"))
        unpack = ["dpkg-deb", "--extract", str(package), "tree"]
        run_logged(unpack, log_path, what="unpack prometheus", working_directory=folder)
        # Complete or absent: renamed within one file system.
        (folder / "tree/usr/bin/promtool").rename(kept)
