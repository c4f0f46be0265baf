"""Kamailio for the bench: Debian's package in a private root of its own, like the lab's Asterisk.

Installing it on the machine would start a SIP server there.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path

from tests.lab.bench.configurations import Peers, kamailio_files
from tests.lab.installation import Home
from tests.lab.ports import HOST
from tests.lab.process import SupervisedProcess
from tests.lab.provision import ensure_root

RECIPE = ("--variant=apt", "--include=kamailio", "trixie")
START_DEADLINE_SECONDS = 15.0
STOP_DEADLINE_SECONDS = 10.0


def ensure_kamailio() -> Home:
    """The machine's own, or a root with Debian's package, built once. Raises LabError where it cannot be had."""
    if shutil.which("kamailio"):
        return Home()
    return Home(ensure_root(RECIPE, ("usr/sbin/kamailio",)))


def version(home: Home) -> str:
    """As it names itself."""
    found = subprocess.run(home.command("kamailio", "-v"), capture_output=True, text=True, check=False)
    return found.stdout.splitlines()[0].removeprefix("version: ").strip() if found.stdout else "kamailio"


class Kamailio:
    """One Kamailio of our own on one port."""

    def __init__(self, home: Home, port: int, peers: Peers) -> None:
        self.port = port
        self._home = home
        self._scratch = home.make_scratch("kamailio")
        directory = self._scratch.inside
        for name, text in kamailio_files(peers, f"{HOST}:{port}", directory).items():
            (self._scratch.outside / name).write_text(text, encoding="utf-8")
        self.process = SupervisedProcess(
            "kamailio",
            [
                # Not by KILL if we die: its children would live on.
                *(("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()),
                *home.command(
                    "kamailio",
                    "-DD",
                    "-E",
                    "-f",
                    f"{directory}/kamailio.cfg",
                    "-Y",
                    directory,
                    "-w",
                    directory,
                    "-P",
                    f"{directory}/kamailio.pid",
                ),
            ],
            self._scratch.outside / "log",
        )

    async def start(self) -> None:
        self._home.refresh_hosts()
        self.process.start()
        await self.process.wait_ready(self._listens, what="listening", deadline_seconds=START_DEADLINE_SECONDS)

    def _listens(self) -> bool:
        wanted = f":{self.port:04X} "
        return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())

    async def stop(self) -> None:
        """It ends its children itself."""
        if self.process.running:
            self.process.send_signal(signal.SIGTERM)
            await self.process.wait_exit(STOP_DEADLINE_SECONDS)

    async def close(self) -> None:
        await self.stop()
        self._scratch.remove()
