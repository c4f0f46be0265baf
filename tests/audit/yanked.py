"""Whether a locked version was taken back by its makers: only a package index knows, so this needs one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

SECONDS = 120
_YANKED = re.compile(r"^warning: `(.+?)` is yanked(.*)$", re.MULTILINE)


class CannotAsk(Exception):
    """There is no index to be asked. The text says why."""


def faults(lock: Path) -> list[str]:
    """Raises CannotAsk."""
    with TemporaryDirectory() as folder:
        order = (Path(sys.executable).with_name("uv"), "pip", "install", "--dry-run", "--no-deps", "--require-hashes")
        try:
            done = subprocess.run(
                [*order, "--color", "never", "--target", folder, "--requirements", lock],
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotAsk(type(error).__name__) from None
    if done.returncode != 0:
        raise CannotAsk("no package index answers, or it lacks a package")
    return [f"{name} was taken back{why}" for name, why in _YANKED.findall(done.stderr)]
