"""From a fresh machine to the first call rerouted in an outage, by the how-to's own code blocks: `python -m
tests.lab.install_run [plain|freepbx|sbc ...]` prints minutes and steps of each, and what a removal left behind.

The machine, its carrier, its platform and its mobile network share a network of their own, made by running this program
anew in one: so everything has its usual port, and nothing of it is heard outside.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import socket
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import howto_blocks
from tests.lab.behaviour import Behaviour
from tests.lab.call_result import CallResult
from tests.lab.caller import CallerAgent
from tests.lab.deb import ensure_deb
from tests.lab.far_end import FarEnd
from tests.lab.howto_blocks import Howto
from tests.lab.machine import SIP_PORT, Machine, places_of
from tests.lab.ports import HOST, Ports
from tests.lab.provision import ensure_root
from tests.lab.sites.running import PILOT, TRUNKS, Kind
from tests.lab.waiting import LabError, wait_until

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "install-beside-asterisk.md"
PARTS = {Kind.PLAIN: "Plain files", Kind.FREEPBX: "FreePBX and its like", Kind.SBC: "An SBC in front"}
MOBILE = "+447700900123"
RECEPTION = "+441134960199"
MOST_STEPS = 5
MOST_MINUTES = 15.0
DIVERTED_SECONDS = 30.0
# A person who answers and presses 1, as callers' own numbers are asked to.
PERSON = Behaviour(ring_delay_ms=10, answer_delay_ms=200, press="1", press_after_ms=300)
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _UP = 0x8913, 0x8914, 0x1


@dataclass(frozen=True, slots=True)
class InstallRun:
    """One walk through the page."""

    kind: Kind
    steps: int
    seconds: float
    left_behind: tuple[str, ...]
    """What was not as before after the page's last section; nothing, if all is well."""

    def words(self) -> str:
        took = f"{self.steps} steps, {self.seconds / 60:.1f} minutes to the first rerouted call"
        return f"{self.kind}: {took}; left behind: {', '.join(self.left_behind) or 'nothing'}"


class _Walk:
    """The far ends, and a page to be followed."""

    def __init__(self, kind: Kind, machine: Machine, page: Howto, ends: dict[str, FarEnd], ports: Ports) -> None:
        self.kind, self.machine, self.page, self.ends = kind, machine, page, ends
        self.caller = CallerAgent(ports, SIP_PORT)
        self.did = "+441134960001" if kind is Kind.PLAIN else TRUNKS[kind].open_did
        self.values = {
            "PLATFORM": ends["platform"].address,
            "CARRIER": HOST,
            "EGRESS": ends["network"].address,
            "CONTROL": ends["control"].address,
            "SBC": ends["network"].address,
            "RECEPTION": RECEPTION,
            "DID": self.did,
            "MOBILE": MOBILE,
        }

    async def follow(self) -> InstallRun:
        await self.caller.start()
        before = self.machine.state()
        await self._expect("platform", "before Ringfence came")
        began = time.monotonic()
        for block in self.page.steps(PARTS[self.kind]):
            await asyncio.to_thread(self.machine.run, self.page.script(block, self.values))
        await self._expect("platform", "with Ringfence in its way")
        await self.ends["platform"].kill()
        await self._diverted()
        await self._expect("network", "in the outage")
        seconds = time.monotonic() - began
        for block in self.page.out_again():
            await asyncio.to_thread(self.machine.run, self.page.script(block, self.values))
        after = self.machine.state()
        left = tuple(name for name in before | after if before.get(name) != after.get(name))
        return InstallRun(self.kind, self.page.step_count, seconds, left)

    async def _expect(self, end: str, when: str) -> None:
        """One call, and who was rung by it."""
        seen = {name: len(far_end.calls()) for name, far_end in self.ends.items()}
        call = await self._call()
        rung = {name: [leg.number for leg in e.calls()[seen[name] :]] for name, e in self.ends.items()}
        wanted = MOBILE if end == "network" else self.did
        if not call.answered or rung[end] != [wanted]:
            raise LabError(f"{self.kind}, {when}: {call.statuses}, rung {rung}, not {wanted} at {end}")

    async def _call(self) -> CallResult:
        if self.kind is not Kind.SBC:
            return await self.caller.call(self.did, hold_seconds=0.3)
        uri = f"sip:{PILOT}@{HOST}:{SIP_PORT}".encode()
        headers = [("P-Called-Party-ID", f"<sip:{self.did}@sbc.example>")]
        return await self.caller.call(PILOT, raw_request_uri=uri, headers=headers, hold_seconds=0.3)

    async def _diverted(self) -> None:
        def told() -> bool:
            return "|divert|" in self.machine.cli("database get ringfence/mode platform")

        await wait_until(told, what="Asterisk to be told of the outage", deadline_seconds=DIVERTED_SECONDS)


async def walk(kind: Kind, root: Path, package: Path) -> InstallRun:
    """Everything of one machine, from its first file to its last. Raises LabError."""
    ports = Ports()
    names = ("platform", "network", "phones", "control")
    ends = {name: FarEnd(f"machine-{name}", ports, healthy=PERSON) for name in names}
    try:
        for end in ends.values():
            await end.start()
        places = places_of(ends["platform"].address, ends["network"].address, ends["phones"].address)
        with Machine(root, package, kind, places) as machine:
            await machine.start()
            walking = _Walk(kind, machine, howto_blocks.read(PAGE), ends, ports)
            try:
                return await walking.follow()
            finally:
                await walking.caller.close()
    finally:
        for end in ends.values():
            await end.close()
        ports.close()


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.install_run", description=__doc__)
    parser.add_argument("kinds", nargs="*", type=Kind, help="plain, freepbx, sbc; default: all")
    parser.add_argument("--inside", nargs=2, metavar=("ROOT", "PACKAGE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    kinds = given.kinds or list(Kind)
    if given.inside is None:
        root = ensure_root()
        inside = ["--inside", str(root), str(ensure_deb(root))]
        command = ["unshare", "--net", sys.executable, "-m", "tests.lab.install_run", *kinds, *inside]
        os.execvp(command[0], command)
    _loopback_up()
    good = True
    for kind in kinds:
        run = asyncio.run(walk(kind, Path(given.inside[0]), Path(given.inside[1])))
        sys.stdout.write(f"{run.words()}\n")
        sys.stdout.flush()
        good = good and not run.left_behind and run.steps <= MOST_STEPS and run.seconds <= MOST_MINUTES * 60
    return 0 if good else 1


def _loopback_up() -> None:
    """A new network's own loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


if __name__ == "__main__":
    sys.exit(main())
