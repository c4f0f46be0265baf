"""A throw-away copy of the lab's root with a real systemd in it: a machine to install a service on, up in a second.

Its mounts, processes and control groups are its own, and its network unless it shares ours. The kernel is ours, so a
service's sandbox is real. What the machine cannot have (kernel file systems, devices) is of no interest to a service.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tests.lab.overlay_root import OverlayRoot
from tests.lab.waiting import LabError, wait_until

BOOT_SECONDS = 30.0
MOUNTS = """\
mount -t sysfs sysfs {place}/root/sys
mount -t cgroup2 cgroup2 {place}/root/sys/fs/cgroup
ip link set lo up
"""
SYSTEMD = (
    "exec env -i container=ringfence-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot {place}/root "
    "/usr/lib/systemd/systemd --unit=basic.target --log-target=null --show-status=no"
)
NAMESPACES = ("--mount", "--pid", "--net", "--cgroup", "--uts", "--ipc")


class BootedRoot(OverlayRoot):
    """As `OverlayRoot`; `boot` before anything else is asked of it."""

    namespaces: tuple[str, ...] = NAMESPACES
    more_mounts = MOUNTS
    last_line = SYSTEMD

    def __init__(self, root: Path, binds: Mapping[Path, str] | None = None, *, own_network: bool = True) -> None:
        """Without `own_network`: that of its caller, where its far ends are."""
        super().__init__(root, binds)
        if not own_network:
            self.namespaces = tuple(name for name in NAMESPACES if name != "--net")
        self._group = _control_groups() / f"ringfence-lab-{os.getpid()}-{os.urandom(3).hex()}"

    def __enter__(self) -> BootedRoot:
        # In a group of its own: systemd takes what it is in for the whole machine.
        try:
            self._group.mkdir()
        except OSError as error:
            raise LabError(f"no control group can be made: {error}") from None
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        for folder in sorted(self._group.rglob("*/"), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        with suppress(OSError):
            self._group.rmdir()

    def path(self, inside: str) -> Path:
        """As `OverlayRoot.path`; systemd's own root is the machine's."""
        return Path(f"/proc/{self._inner_pid()}/root") / inside.lstrip("/")

    async def boot(self) -> None:
        """Until services can be started. Raises LabError."""
        # By its word: while its first process is not yet in the machine's root, systemctl takes that for a mere chroot,
        # ignores what it is asked and ends well.
        await wait_until(
            lambda: self.attempt(["systemctl", "is-active", "basic.target"]).stdout.strip() == "active",
            what="systemd to be up",
            deadline_seconds=BOOT_SECONDS,
            interval_seconds=0.2,
        )

    def shown(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).strip()

    def _wrapped(self, command: list[str]) -> list[str]:
        return ["sh", "-c", f'echo $$ >{self._group}/cgroup.procs && exec "$@"', "sh", *command]


def why_not_bootable() -> str | None:
    """Why no systemd can be started here, None if one can."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        group = _control_groups()
    except LabError as error:
        return str(error)
    tried = subprocess.run(
        ["unshare", *NAMESPACES, "--fork", "mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"],
        capture_output=True,
        check=False,
    )
    if tried.returncode != 0 or not os.access(group, os.W_OK):
        return "this machine lets nobody mount control groups"
    return None


def _control_groups() -> Path:
    """Where the second version of control groups is mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise LabError("there are no control groups of version 2 here")
