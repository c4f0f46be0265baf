"""A throw-away copy of a root: an overlay in memory with mounts and processes of its own. Nothing of it outlives us.

Called by whatever has to install or build something in a clean Debian (`tests.lab.deb`, the package's own tests).
"""

from __future__ import annotations

import os
import select
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from tests.lab.waiting import LabError

# The overlay's upper folders lie on a file system of their own: an overlay cannot lie on another one, as in containers.
# `/run` is a new one as on every machine that boots. "ready": everything stands; the last line holds it.
SETUP = """\
set -e
mount -t tmpfs -o mode=755 ringfence-lab {place}
mkdir {place}/upper {place}/work {place}/root
mount -t overlay -o lowerdir={root},upperdir={place}/upper,workdir={place}/work ringfence-lab {place}/root
mount -t proc proc {place}/root/proc
mount -t devpts -o ptmxmode=666 devpts {place}/root/dev/pts
mount -t tmpfs -o mode=755 ringfence-lab {place}/root/run
for pair in {binds}; do
  mkdir -p {place}/root/${{pair#*:}}
  mount --bind ${{pair%%:*}} {place}/root/${{pair#*:}}
done
{more_mounts}echo ready
{last_line}
"""
# What pip and others may be told by this machine's environment is not for a clean one.
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
DIE_WITH_US = ("setpriv", "--pdeathsig", "KILL")
RUN_SECONDS = 300
END_SECONDS = 10.0


class OverlayRoot:
    """Use as a context manager. `binds`: folder here -> folder inside, both absolute."""

    namespaces: tuple[str, ...] = ("--mount", "--pid")
    more_mounts = ""
    last_line = "exec cat"

    def __init__(self, root: Path, binds: Mapping[Path, str] | None = None) -> None:
        self._root = root
        self._binds = dict(binds or {})
        self._folder = TemporaryDirectory(prefix="ringfence-lab-overlay-")
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> OverlayRoot:
        pairs = [shlex.quote(f"{here}:{inside.lstrip('/')}") for here, inside in self._binds.items()]
        place = shlex.quote(self._folder.name)
        script = SETUP.format(
            place=place,
            root=shlex.quote(str(self._root)),
            binds=" ".join(pairs),
            more_mounts=self.more_mounts.format(place=place),
            last_line=self.last_line.format(place=place),
        )
        # Its end ends every process inside, and with the last of them go the mounts.
        command = self._wrapped(
            [*DIE_WITH_US, "unshare", *self.namespaces, "--fork", "--kill-child", "sh", "-c", script]
        )
        self._holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self._holder.stdout is not None and self._holder.stderr is not None
        if self._holder.stdout.readline() != "ready\n":
            self._holder.kill()
            raise LabError(f"no overlay over {self._root}: {self._holder.stderr.read()}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._holder is not None:
            first = os.pidfd_open(self._inner_pid())
            self._holder.kill()
            self._holder.communicate()
            # The first process is gone when all others of its namespace are.
            select.select([first], [], [], END_SECONDS)
            os.close(first)
        self._folder.cleanup()

    def path(self, inside: str) -> Path:
        """A file inside, as this process may open it: through the holder, whose mounts they are."""
        return Path(f"/proc/{self._inner_pid()}/root{self._folder.name}/root") / inside.lstrip("/")

    def command(self, *command: str) -> list[str]:
        """To be started by whoever wants to: it then runs inside."""
        enter = ["nsenter", f"--target={self._inner_pid()}", *self.namespaces]
        return [*enter, "chroot", f"{self._folder.name}/root", *command]

    def run(self, *command: str, environment: Mapping[str, str] | None = None, check: bool = True) -> str:
        """What it said, both its outputs together. Raises LabError unless it ends well, or `check` is off."""
        done = self.attempt(command, environment)
        if check and done.returncode != 0:
            raise LabError(f"{shlex.join(command)} ended with status {done.returncode}\n{done.stdout}")
        return done.stdout

    def attempt(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """As `run`, for those who want the status."""
        return subprocess.run(
            self.command(*command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**CLEAN, "DEBIAN_FRONTEND": "noninteractive", **(environment or {})},
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def _wrapped(self, command: list[str]) -> list[str]:
        return command

    def _inner_pid(self) -> int:
        """The holder's child, the first process of the new namespace."""
        assert self._holder is not None
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()
        if not children:
            raise LabError("the overlay is gone")
        return int(children[0])
