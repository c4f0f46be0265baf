"""A compose file as Compose itself reads it: the client's plugin where there is one, else Debian's package of it.

The package is unpacked in a throw-away copy of the lab's root, whose libraries it wants, and kept as one file.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.lab.cache import cache_directory, only_one, say
from tests.lab.overlay_root import OverlayRoot
from tests.lab.provision import ensure_root
from tests.lab.waiting import LabError

FETCH = (
    "set -e; cd /tmp; apt-get update -qq; apt-get download -qq docker-compose; "
    "dpkg-deb --extract docker-compose*.deb t; find t -type f -name docker-compose -size +1M"
)


def checked(file: Path) -> dict[str, Any]:
    """The whole file with everything merged and filled in. Raises LabError with Compose's own words."""
    return dict(json.loads(_asked(file, "config", "--format=json", "--no-path-resolution")))


def _asked(file: Path, *arguments: str) -> str:
    tail = ["-f", str(file), *arguments]
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        done = subprocess.run(["docker", "compose", *tail], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(done.stderr)
        return done.stdout
    program = _ensure_program()
    with OverlayRoot(ensure_root(), {program.parent: "/opt/compose", file.parents[1]: str(file.parents[1])}) as root:
        done = root.attempt(["/opt/compose/docker-compose", *tail])
        if done.returncode != 0:
            raise LabError(done.stdout)
        return done.stdout


def _ensure_program() -> Path:
    root = ensure_root()
    kept = cache_directory() / "compose" / "docker-compose"
    with only_one(cache_directory() / "compose.lock"):
        if not kept.exists():
            say("fetching Compose out of Debian's package docker-compose (about 20 MB)")
            kept.parent.mkdir(exist_ok=True)
            with OverlayRoot(root) as machine:
                found = machine.run("sh", "-c", FETCH).splitlines()[-1]
                aside = kept.with_suffix(".new")
                aside.write_bytes(machine.path(f"/tmp/{found}").read_bytes())
            aside.chmod(0o755)
            # Complete or absent.
            aside.rename(kept)
    return kept
