"""Where a program of the lab lives: on this machine, or in a private root entered with chroot.

The rest of the lab never asks which: it asks a `Home` for a command line, and for a scratch
directory under the two names it has, outside (for us) and inside (for the program).
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRATCH = "ringfence-lab"


@dataclass(frozen=True, slots=True)
class Scratch:
    """One directory under its two names."""

    outside: Path
    inside: str

    def remove(self) -> None:
        shutil.rmtree(self.outside, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Home:
    """A file tree with programs in it; no root means the machine's own."""

    root: Path | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """`chroot` replaces itself by the program, so the pid we start is the program's own."""
        if self.root is None:
            return [program, *arguments]
        return ["chroot", str(self.root), program, *arguments]

    def outside(self, inside: str) -> Path:
        return Path(inside) if self.root is None else self.root / inside.lstrip("/")

    def make_scratch(self, name: str) -> Scratch:
        """A directory of our own; its name says whose it is, so that leftovers can be told."""
        base = tempfile.gettempdir() if self.root is None else ""
        # By user, for one may not write into what another made.
        parent = f"{base}/{SCRATCH}-{os.getuid()}"
        self.outside(parent).mkdir(parents=True, exist_ok=True)
        _remove_leftovers(self.outside(parent))
        inside = f"{parent}/{os.getpid()}-{secrets.token_hex(3)}-{name}"
        outside = self.outside(inside)
        outside.mkdir()
        return Scratch(outside, inside)

    def refresh_hosts(self) -> None:
        """The host's own name must resolve in the root: else every call waits 5 s for a name.

        At each start, not only when the root is built: the machine may have been renamed since.
        """
        if self.root is not None:
            target = self.root / "etc/hosts"
            wanted = Path("/etc/hosts").read_bytes()
            if not target.exists() or target.read_bytes() != wanted:
                replacement = target.with_name(f"hosts.{os.getpid()}")
                replacement.write_bytes(wanted)
                replacement.replace(target)


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs the lab drives. They may live in different places."""

    asterisk: Home
    sipp: Home


def _remove_leftovers(parent: Path) -> None:
    """Directories of test runs that were killed: named after a process that is gone."""
    for directory in parent.iterdir():
        owner = directory.name.partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(directory, ignore_errors=True)
