"""The demonstration of `tests.lab.demo` with everybody in a container of his own: docker/compose.demo.yaml runs it.

    python -m tests.lab.container_demo configure    writes everybody's files into the volumes, and ends
    python -m tests.lab.container_demo play         the carrier: brings calls, breaks things, tells what became of them

Addresses come from the environment, as the compose file has them. Exit status 1 when a call was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from pathlib import Path

from rich.console import Console

from ringfence import config
from ringfence.config.snippets import generated_snippets, shipped_snippets
from tests.lab.demo import PLATFORM as PLATFORM_OF_THE_DEMO
from tests.lab.demo import Demo, perform
from tests.lab.elsewhere import Addresses, LabElsewhere, ProcessElsewhere
from tests.lab.installation import Home
from tests.lab.mode_watch import ModeWatch
from tests.lab.node import PLATFORM, RingfenceNode
from tests.lab.ports import Ports
from tests.lab.sipp import CarrierLoad
from tests.lab.waiting import wait_until

STAGE = Path("/run/stage")
"""Shared by the far ends and the carrier: control sockets, what happened to each call, the report."""
REPORT = STAGE / "demo-report.json"
WATCH_SECRET = STAGE / "watch_secret"
SNIPPETS = Path("/etc/asterisk/ringfence")
READY_SECONDS = 60.0
# For the one who looks at the mode key from outside; a daemon's own user comes by the loopback.
WATCH_USER = (
    "[lab]\nsecret={secret}\ndeny=0.0.0.0/0.0.0.0\npermit={carrier}/255.255.255.255\nread=system\nwrite=system\n"
)


class NodeElsewhere(RingfenceNode):
    """The daemon in its own container, with the places it has there."""

    def __init__(self, lab: LabElsewhere) -> None:
        self.lab = lab
        self._more = ""
        self.directory = Path("/etc/ringfence")
        self.state_dir = Path("/var/lib/ringfence")
        self.socket = Path("/run/ringfence/control.sock")
        self.http_port = 8090
        self.config_path = self.directory / "ringfence.toml"
        self.platform = {**PLATFORM, **PLATFORM_OF_THE_DEMO}
        self.ring_budget_seconds = 90
        self.database = ""
        self.process = ProcessElsewhere("ringfence", self.socket)

    def configure(self) -> None:
        """Ringfence's own files and its part of Asterisk's; both groups may read, as the images' accounts are made."""
        self.write_configuration()
        for name in config.reading.SECRETS:
            _write_shared(self.directory / name, secrets.token_hex(16))
        settings, known = config.load(self.config_path), config.load_secrets(self.config_path)
        for name, text in {**shipped_snippets(), **generated_snippets(settings, known)}.items():
            _write_shared(SNIPPETS / name, text)


def configure() -> None:
    """Everything from the beginning: a second demonstration must not read the first one's calls."""
    for old in STAGE.iterdir():
        old.unlink()
    lab = _lab()
    NodeElsewhere(lab).configure()
    secret = secrets.token_hex(16)
    _write_shared(WATCH_SECRET, secret)
    _write_shared(SNIPPETS / "manager_lab.conf", WATCH_USER.format(secret=secret, carrier=lab.carrier.host))
    lab.ports.close()


async def play() -> int:
    """All acts; returns the exit status."""
    console = Console(width=100)
    began = time.monotonic()
    console.print("Waiting for Asterisk, Ringfence, the platform and the mobile networks ...")
    lab = _lab()
    try:
        for far_end in (lab.platform, lab.mobile_network, lab.other_mobile_network):
            await far_end.start()
        node = NodeElsewhere(lab)
        await wait_until(node.alive, what="the daemon's local socket", deadline_seconds=READY_SECONDS)
        # Now, for later it may be frozen or dead.
        for process in (node.process, lab.platform.process):
            console.print(f"{process.name} is process {process.pid}")
        return 1 if await perform(Demo(lab, node, ModeWatch(lab.asterisk), console), began, REPORT) else 0
    finally:
        await lab.close()


def _lab() -> LabElsewhere:
    addresses = Addresses(
        asterisk=os.environ["ASTERISK"],
        carrier=os.environ["CARRIER"],
        platform=os.environ["PLATFORM"],
        mobile_network=os.environ["MOBILE_NETWORK"],
        other_mobile_network=os.environ["OTHER_MOBILE_NETWORK"],
    )
    secret = WATCH_SECRET.read_text(encoding="utf-8") if WATCH_SECRET.exists() else ""
    return LabElsewhere(addresses, CarrierLoad(Home(), Ports()), STAGE, secret)


def _write_shared(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o640)
    path.write_text(text, encoding="utf-8")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.container_demo", description=__doc__)
    parser.add_argument("part", choices=("configure", "play"))
    if parser.parse_args().part == "play":
        return asyncio.run(play())
    configure()
    return 0


if __name__ == "__main__":
    sys.exit(main())
