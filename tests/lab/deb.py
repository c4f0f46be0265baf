"""Ringfence's Debian package, built in a copy of the lab's root by the very script that `make deb` runs.

Kept in the lab's cache by what goes into it. The root has no network: what pip needs is fetched outside, by this
machine's pip as it is configured, and handed in as files. It is checked by the hashes of `requirements/` all the same.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.cache import cache_directory, only_one, run_logged, say
from tests.lab.overlay_root import OverlayRoot
from tests.lab.waiting import LabError

SOURCE = Path(__file__).parents[2]
# What the package is made of. The pages in it are left out: they change every day and nothing runs by them.
PARTS = (
    "LICENSE",
    "asterisk-conf",
    "docker/debian",
    "docker/systemd",
    "pyproject.toml",
    "requirements/build.txt",
    "requirements/runtime.txt",
    "service",
)
REQUIREMENTS = ("requirements/build.txt", "requirements/runtime.txt")
KEPT_PACKAGES = 4
# A package that is used once and here need not be small; its time need not be told.
BUILD_ENVIRONMENT = {
    "DPKG_DEB_COMPRESSOR_TYPE": "zstd",
    "DPKG_DEB_COMPRESSOR_LEVEL": "1",
    "SOURCE_DATE_EPOCH": "1767225600",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/wheels",
}


def ensure_deb(root: Path) -> Path:
    """The package of the sources as they are now, for the Debian in `root`. Raises LabError."""
    cache = cache_directory()
    kept = cache / f"deb-{_digest(root.name, PARTS)}"
    with only_one(cache / "deb.lock"):
        if not kept.is_dir():
            _build(root, kept)
            _forget_older(cache)
    return next(kept.glob("ringfence_*.deb"))


def _build(root: Path, kept: Path) -> None:
    started_at = time.monotonic()
    wheels = wheels_for(python_of(root))
    say("building the Debian package")
    with (
        TemporaryDirectory(dir=kept.parent, prefix="deb-new-") as new,
        OverlayRoot(root, {SOURCE: "/source", wheels: "/wheels", Path(new): "/out"}) as machine,
    ):
        log = machine.run("sh", "/source/docker/debian/build.sh", "/out", environment=BUILD_ENVIRONMENT)
        if not list(Path(new).glob("ringfence_*.deb")):
            raise LabError(f"no package was built\n{log}")
        # Complete or absent.
        shutil.copytree(new, f"{new}.complete")
        Path(f"{new}.complete").rename(kept)
    say(f"built in {time.monotonic() - started_at:.0f} s")


def wheels_for(version: str) -> Path:
    """A folder with everything locked, for a Python of that version, as `3.14`."""
    wheels = cache_directory() / f"wheels-{_digest(version, REQUIREMENTS)}"
    if wheels.is_dir():
        return wheels
    say(f"fetching the locked dependencies for Python {version} (about 40 MB)")
    with TemporaryDirectory(dir=wheels.parent, prefix="wheels-new-") as new:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--dest", new]
        only = ["--only-binary=:all:", "--python-version", version]
        for requirements in REQUIREMENTS:
            command = [*pip, *only, "--requirement", str(SOURCE / requirements)]
            run_logged(command, wheels.parent / "deb.log", what=f"fetch what {requirements} lists")
        shutil.copytree(new, f"{new}.complete")
        Path(f"{new}.complete").rename(wheels)
    return wheels


def python_of(root: Path) -> str:
    """The version of the root's own Python, as `3.14`."""
    return (root / "usr/bin/python3").readlink().name.removeprefix("python")


def _digest(first: str, parts: tuple[str, ...]) -> str:
    digest = hashlib.sha256(first.encode())
    for file in _files(parts):
        digest.update(f"\n{file.relative_to(SOURCE)}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _files(parts: tuple[str, ...]) -> Iterator[Path]:
    for part in parts:
        place = SOURCE / part
        found = [place] if place.is_file() else sorted(place.rglob("*"))
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def _forget_older(cache: Path) -> None:
    packages = sorted(cache.glob("deb-????????????"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in packages[KEPT_PACKAGES:]:
        shutil.rmtree(folder, ignore_errors=True)
