"""`ringfence explain --invites` reads what a real tcpdump has written of real INVITEs, on one interface and on all.
It needs root, or CAP_NET_RAW, as tcpdump does; without, it fails."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.smallest import smallest
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.caller import CallerAgent
from tests.lab.desk_programs import ensure_tcpdump
from tests.lab.far_end import Platform
from tests.lab.ports import Ports
from tests.lab.waiting import LabError, wait_until
from tests.unit.command_line import ringfence, told

CONFIG = smallest(trunk='sources = ["127.0.0.1"]')
DIDS = "did,owner,site,platform\n+441134960100-+441134960199,by extension,Leeds,uc\n"
NUMBERS = ("+441134960101", "01134960102", "00441134960103", "1134960104")
BUSY = Behaviour(manner=Manner.REFUSE, status=486, ring_delay_ms=0)
DEADLINE_SECONDS = 30.0
FILE_HEADER_BYTES = 24


@asynccontextmanager
async def tcpdump(file: Path, port: int, *options: str) -> AsyncIterator[None]:
    """It captures what is sent to the port within; after that its file is whole."""
    options = (
        *options,
        "--immediate-mode",
        "-U",
        "-Z",
        "root",
        "-B",
        "8192",
        "-w",
        str(file),
        "udp",
        "port",
        str(port),
    )
    command = [str(ensure_tcpdump()), *options]
    child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert child.stderr is not None
    said = b""
    while b"listening on" not in said:
        line = await asyncio.wait_for(child.stderr.readline(), DEADLINE_SECONDS)
        if not line:
            raise LabError(f"tcpdump captures nothing here: it needs root or CAP_NET_RAW\n{said.decode()}")
        said += line
    try:
        # On a busy machine it may say so before it does: until something of ours is in the file.
        with socket.socket(type=socket.SOCK_DGRAM) as keepalive:
            await wait_until(
                lambda: keepalive.sendto(b"\r\n", ("127.0.0.1", port)) and file.stat().st_size > FILE_HEADER_BYTES,
                what="tcpdump to capture",
                deadline_seconds=DEADLINE_SECONDS,
                interval_seconds=0.1,
            )
        yield
    finally:
        child.send_signal(signal.SIGINT)
        await asyncio.wait_for(child.communicate(), DEADLINE_SECONDS)


@pytest.mark.parametrize("interface", ["lo", "any"])
async def test_a_capture_of_real_invites_is_read(tmp_path: Path, interface: str) -> None:
    config, dids, capture = (tmp_path / name for name in ("ringfence.toml", "dids.csv", "day.pcap"))
    config.write_text(CONFIG)
    dids.write_text(DIDS)
    ports = Ports()
    ours = Platform(ports, healthy=BUSY)
    carrier = CallerAgent(ports, ours.port)
    try:
        await ours.start()
        await carrier.start()
        async with tcpdump(capture, ours.port, "-i", interface):
            results = await asyncio.gather(*(carrier.call(number) for number in NUMBERS))
            # What waits for it in the kernel when it ends is lost.
            await wait_until(
                lambda: capture.read_bytes().count(b"INVITE sip:") >= len(NUMBERS),
                what="every INVITE in the file",
                deadline_seconds=DEADLINE_SECONDS,
            )
        assert [result.final_status for result in results] == [486] * len(NUMBERS)
    finally:
        await carrier.close()
        await ours.close()
        ports.close()

    asking = ("explain", "--invites", str(capture), "--dids", str(dids), "--json")
    found = told(ringfence(None, *asking, config=config), 4)
    assert (found["calls"], found["good"], found["elsewhere"]) == (len(NUMBERS), 3, [])
    assert found["invites"] >= len(NUMBERS)
    shapes = {form["shape"]: (form["trunk"], form["calls"], form["good"]) for form in found["forms"]}
    assert shapes["10 digits"] == ("carrier", 1, 0)
    assert shapes["+44 and 10 digits"] == ("carrier", 1, 1)
    assert {"number": "+1134960104", "calls": 1} in found["unknown"]
