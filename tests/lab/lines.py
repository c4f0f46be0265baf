"""Lines with weather on them, laid between a lab's Asterisk and everybody off its machine.

Each far end is reached at an address of its own then, so that they are different hosts, as for a node in the world.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.lab.far_end import CHECKOUT
from tests.lab.lab import Lab
from tests.lab.orders import give_order
from tests.lab.ports import HOST
from tests.lab.process import SupervisedProcess
from tests.lab.weather import CALM, Weather

FAR_ENDS = ("platform", "a", "b")
CARRIER = "carrier"
EVERYBODY = (*FAR_ENDS, CARRIER)
READY_SECONDS = 10.0


class Lines:
    """`lay` them before the node is configured, for they are what it is told as addresses; `close` in the end."""

    def __init__(self) -> None:
        self._folder: TemporaryDirectory[str] | None = None
        self._process: SupervisedProcess | None = None

    def lay(self, lab: Lab) -> None:
        """From now on the node is told the lines' addresses, and the carrier calls over one, too."""
        self._folder = TemporaryDirectory(prefix="ringfence-lab-lines-")
        arguments = ["--control", str(self._control)]
        for number, far_end in enumerate((lab.platform, lab.mobile_network, lab.other_mobile_network)):
            host, port = f"127.0.0.{11 + number}", lab.ports.take()
            arguments += ["--line", FAR_ENDS[number], host, str(port), str(far_end.port)]
            far_end.reached_at = f"{host}:{port}"
        # From our own address: an inbound trunk is known by its.
        lab.door = lab.ports.take()
        arguments += ["--line", CARRIER, HOST, str(lab.door), str(lab.asterisk.ports.sip)]
        log = Path(self._folder.name) / "log"
        command = [sys.executable, "-m", "tests.lab.line_process", *arguments]
        self._process = SupervisedProcess("lines", command, log, working_directory=CHECKOUT)
        self._process.start()

    async def wait_ready(self) -> None:
        assert self._process is not None
        await self._process.wait_ready(self._control.exists, what="its socket", deadline_seconds=READY_SECONDS)

    async def change(self, weather: Weather, lines: Sequence[str] = EVERYBODY) -> None:
        """Returns when it holds."""
        await give_order(self._control, "the line", {"lines": list(lines), "weather": asdict(weather)})

    async def calm(self) -> None:
        await self.change(CALM)

    async def close(self) -> None:
        if self._process is not None:
            await self._process.kill()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def _control(self) -> Path:
        assert self._folder is not None, "not laid yet"
        return Path(self._folder.name) / "control"
