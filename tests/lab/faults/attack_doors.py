"""Rows of an attack on the doors: floods of requests, and clients that never read or never finish what they say."""

from __future__ import annotations

import asyncio
import base64
import resource
from collections.abc import Callable
from contextlib import ExitStack

from tests.lab.attack.flood import Flood, Flooded, pour
from tests.lab.attack.idlers import Idlers, client_hello
from tests.lab.faults.attack_judge import VERDICT_SECONDS, answers_again, as_before, judge, orders, page_answers
from tests.lab.faults.attack_stage import AttackedNode, TlsNode, cpu_seconds, forget_use, open_files, resident_mb
from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.stage import Stage
from tests.lab.node import SECRET
from tests.lab.sip import HOST

FLOOD_SECONDS = 9.0
FLOODING, FLOODED = 100, 1000
"""Connections of each program; and how many requests they have to bring together."""
BEFORE_OUTAGE_SECONDS = 2.0
ORDER_SECONDS = 1.0
MORE_MB = 100
"""Some 600 connections of TLS take half of it."""
USUAL_FILES = 1024
"""What a process may open where nobody has said otherwise."""
WRITERS = 900
READERS, WALLBOARDS = 120, 20
LOG_MB = 2.0
MANY = 3
"""Requests on one connection, none of whose answers is read."""


def door_faults() -> list[Fault]:
    """In the order of the table, all on one stage."""
    return [
        Fault(
            "flood on the API",
            f"for {FLOOD_SECONDS:g} s as many requests as three programs can send over {FLOODING} connections each, "
            "without a token, with wrong ones and with the right one; meanwhile the platform dies, and orders come",
            Kind.SILENT,
            _flood,
            prepare=forget_use,
            witness=answers_again,
            verdict_seconds=VERDICT_SECONDS,
            judge=judge,
            load=Load(count=260),
        ),
        Fault(
            "slow readers",
            f"{WALLBOARDS} clients each at AMI and ARI's events, {READERS} each at the API, the page, the local socket "
            "and the FastAGI door ask for much and read nothing; then the platform is killed",
            Kind.SILENT,
            _read_nothing,
            prepare=forget_use,
            witness=as_before,
            verdict_seconds=VERDICT_SECONDS,
            judge=judge,
            load=Load(count=600),
        ),
        Fault(
            "slow writers",
            f"{WRITERS} clients at the API and {WRITERS} at the local socket write a letter a second of a request that "
            f"never ends; the daemon may open {USUAL_FILES} files; then the platform is killed",
            Kind.SILENT,
            _write_slowly,
            prepare=forget_use,
            witness=as_before,
            verdict_seconds=VERDICT_SECONDS,
            judge=judge,
            load=Load(count=600),
        ),
    ]


def tls_faults() -> list[Fault]:
    """The same on a node whose doors speak TLS."""
    return [
        Fault(
            "half TLS handshakes",
            f"{WRITERS} clients begin a handshake and say no more, and {WRITERS} not even that; the daemon may open "
            f"{USUAL_FILES} files; then the platform is killed",
            Kind.SILENT,
            _half_handshakes,
            prepare=forget_use,
            witness=as_before,
            verdict_seconds=VERDICT_SECONDS,
            judge=judge,
            load=Load(count=600),
        ),
    ]


async def _flood(stage: Stage) -> None:
    node = stage.node
    log = node.directory / "daemon.log"
    before, worked = log.stat().st_size, cpu_seconds(node.process.pid)
    floods = [
        Flood(node.http_port, "/openapi.json", (), FLOODING, FLOOD_SECONDS),
        Flood(node.http_port, "/v1/calls", ("Authorization: Bearer rf_" + "x" * 40,), FLOODING, FLOOD_SECONDS),
        Flood(node.http_port, "/v1/people?find=a", (f"Authorization: Bearer {SECRET}",), FLOODING, FLOOD_SECONDS),
    ]
    pouring = [asyncio.create_task(pour(flood), name="flood") for flood in floods]
    await asyncio.sleep(BEFORE_OUTAGE_SECONDS)
    await stage.strike()
    waited = await orders(stage)
    flooded: list[Flooded] = await asyncio.gather(*pouring)
    names = ("no token", "wrong tokens", "the right token")
    stage.notes.extend(f"{name}: {one.words}" for name, one in zip(names, flooded, strict=True))
    stage.notes.append(f"the daemon took {cpu_seconds(node.process.pid) - worked:.1f} s of a core")
    stage.must("too few requests", max(0, FLOODED - sum(one.requests for one in flooded)), 0)
    stage.must("strangers let in", flooded[1].statuses.get("200", 0), 0)
    stage.must("refused without a time to wait", sum(one.no_retry_after for one in flooded), 0)
    stage.must("an order taken after", waited, ORDER_SECONDS, "s")
    stage.must("the log grew by", round((log.stat().st_size - before) / 2**20, 2), LOG_MB, "MB")


async def _read_nothing(stage: Stage) -> None:
    node, asterisk = stage.node, stage.lab.asterisk
    assert isinstance(node, AttackedNode)
    before = [resident_mb(node.process.pid), open_files(node.process.pid), resident_mb(asterisk.process.pid)]
    get = f"GET {{}} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {SECRET}\r\n\r\n"
    much = get.format("/openapi.json").encode() * MANY
    page = get.format("/people").encode() * MANY
    with Idlers() as idlers:
        for port, said, count in (
            (asterisk.ports.ami, _ami(asterisk.secret), WALLBOARDS),
            (asterisk.ports.http, _ari(), WALLBOARDS),
            (node.http_port, much, READERS),
            (node.http_port, page, READERS),
            (node.fastagi_port, _agi(stage.dids[0]), READERS),
        ):
            await asyncio.to_thread(idlers.to_port, port, said, count)
        await asyncio.to_thread(idlers.to_file, node.socket, much, READERS)
        await asyncio.sleep(BEFORE_OUTAGE_SECONDS)
        held = [resident_mb(node.process.pid), open_files(node.process.pid), resident_mb(asterisk.process.pid)]
        await stage.strike()
        stage.must("an order taken after", await orders(stage), ORDER_SECONDS, "s")
        await stage.lab.carrier.wait_finished()
        last = [resident_mb(node.process.pid), open_files(node.process.pid), resident_mb(asterisk.process.pid)]
    stage.notes.append(
        f"{len(idlers)} connections; the daemon had {before[1]} files open, then {held[1]}, at the end {last[1]}; and "
        f"{before[0]:.0f}, {held[0]:.0f}, {last[0]:.0f} MB; Asterisk {before[2]:.0f}, {held[2]:.0f}, {last[2]:.0f} MB"
    )
    stage.must("the daemon grew by", round(max(held[0], last[0]) - before[0]), MORE_MB, "MB")
    stage.must("Asterisk grew by", round(max(held[2], last[2]) - before[2]), 2 * MORE_MB, "MB")


def _ami(secret: str) -> bytes:
    """As a wallboard that has hung: all events, and a list of much."""
    login = f"Action: Login\r\nUsername: lab\r\nSecret: {secret}\r\nEvents: on\r\n\r\n"
    return (login + "Action: CoreShowChannels\r\n\r\nAction: ListCommands\r\n\r\n" * 5).encode()


def _ari() -> bytes:
    """All events of a stream of its own."""
    key = base64.b64encode(b"sixteen bytes...").decode()
    account = base64.b64encode(f"ringfence:{SECRET}".encode()).decode()
    return (
        f"GET /ari/events?app=wallboard&subscribeAll=true HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: ari\r\nAuthorization: Basic {account}\r\n\r\n"
    ).encode()


def _agi(did: str) -> bytes:
    return f"agi_network: yes\nagi_network_script: route/{did}\n\n".encode()


async def _write_slowly(stage: Stage) -> None:
    node = stage.node
    assert isinstance(node, AttackedNode)
    began = b"POST /v1/import HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: "

    def connect(idlers: Idlers) -> None:
        idlers.to_port(node.http_port, began, WRITERS)
        idlers.to_file(node.socket, began, WRITERS)

    await _starve(stage, connect)


async def _half_handshakes(stage: Stage) -> None:
    node = stage.node
    assert isinstance(node, TlsNode)
    hello = client_hello()

    def connect(idlers: Idlers) -> None:
        idlers.to_port(node.http_port, hello, WRITERS)
        idlers.to_port(node.http_port, b"\x16", WRITERS)

    await _starve(stage, connect)


async def _starve(stage: Stage, connect: Callable[[Idlers], None]) -> None:
    """With few files to open and these clients there: the platform dies, and somebody wants in."""
    pid = stage.node.process.pid
    memory = resident_mb(pid)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        stack.callback(resource.prlimit, pid, resource.RLIMIT_NOFILE, limits)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (USUAL_FILES, limits[1]))
        idlers = stack.enter_context(Idlers())
        await asyncio.to_thread(connect, idlers)
        await asyncio.sleep(BEFORE_OUTAGE_SECONDS)
        held = open_files(pid)
        stage.must("an order taken after", await orders(stage), ORDER_SECONDS, "s")
        page = [await page_answers(stage) for _ in range(5)]
        stage.must("the page refused", page.count(False), 0)
        await stage.strike()
        drip = asyncio.create_task(_drip(idlers), name="a letter a second")
        try:
            await stage.lab.carrier.wait_finished()
        finally:
            drip.cancel()
        left = open_files(pid)
    stage.notes.append(f"it had {held} files open with all of them there, and {left} at the end of the calls")
    stage.must("files open", held, USUAL_FILES - 1)
    stage.must("the daemon grew by", round(resident_mb(pid) - memory), MORE_MB, "MB")


async def _drip(idlers: Idlers) -> None:
    while True:
        await asyncio.to_thread(idlers.say, b"x")
        await asyncio.sleep(1)
