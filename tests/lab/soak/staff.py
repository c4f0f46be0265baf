"""The people of a soak: HR sends a feed an hour, the helpdesk gives orders, others look at pages and go away again."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from datetime import timedelta
from random import Random
from urllib.parse import quote

import aiohttp

from ringfence.domain.access import Role
from tests.lab import sign_ins
from tests.lab.hr_site import Employee
from tests.lab.sign_ins import Somebody
from tests.lab.soak.hours import Hour
from tests.lab.soak.site import READY_SECONDS, Site

VIEWERS = 8
POLLERS = 3
POLL_SECONDS, AGAIN_SECONDS = 5.0, 0.1
EMPLOYED = 100
LEAVING_AN_HOUR = 2
ORDERS_AN_HOUR = 4
IMPORT_EVERY_HOURS = 6
SIGNED_IN_FOR = timedelta(days=400)


async def sign_in(site: Site) -> list[str]:
    """The viewers' tokens. The daemon is started anew for it, which is why this comes before everything."""
    viewers = [Somebody(f"agent {number}", frozenset({Role.HELPDESK})) for number in range(VIEWERS)]
    tokens = await sign_ins.sign_in(site.node, viewers, READY_SECONDS, now=site.now(), lasting=SIGNED_IN_FOR)
    await site.node.wait_table(site.town.dids, READY_SECONDS)
    return tokens


class Staff:
    """`random` decides whom an order is about."""

    def __init__(self, site: Site, tokens: list[str], random: Random) -> None:
        self._site = site
        self._tokens = tokens
        self._random = random

    async def feed(self, hour: Hour) -> None:
        """HR's whole export: some have left since the last one, as many have joined. What is held for a person to look
        at, as a source's first feed is, is approved."""
        joining = self._site.town.joining
        employed = min(EMPLOYED, len(joining) // 2)
        first = LEAVING_AN_HOUR * hour.number
        numbers = [joining[(first + place) % len(joining)] for place in range(employed)]
        await self._site.hr.feed(Employee(number) for number in numbers)
        for plan in (await self._site.node.must("GET", "/v1/hr/plans"))["plans"]:
            await self._site.hr.approve(plan["id"])

    async def import_all(self, hour: Hour) -> None:
        """The whole directory, some numbers of it changed."""
        turn = hour.number // IMPORT_EVERY_HOURS + 1
        body = {**self._site.town.files(turn), "dry_run": False, "accept_cautions": True, "reason": f"turn {turn}"}
        await self._site.node.must("POST", "/v1/import", body)

    async def orders(self, seconds: float) -> None:
        """About single DIDs and teams: one is released, the others run out by the clock."""
        town, random = self._site.town, self._random
        for number in range(ORDERS_AN_HOUR):
            await asyncio.sleep(seconds / ORDERS_AN_HOUR)
            if number == ORDERS_AN_HOUR - 1:
                await self._order({"team": random.choice(town.teams), "mode": "dr", "for": "30m"})
                continue
            did = random.choice(town.owned_dids())
            await self._order({"did": did, "mode": random.choice(("dr", "normal")), "for": "20m"})
            if number == 0:
                await self._site.node.must("DELETE", f"/v1/override?did={quote(did)}&reason=over")

    async def _order(self, order: dict[str, object]) -> None:
        await self._site.node.must("PUT", "/v1/override", {**order, "reason": "asked by telephone"})

    async def look(self, seconds: float) -> None:
        """Browsers come, watch the state, open pages, and are closed without a word; so are programs that wait for the
        next state."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.lab.viewers", "--port", str(self._site.node.http_port)),
            *("--seconds", str(seconds + POLL_SECONDS)),
            stdin=PIPE,
            stdout=DEVNULL,
        )
        pollers = [asyncio.create_task(self._poll(), name="poller") for _ in range(POLLERS)]
        try:
            assert child.stdin is not None
            child.stdin.write(json.dumps([(token, self._views(token)) for token in self._tokens]).encode() + b"\n")
            await child.stdin.drain()
            await asyncio.sleep(seconds)
        finally:
            child.kill()
            await child.wait()
            for poller in pollers:
                poller.cancel()
            await asyncio.gather(*pollers, return_exceptions=True)

    def _views(self, token: str) -> list[str]:
        number = self._tokens.index(token)
        did = quote(self._site.town.did(number * 3), safe="")
        return ["/", "/", f"/did/{did}", "/calls", "/people", f"/people/p{number * 7}", "/incidents", "/notices"]

    async def _poll(self) -> None:
        connector = aiohttp.UnixConnector(str(self._site.node.socket))
        timeout = aiohttp.ClientTimeout(total=2 * POLL_SECONDS)
        version = ""
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while True:
                url = f"http://ringfence/v1/status/changes?after={version}&timeout_seconds={POLL_SECONDS}"
                with suppress(aiohttp.ClientError, TimeoutError, ValueError, KeyError):
                    async with session.get(url) as answer:
                        version = str((await answer.json())["version"])
                # A door that is not there is refused without a moment's wait: this would never let go of the loop.
                await asyncio.sleep(AGAIN_SECONDS)
