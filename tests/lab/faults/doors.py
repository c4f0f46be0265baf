"""Figures of a node's doors: two hundred people look at it on a bad night, and an auditor has the record verified."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM
from tempfile import TemporaryDirectory
from typing import Any

from ringfence.domain.access import Role
from tests.integration.measure_audit import ROWS, verifying_seconds
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.small import Figure
from tests.lab.faults.stage import Stage
from tests.lab.sign_ins import Somebody, sign_in
from tests.lab.viewers import ANSWER_SECONDS, ARRIVE_SECONDS, HOLD_SECONDS, LOOKS_AT_A_PAGE_SECONDS

VIEWERS = 200
WATCHED_SECONDS = 40.0
ORDER_EVERY_SECONDS = 4.0
CALLS_PER_SECOND = 1.0
FIRST_BYTE_MS = 150
STOPPED_SECONDS = 2.0
VERIFIED_SECONDS = 1.0


async def live_viewers(stage: Stage) -> Row:
    """All views by the same viewers at the same time; the daemon is stopped while they watch."""
    sessions = await _signed_in(stage)
    async with _watching(stage, sessions) as viewers:
        changing = asyncio.create_task(_change_again_and_again(stage))
        try:
            seen = await _report(viewers)
        finally:
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
        await stage.release()
        resident_mb = _resident_mb(stage.node.process.pid)
        stopped_seconds = await _stopped(stage)
    await stage.lab.carrier.finish()
    return Row(
        "10,000: 200 live viewers",
        "each signed in, with a stream open, on one of all pages, asking for it again when told, and going on to "
        "another after {:g} to {:g} s; ".format(*LOOKS_AT_A_PAGE_SECONDS)
        + f"all came within {ARRIVE_SECONDS:g} s, a platform was moved to DR or back every "
        f"{ORDER_EVERY_SECONDS:g} s, {len(seen['answers'])} answers in {WATCHED_SECONDS:g} s, "
        f"the daemon had {resident_mb} MB; the first byte of each view, then SIGTERM with all of them connected",
        (
            Bound("not watching", VIEWERS - seen["watching"], 0),
            Bound("refused or lost", sum(seen["refused"].values()), 0),
            *(_first_byte(view, waited) for view, waited in sorted(_by_view(seen["answers"]).items())),
            _first_byte("while all came", [ms for _, at, ms in seen["answers"] if at < ARRIVE_SECONDS]),
            Bound("ended after", round(stopped_seconds, 2), STOPPED_SECONDS, "s"),
        ),
    )


async def _signed_in(stage: Stage) -> list[tuple[str, list[str]]]:
    """Token and views of each viewer, every fourth an auditor: two hundred people sign in over a night, not now."""
    auditors = [number % 4 == 0 for number in range(VIEWERS)]
    people = (
        Somebody(f"agent {number}", frozenset({Role.HELPDESK, Role.AUDITOR} if auditor else {Role.HELPDESK}))
        for number, auditor in enumerate(auditors)
    )
    tokens = await sign_in(stage.node, people)
    await stage.node.wait_table(stage.organisation.dids)
    return [(token, _views(stage, number, auditors[number])) for number, token in enumerate(tokens)]


def _views(stage: Stage, number: int, auditor: bool) -> list[str]:
    """What one viewer looks at: the state more than anything else, and a number and a person of their own."""
    did = stage.organisation.did(number * 37).replace("+", "%2B")
    own = ["/", "/", f"/did/{did}", "/calls", "/people", f"/people?page={number % 50 + 1}", f"/people/p{number * 37}"]
    own += ["/plans", "/sources", "/coverage", "/incidents", "/notices"]
    return [*own, "/audit"] if auditor else own


@asynccontextmanager
async def _watching(stage: Stage, sessions: list[tuple[str, list[str]]]) -> AsyncIterator[Process]:
    """The viewers, in a process of their own: what they do must not keep waiting who measures them."""
    command = ["-m", "tests.lab.viewers", "--port", str(stage.node.http_port), "--seconds", str(WATCHED_SECONDS)]
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=PIPE, stdout=PIPE, limit=1 << 24)
    assert child.stdin is not None
    try:
        child.stdin.write(json.dumps(sessions).encode() + b"\n")
        await child.stdin.drain()
        yield child
        child.stdin.close()
        async with asyncio.timeout(HOLD_SECONDS):
            await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def _report(viewers: Process) -> Any:
    assert viewers.stdout is not None
    async with asyncio.timeout(WATCHED_SECONDS + ANSWER_SECONDS):
        return json.loads(await viewers.stdout.readline())


async def _change_again_and_again(stage: Stage) -> None:
    """Calls come in, and a platform goes there and back until cancelled."""
    await stage.lab.bring_calls(
        stage.dids,
        call_count=int(CALLS_PER_SECOND * WATCHED_SECONDS),
        calls_per_second=CALLS_PER_SECOND,
        hold_seconds=0.5,
    )
    while True:
        await asyncio.sleep(ORDER_EVERY_SECONDS)
        await stage.order("dr")
        await asyncio.sleep(ORDER_EVERY_SECONDS)
        await stage.release()


async def _stopped(stage: Stage) -> float:
    began = time.monotonic()
    stage.node.process.send_signal(SIGTERM)
    await stage.node.process.wait_exit()
    return time.monotonic() - began


def _by_view(answers: Iterable[tuple[str, float, float]]) -> dict[str, list[float]]:
    """A person's or a number's page is one view, whoever's it is."""
    found: dict[str, list[float]] = {}
    for path, _, waited_ms in answers:
        first, _, rest = path.partition("?")[0].strip("/").partition("/")
        name = f"/{first}" + ("/..." if rest else "?..." if "?" in path else "")
        found.setdefault(name, []).append(waited_ms)
    return found


def _first_byte(view: str, waited_ms: Iterable[float]) -> Bound:
    waited = sorted(waited_ms)
    if not waited:
        return Bound(f"{view} p99", None, FIRST_BYTE_MS, "ms")
    middle, late = (waited[math.ceil(len(waited) * part) - 1] for part in (0.5, 0.99))
    return Bound(f"{view} of {len(waited)}: p50 {middle:.0f}, p99", round(late), FIRST_BYTE_MS, "ms")


def _resident_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(round(int(line.split()[1]) / 1024) for line in lines if line.startswith("VmRSS"))


async def _audit(stage: Stage) -> Row:
    with TemporaryDirectory() as folder:
        rows, seconds = await verifying_seconds(Path(folder) / "ringfence.db", ROWS)
    bound = Bound("verified after", round(seconds, 2) if rows == ROWS else None, VERIFIED_SECONDS, "s")
    return Row("audit: 10,000 rows verified", "read from the database, and held to their anchors", (bound,))


DOOR_FIGURES: dict[str, Figure] = {"audit: 10,000 rows verified": _audit}
