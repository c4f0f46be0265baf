"""The parts of a lab where somebody else has started them: an engine, in containers that share one process namespace.

What a `FarEnd` or the daemon is asked is asked by the same sockets as ever. Who is behind one, so that he can be frozen
or killed, the kernel says: both must see the same processes, and have the same account.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.lab.asterisk import AsteriskInstance
from tests.lab.asterisk_files import AsteriskPorts
from tests.lab.far_end import HEALTHY, FarEnd, MobileNetwork, Platform
from tests.lab.lab import Lab
from tests.lab.ports import PortRange, Ports
from tests.lab.process import SupervisedProcess
from tests.lab.sipp import CarrierLoad
from tests.lab.tail import LineTail
from tests.lab.waiting import LabError, wait_until

_CREDENTIALS = struct.Struct("3i")
EXIT_SECONDS = 5.0


class ProcessElsewhere(SupervisedProcess):
    """Whoever listens on a Unix socket. It is looked up once, for a frozen one does not answer."""

    def __init__(self, name: str, place: Path) -> None:
        super().__init__(name, (), Path("/nonexistent"))
        self._place = place
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        if self._pid is None:
            with socket.socket(socket.AF_UNIX) as connection:
                try:
                    connection.connect(str(self._place))
                except OSError as error:
                    raise LabError(f"{self.name}: nobody listens on {self._place}: {error}") from error
                size = _CREDENTIALS.size
                self._pid, _, _ = _CREDENTIALS.unpack(
                    connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
                )
            if self._pid == 0:
                raise LabError(f"{self.name}: its process cannot be seen from here; `pid:` must be the same for both")
        return self._pid

    @property
    def running(self) -> bool:
        """One that has ended and is not yet buried has ended."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, LabError):
            return False
        return state not in "ZX"

    @property
    def exit_status(self) -> int | None:
        return None

    def start(self) -> None:
        raise LabError(f"{self.name} is started by whoever runs the containers")

    async def wait_exit(self, deadline_seconds: float = EXIT_SECONDS) -> int:
        await wait_until(lambda: not self.running, what=f"{self.name} to end", deadline_seconds=deadline_seconds)
        return 0

    def kill_now(self) -> None:
        """Not ours to end."""

    def log_tail(self, line_count: int = 30) -> str:
        return f"(the log of {self.name} is its container's)"

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


class FarEndElsewhere(FarEnd):
    """`tests.lab.agent_process` in a container, with its two files in a folder that we see too."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name = name
        self._address = address
        self._healthy = HEALTHY
        self._control = folder / f"{name}.control"
        self._events = LineTail(folder / f"{name}.events")
        self._calls = {}
        self.process = ProcessElsewhere(name, self._control)

    @property
    def address(self) -> str:
        return self._address

    async def start(self) -> None:
        await wait_until(self._obeys, what=f"{self.name} to obey", deadline_seconds=20)

    async def close(self) -> None:
        """Not ours to end."""


class _PlatformElsewhere(FarEndElsewhere, Platform):
    pass


class _NetworkElsewhere(FarEndElsewhere, MobileNetwork):
    pass


class AsteriskElsewhere(AsteriskInstance):
    """The places it has in our image."""

    def __init__(self, host: str, secret: str) -> None:
        self.name = "asterisk"
        self.host = host
        self.secret = secret
        self.ports = AsteriskPorts(sip=5060, ami=5038, http=8088, rtp=PortRange(10_000, 10_999))
        self.etc = Path("/etc/asterisk")
        self.cdr_csv = Path("/var/log/asterisk/cdr-csv/Master.csv")

    def log_tail(self, line_count: int = 30) -> str:
        return "(Asterisk's log is its container's)"

    async def close(self) -> None:
        """Not ours to end."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where everybody is: host:port for the far ends, hosts for the two others."""

    asterisk: str
    carrier: str
    platform: str
    mobile_network: str
    other_mobile_network: str


class LabElsewhere(Lab):
    """Its carrier alone is a process of ours."""

    def __init__(self, addresses: Addresses, carrier: CarrierLoad, folder: Path, secret: str = "") -> None:
        self.ports = Ports()
        self.asterisk = AsteriskElsewhere(addresses.asterisk, secret)
        self.platform = _PlatformElsewhere("platform", addresses.platform, folder)
        self.mobile_network = _NetworkElsewhere("mobile-network", addresses.mobile_network, folder)
        self.other_mobile_network = _NetworkElsewhere("other-mobile-network", addresses.other_mobile_network, folder)
        self.carrier = carrier
        self.door = self.asterisk.ports.sip
        self.carrier.host, self.carrier.target_host = addresses.carrier, addresses.asterisk

    async def close(self) -> None:
        await self.carrier.close()
        self.ports.close()
