"""A fresh Debian machine with a site running on it: an Asterisk as its administrators have it, and no Ringfence.

A throw-away copy of the lab's root with the files of one of `tests.lab.sites`, and a systemd that starts Asterisk and,
once somebody installs it, Ringfence.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.lab.asterisk_files import MODULES
from tests.lab.booted_root import BootedRoot
from tests.lab.sites.running import Kind, files_in, lay_files
from tests.lab.waiting import LabError, wait_until

HOME = "/root/install"
"""Where the administrator sits, the package before him."""
SIP_PORT = 5060
"""The usual one: the machine has its network to itself."""
START_SECONDS = 60.0
# With the places that Debian's packages have, and the modules that the lab's sites use.
LOADED = (*MODULES.split(), "app_mixmonitor")
OWN_FILES = {
    "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in LOADED),
    "logger.conf": "[general]\n[logfiles]\nmessages.log => notice,warning,error\n",
    "cdr.conf": "[general]\nenable=yes\n[csv]\nloguniqueid=yes\nloguserfield=yes\n",
}


class Machine:
    """Use as a context manager, in a network of its own (`tests.lab.install_run` makes one)."""

    def __init__(self, root: Path, package: Path, kind: Kind, places: Mapping[str, str]) -> None:
        """`places`: what the site's files have between `@` signs."""
        self.kind = kind
        self._package = package
        self._places = {"SIP_PORT": str(SIP_PORT), "AMI_PORT": "5038", "HTTP_PORT": "8088", **places}
        # The far ends are outside of it.
        self._booted = BootedRoot(root, {package.parent: "/srv/package"}, own_network=False)

    def __enter__(self) -> Machine:
        self._booted.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._booted.__exit__(kind, error, trace)

    async def start(self) -> None:
        """Up, and Asterisk as Debian starts it."""
        await self._booted.boot()
        self._lay()
        # A systemd that is busy with its boot may not take a connection at once; systemctl then looks for a bus.
        await wait_until(
            lambda: self._booted.attempt(["systemctl", "start", "asterisk.service"]).returncode == 0,
            what="Asterisk to be started by systemd",
            deadline_seconds=START_SECONDS,
            interval_seconds=0.5,
        )

    def run(self, script: str) -> str:
        """In the administrator's shell. Raises LabError with everything it said when a line of it fails."""
        done = self._booted.attempt(["sh", "-c", f"cd {HOME}\n{script}"])
        if done.returncode != 0:
            log = self._booted.run("journalctl", "--unit=ringfence", "--lines=40", check=False)
            raise LabError(f"ended with status {done.returncode}:\n{script}\n{done.stdout}\n{log}")
        return done.stdout

    def cli(self, line: str) -> str:
        """Asterisk's console."""
        return self._booted.run("asterisk", "-rx", line)

    def state(self) -> dict[str, str]:
        """All that a removal must leave as it was: Asterisk's files to the byte, what Asterisk holds, and accounts."""
        etc = self._booted.path("/etc/asterisk")
        files = {f"/etc/asterisk/{name}": f"{mode:o} {text!r}" for name, (text, mode) in files_in(etc).items()}
        owners = {f"owner of {name}": str((etc.parent.parent / name.lstrip("/")).stat().st_uid) for name in files}
        lines = ("database show", "manager show users", "ari show users", "dialplan show", "pjsip show endpoints")
        held = {line: _lasting(self.cli(line)) for line in lines}
        accounts = {name: self._booted.path(name).read_text() for name in ("/etc/passwd", "/etc/group")}
        folders = {name: str(self._booted.path(name).exists()) for name in ("/etc/ringfence", "/var/lib/ringfence")}
        return {**files, **owners, **held, **accounts, **folders}

    def _lay(self) -> None:
        etc = self._booted.path("/etc/asterisk")
        lay_files(self.kind, etc, self._places)
        for name, text in OWN_FILES.items():
            (etc / name).write_text(text, encoding="utf-8")
        self._booted.path("/etc/hosts").write_bytes(Path("/etc/hosts").read_bytes())
        self._booted.run(
            "sh",
            "-c",
            "set -e\nchown asterisk:asterisk /etc/asterisk/*.conf\nchmod 640 /etc/asterisk/*.conf\n"
            f"mkdir {HOME}\nln -s /srv/package/{shlex.quote(self._package.name)} {HOME}\n",
        )


def places_of(platform: str, network: str, phones: str) -> dict[str, str]:
    """Where the site's far ends are."""
    return {"PLATFORM": platform, "NETWORK": network, "PHONES": phones}


def _lasting(shown: str) -> str:
    """Without what changes by itself: whether an endpoint and its contact answer just now."""
    kept = [line for line in shown.splitlines() if "Contact:" not in line]
    return "\n".join(" ".join(line.split()[:2]) if line.startswith(" Endpoint:") else line for line in kept)
