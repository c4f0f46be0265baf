"""The images of docker/Dockerfile, built without a Docker engine: `python -m tests.lab.images` prints what they weigh.

buildah does it, Debian's own. The base images are made of Debian's packages under the names that the Dockerfile uses.
What was built is kept in the lab's cache by what went into it, as plain trees that need no buildah to be run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.cache import apt_install, cache_directory, has_apt, only_one, run_logged, say
from tests.lab.deb import wheels_for
from tests.lab.provision import ensure_mmdebstrap
from tests.lab.waiting import LabError

SOURCE = Path(__file__).parents[2]
DOCKERFILE = SOURCE / "docker" / "Dockerfile"
# Of each suite the stages that are built from its base image alone; the Dockerfile's names for those end in `-slim`.
# The stage that runs pip comes by itself, upon one that is there: our volumes leave their mount points behind.
STAGES = {"trixie": ("python", "build"), "sid": ("telephony",)}
# The Python of the suite that Ringfence's own image is made of.
PYTHON = "3.13"
PRODUCT = (
    "LICENSE",
    "asterisk-conf",
    "docker/Dockerfile",
    "docker/Dockerfile.dockerignore",
    "docker/healthcheck.py",
    "pyproject.toml",
    "requirements/build.txt",
    "requirements/runtime.txt",
    "service",
)
# Target -> what goes into it. The README does too, for the package's own description, and changes nothing that runs.
TARGETS = {
    "ringfence": PRODUCT,
    "asterisk": (*PRODUCT, "docker/asterisk"),
    "lab": (*PRODUCT, "tests/__init__.py", "tests/lab"),
}
KEPT_TREES = 2
MOST_LAYERS = 200
NO_BUILDAH = "no buildah on PATH: install it (Debian and Ubuntu: sudo apt-get install buildah)"
# pip's whole configuration while an image is built: what is fetched outside, with this machine's own.
PIP_CONFIGURATION = "[global]\nno-index = true\nfind-links = /wheels\n"


@dataclass(frozen=True, slots=True)
class Image:
    """A built image as a tree, with owners and modes as in a container, and its configuration."""

    name: str
    tree: Path
    config: dict[str, Any]
    """As the image has it: User, Env, Entrypoint, Cmd, Healthcheck, Volumes."""
    size: int
    """In bytes, unpacked."""


def ensure_images() -> dict[str, Image]:
    """Every target of the Dockerfile by its name, of the sources as they are now. Raises LabError."""
    if os.geteuid() != 0:
        raise LabError("images are built in mounts and with owners of their own, which needs root: run it as root")
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    with only_one(cache / "images.lock"):
        # Asked once: whoever changes a source meanwhile has an image built anew the next time.
        places = {target: _place(target) for target in TARGETS}
        missing = {target: place for target, place in places.items() if not place.is_dir()}
        if missing:
            started_at = time.monotonic()
            _build(missing)
            say(f"images {', '.join(missing)} built in {time.monotonic() - started_at:.0f} s")
        return {target: _image(target, place) for target, place in places.items()}


def _build(places: Mapping[str, Path]) -> None:
    _ensure_buildah()
    ensure_mmdebstrap()
    say("building images; the first time Debian's packages are fetched (about 300 MB)")
    with ThreadPoolExecutor() as pool:
        # Most of it is waiting for a mirror, the first time.
        list(pool.map(_build_stages, STAGES))
    for target, place in places.items():
        _bud(target)
        _keep(target, place)
        _forget_older(target)
    if len(_buildah("images", "--all", "--quiet").splitlines()) > MOST_LAYERS:
        # What no newest stage rests on.
        _buildah("rmi", "--prune", "--force")


def _build_stages(suite: str) -> None:
    _ensure_base(suite)
    for stage in STAGES[suite]:
        _bud(stage, *(_volumes_for_pip() if stage == "build" else ()))


def _volumes_for_pip() -> list[str]:
    cache = cache_directory()
    with only_one(cache / "deb.lock"):
        wheels = wheels_for(PYTHON)
    pip = cache / "images-pip.conf"
    pip.write_text(PIP_CONFIGURATION, encoding="utf-8")
    return ["--volume", f"{wheels}:/wheels:ro", "--volume", f"{pip}:/etc/pip.conf:ro"]


def _bud(target: str, *more: str) -> None:
    command = [*_program(), "bud", "--isolation=chroot", "--pull-never", "--layers", "--format=docker", *more]
    ignore = f"{DOCKERFILE}.dockerignore"
    command += [f"--ignorefile={ignore}", f"--target={target}", f"--tag=lab-{target}", f"--file={DOCKERFILE}"]
    run_logged([*command, str(SOURCE)], cache_directory() / f"image-{target}.log", what=f"build the image {target}")


def _keep(target: str, place: Path) -> None:
    """The image as a tree, complete or absent."""
    aside = place.with_name(f"{place.name}.building")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    container = _buildah("from", "--pull-never", f"lab-{target}").strip()
    try:
        mounted = _buildah("mount", container).strip()
        subprocess.run(["cp", "--archive", mounted, str(aside / "tree")], check=True)
    finally:
        _buildah("rm", container)
    inspected = json.loads(_buildah("inspect", "--type=image", f"lab-{target}"))
    (aside / "config.json").write_text(json.dumps(inspected["Docker"]["config"]), encoding="utf-8")
    aside.rename(place)


def _image(target: str, place: Path) -> Image:
    config = json.loads((place / "config.json").read_text(encoding="utf-8"))
    measured = subprocess.run(["du", "-sb", str(place / "tree")], capture_output=True, text=True, check=True)
    return Image(target, place / "tree", config, int(measured.stdout.split()[0]))


def _place(target: str) -> Path:
    digest = hashlib.sha256(target.encode())
    for part in TARGETS[target]:
        place = SOURCE / part
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"\n{file.relative_to(SOURCE)}\n".encode())
                digest.update(file.read_bytes())
    return cache_directory() / f"image-{target}-{digest.hexdigest()[:12]}"


def _ensure_base(suite: str) -> None:
    """Debian's own packages under the name of the base image. Nothing is asked of any registry of images."""
    name = f"debian:{suite}-slim"
    if name in _buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        return
    tree = _base_tree(suite)
    container = _buildah("from", "scratch").strip()
    mounted = _buildah("mount", container).strip()
    subprocess.run(["tar", "--extract", f"--file={tree}", "--exclude=./dev/*", "-C", mounted], check=True)
    _buildah("commit", "--rm", "--quiet", container, name)


def _base_tree(suite: str) -> Path:
    """Kept, for the images may be thrown away."""
    kept = cache_directory() / f"base-{suite}.tar"
    if not kept.exists():
        say(f"making the base image of Debian {suite} (about 120 MB)")
        aside = kept.with_name(f"base-{suite}.building.tar")
        options = ["--variant=minbase", '--aptopt=Acquire::Check-Valid-Until "false"']
        log = kept.with_name(f"base-{suite}.log")
        run_logged(["mmdebstrap", *options, suite, str(aside)], log, what=f"make Debian {suite}")
        aside.rename(kept)
    return kept


def _ensure_buildah() -> None:
    if shutil.which("buildah"):
        return
    if not has_apt():
        raise LabError(NO_BUILDAH)
    with only_one(cache_directory() / "lock"):
        if shutil.which("buildah") is None:
            apt_install(["buildah"])


def _program() -> list[str]:
    """Everything it keeps is ours, and nothing of what the machine's user has."""
    own = cache_directory() / "buildah"
    return ["buildah", f"--root={own}/root", f"--runroot={own}/run"]


def _buildah(*arguments: str) -> str:
    done = subprocess.run([*_program(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"buildah {' '.join(arguments)} ended with status {done.returncode}\n{done.stderr}")
    return done.stdout


def _forget_older(target: str) -> None:
    trees = sorted(
        cache_directory().glob(f"image-{target}-????????????"), key=lambda folder: folder.stat().st_mtime, reverse=True
    )
    for folder in trees[KEPT_TREES:]:
        shutil.rmtree(folder, ignore_errors=True)


def _main() -> int:
    try:
        images = ensure_images()
    except LabError as error:
        say(f"error: {error}")
        return 1
    for image in images.values():
        print(f"{image.name}: {image.size / 1e6:.0f} MB, user {image.config['User']}, {image.tree}")
    return 0


if __name__ == "__main__":
    sys.exit(_main())
