"""What has to hold of a node whose doors are attacked: the outage is seen, orders are taken, the page answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote

import aiohttp

from tests.lab.faults.attack_stage import TlsNode, divert_count, open_files
from tests.lab.faults.measuring import Measured
from tests.lab.faults.result import Bound
from tests.lab.faults.stage import Stage, now
from tests.lab.sip import HOST
from tests.lab.waiting import wait_until

ORDERS = 6
ORDER_EVERY_SECONDS = 0.5
VERDICT_SECONDS, CROWDED_SECONDS = 2.0, 1.0
AGAIN_SECONDS = 5.0
LATER_SECONDS = 14.0
"""After which whoever finished no request has been let go."""
FEW_FILES = 100


def judge(stage: Stage, measured: Measured) -> list[Bound]:
    """As of a platform that is killed, with more time for the calls: the attacker's programs run on the same cores."""
    verdict = measured.verdict_seconds
    after = None if measured.decided_at is None else measured.worst_added_ms(measured.decided_at)
    return [
        Bound("added", measured.worst_added_ms(0), (VERDICT_SECONDS + CROWDED_SECONDS) * 1000, "ms"),
        Bound("added after verdict", after, CROWDED_SECONDS * 1000, "ms"),
        Bound("verdict", None if verdict is None else round(verdict * 1000), VERDICT_SECONDS * 1000, "ms"),
        Bound("failovers before it", measured.failovers_before, 0),
    ]


async def orders(stage: Stage) -> float | None:
    """What a helpdesk waits for the slowest of some, in seconds: over the local socket. None: one was not taken."""
    did, slowest, taken = stage.organisation.owned_dids()[-1], 0.0, True
    for number in range(ORDERS):
        began = now()
        order = {"mode": ("dr", "normal")[number % 2], "did": did, "reason": "during an attack"}
        try:
            status, _ = await stage.node.ask("PUT", "/v1/override", order)
        except (aiohttp.ClientError, OSError, TimeoutError):
            status = 0
        taken = taken and status == 200
        slowest = max(slowest, now() - began)
        await asyncio.sleep(ORDER_EVERY_SECONDS)
    await stage.node.ask("DELETE", f"/v1/override?did={quote(did)}&reason=over")
    stage.must("orders refused", int(not taken), 0)
    return round(slowest, 2) if taken else None


async def as_before(stage: Stage) -> None:
    await answers_again(stage)
    pid = stage.node.process.pid
    await wait_until(
        lambda: open_files(pid) < FEW_FILES, what="the connections to be let go", deadline_seconds=LATER_SECONDS
    )
    stage.notes.append(f"{open_files(pid)} files open when all had gone")


async def answers_again(stage: Stage) -> None:
    began = now()

    async def answers() -> bool:
        return (await stage.node.ask("GET", "/v1/status"))[0] == 200

    await wait_until(_never_raising(answers), what="the daemon to answer", deadline_seconds=20)
    stage.must("answers again after", round(now() - began, 1), AGAIN_SECONDS, "s")
    stage.must("failovers but the right one", divert_count(stage) - 1, 0)


def _never_raising(asked: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    async def answers() -> bool:
        try:
            return await asked()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    return answers


async def page_answers(stage: Stage) -> bool:
    """Whether a browser gets in over the network."""
    scheme = "https" if isinstance(stage.node, TlsNode) else "http"
    timeout = aiohttp.ClientTimeout(total=3)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as browser:
            address = f"{scheme}://{HOST}:{stage.node.http_port}/healthz"
            async with browser.get(address, ssl=False) as answer:
                return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
