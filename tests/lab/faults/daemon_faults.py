"""What can befall the daemon's process: it stands still, starves, and has no memory or no file descriptors left."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp

from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.stage import Stage, now
from tests.lab.node import READY_SECONDS
from tests.lab.waiting import LabError, wait_until

STOPPED_SECONDS = 20.0
STALLING_SECONDS = 8.0
STALL_SECONDS, BREATH_SECONDS = 0.9, 0.15
LATER_SECONDS = 2.0
SLOW_CLIENTS = 60
IMPORTS = 4
SPARE_FILES = 3
SPARE_BYTES = 2 << 20
START_BYTES = 48 << 20
"""Less than Python and the libraries need to be loaded."""
REFUSED_SECONDS = 15.0
HELD = (aiohttp.ClientError, OSError, TimeoutError)
"""What becomes of a question to a daemon that cannot answer."""


def daemon_faults() -> list[Fault]:
    """In the order of the table, all on one stage."""
    return [
        Fault(
            "daemon stops and goes on",
            f"SIGSTOP for {STOPPED_SECONDS:g} s, SIGCONT, and {LATER_SECONDS:g} s later the platform is killed",
            Kind.SILENT,
            _stop_and_go_on,
            verdict_seconds=2,
            load=Load(count=320, per_second=10.0, before_seconds=2.0),
        ),
        Fault(
            "daemon's loop stalls",
            f"for {STALLING_SECONDS:g} s it stands still for {STALL_SECONDS:g} s and goes on for {BREATH_SECONDS:g} s, "
            "again and again; then the platform is killed",
            Kind.SILENT,
            _stall,
            verdict_seconds=2,
            load=Load(count=320),
        ),
        Fault(
            "daemon out of memory",
            f"it may have {SPARE_BYTES >> 20} MiB more than it has, is asked for much, and the platform is killed; "
            "then a start with too little memory, and one with enough",
            Kind.NO_DAEMON,
            _run_out_of_memory,
            load=Load(count=260),
            witness=_starts_again,
        ),
        Fault(
            "daemon out of file descriptors",
            f"it may open {SPARE_FILES} more than it has, {SLOW_CLIENTS} clients hold connections and say nothing; "
            "then the platform is killed",
            Kind.SILENT,
            _run_out_of_files,
            witness=_answers_again,
            verdict_seconds=2,
            load=Load(count=260),
        ),
    ]


async def _stop_and_go_on(stage: Stage) -> None:
    await stage.node.process.freeze()
    try:
        await asyncio.sleep(STOPPED_SECONDS)
    finally:
        stage.node.process.thaw()
    await asyncio.sleep(LATER_SECONDS)
    await stage.strike()


async def _stall(stage: Stage) -> None:
    """Timers of the probes run out while it stands, and their answers lie in the sockets: as when something blocks the
    event loop of a living process."""
    process, until = stage.node.process, now() + STALLING_SECONDS
    while now() < until:
        await process.freeze()
        await asyncio.sleep(STALL_SECONDS)
        process.thaw()
        await asyncio.sleep(BREATH_SECONDS)
    late = (await stage.node.must("GET", "/v1/status"))["late_observations"]
    stage.notes.append(f"{late} misses were discarded as its own lateness")
    await asyncio.sleep(LATER_SECONDS)
    await stage.strike()


async def _run_out_of_memory(stage: Stage) -> None:
    process = stage.node.process
    has = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(process.pid, resource.RLIMIT_AS, (has + SPARE_BYTES, resource.RLIM_INFINITY))
    answers: list[int | None] = []
    people = stage.organisation.people_csv()
    for _ in range(IMPORTS):
        answers.append(None)
        with suppress(*HELD):
            async with asyncio.timeout(3):
                body = {"people": {"name": "people.csv", "text": people * 40}, "dry_run": True}
                answers[-1] = (await stage.node.ask("POST", "/v1/import", body))[0]
    stage.notes.append(f"{IMPORTS} great imports were answered with {_counted(answers)}")
    await stage.strike()


async def _starts_again(stage: Stage) -> None:
    process = stage.node.process
    stage.notes.append("it went on" if process.running else f"it ended with status {process.exit_status}")
    # A limit on memory is for good: what is freed is not given back to the system.
    await process.kill()
    await stage.node.start(ready=False)
    resource.prlimit(stage.node.process.pid, resource.RLIMIT_AS, (START_BYTES, START_BYTES))
    try:
        status = await stage.node.process.wait_exit(REFUSED_SECONDS)
    except LabError:
        status = None
    stage.notes.append(f"a start with {START_BYTES >> 20} MiB ended with status {status}")
    stage.must("started without memory", int(not status), 0)
    await stage.node.process.kill()
    began_at = now()
    await stage.node.start(ready=False)
    await stage.node.wait_ready(READY_SECONDS * 3)
    stage.must("ready again after", round(now() - began_at, 1), READY_SECONDS, "s")


async def _run_out_of_files(stage: Stage) -> None:
    pid = stage.node.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    has = len(os.listdir(f"/proc/{pid}/fd"))
    async with AsyncExitStack() as stack:
        stack.callback(resource.prlimit, pid, resource.RLIMIT_NOFILE, limits)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (has + SPARE_FILES, limits[1]))
        for number in range(SLOW_CLIENTS):
            _, writer = await _connected(stage, local=number % 2 == 0)
            stack.callback(writer.close)
            writer.write(b"GET /v1/status HTTP/1.1\r\nHost: ")
        await asyncio.sleep(LATER_SECONDS)
        stage.notes.append(f"it had {len(os.listdir(f'/proc/{pid}/fd'))} open, and might have {has + SPARE_FILES}")
        await stage.strike()
        await stage.lab.carrier.wait_finished()


async def _connected(stage: Stage, *, local: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if local:
        return await asyncio.open_unix_connection(str(stage.node.socket))
    return await asyncio.open_connection("127.0.0.1", stage.node.http_port)


async def _answers_again(stage: Stage) -> None:
    began_at = now()
    await wait_until(_answering(stage), what="the daemon to answer again", deadline_seconds=20)
    stage.must("answers again after", round(now() - began_at, 1), 5, "s")


def _answering(stage: Stage) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        try:
            async with asyncio.timeout(2):
                return (await stage.node.ask("GET", "/v1/status"))[0] == 200
        except HELD:
            return False

    return answers


def _counted(answers: list[int | None]) -> str:
    return ", ".join(f"{said or 'nothing'} ({answers.count(said)})" for said in sorted(set(answers), key=str))
