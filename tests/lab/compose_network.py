"""The networks of a compose file: a network namespace for each service, all on one bridge that leads nowhere else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.lab.cache import apt_install
from tests.lab.waiting import LabError

BRIDGE = "telephony"
# Its input ends when we do, and with it its namespace.
HOLD = "ip link set lo up && echo ready && exec cat"


class ComposeNetwork:
    """`open` it before anything is started in it. `network_mode: host` is a namespace to be given by `share`."""

    def __init__(self, services: Mapping[str, Mapping[str, Any]]) -> None:
        self._services = services
        self._holders: dict[str, subprocess.Popen[str]] = {}
        self._shared: int | None = None
        self.addresses = {
            name: str(network["ipv4_address"])
            for name, service in services.items()
            for network in (service.get("networks") or {}).values()
        }

    def open(self) -> None:
        if shutil.which("ip") is None:
            apt_install(["iproute2"])
        self._hold(BRIDGE)
        self._ip(BRIDGE, "link", "add", "bridge0", "type", "bridge")
        self._ip(BRIDGE, "link", "set", "bridge0", "up")
        for number, (name, service) in enumerate(self._services.items()):
            mode = service.get("network_mode", "")
            if not mode.startswith("service:") and mode != "host":
                self._hold(name)
            if name in self.addresses:
                self._connect(name, number)

    def share(self, pid: int) -> None:
        """The process whose network is the host's."""
        self._shared = pid

    def enter(self, name: str) -> list[str]:
        """To be put before a command that is to have that service's network."""
        mode = self._services[name].get("network_mode", "")
        if mode == "host":
            if self._shared is None:
                raise LabError(f"{name}: wants the host's network, and none was given")
            return ["nsenter", f"--net=/proc/{self._shared}/ns/net"]
        return self._inside(mode.removeprefix("service:") if mode.startswith("service:") else name)

    def close(self) -> None:
        for holder in self._holders.values():
            holder.communicate()

    def _hold(self, name: str) -> None:
        command = ["unshare", "--net", "sh", "-c", HOLD]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._holders[name] = holder
        assert holder.stdout is not None
        if holder.stdout.readline() != "ready\n":
            raise LabError(f"no network namespace for {name}; it needs root")

    def _connect(self, name: str, number: int) -> None:
        port = f"port{number}"
        peer = ["peer", "name", "eth0", "netns", str(self._holders[name].pid)]
        self._ip(BRIDGE, "link", "add", port, "type", "veth", *peer)
        self._ip(BRIDGE, "link", "set", port, "master", "bridge0", "up")
        self._ip(name, "address", "add", f"{self.addresses[name]}/24", "dev", "eth0")
        self._ip(name, "link", "set", "eth0", "up")

    def _inside(self, name: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self._holders[name].pid}/ns/net"]

    def _ip(self, name: str, *arguments: str) -> None:
        done = subprocess.run([*self._inside(name), "ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"ip {' '.join(arguments)}: {done.stderr}")
