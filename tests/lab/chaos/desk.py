"""Who gives orders: six lanes at once, each with what it alone changes, for as long as the daemon lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import aiohttp

from tests.lab.chaos.book import Book
from tests.lab.chaos.company import ASKED_TEAM, Company
from tests.lab.chaos.orders import PASSING_SECONDS, Order
from tests.lab.node import RingfenceNode
from tests.lab.waiting import LabError

ANSWER_SECONDS = 20.0
PAUSE_SECONDS = 0.06
UNDECIDED = (408, 500, 502, 503, 504)
"""Whoever is answered so does not know what became of the order."""


class OrderDesk:
    """`work` runs until the daemon is gone. Whoever aims at a moment is told of every order sent and answered."""

    def __init__(self, node: RingfenceNode, company: Company, book: Book, random: Random) -> None:
        self._node = node
        self._company = company
        self._book = book
        self._random = random
        self.told: Callable[[Order, bool], None] = lambda order, answered: None

    async def work(self) -> None:
        """All lanes, until the daemon answers none of them any more."""
        connector = aiohttp.UnixConnector(str(self._node.socket))
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            lanes = (self._words, self._second_person, self._imports, self._entries, self._hr, self._passing)
            await asyncio.gather(*(self._lane(lane, session) for lane in lanes))

    async def give(self, session: aiohttp.ClientSession, order: Order) -> Any:
        """One order, noted before it is sent and when it is answered; its answer. Raises what a lost daemon raises."""
        self._book.sent(order)
        self.told(order, False)
        status, answer = await self._ask(session, order)
        if status < 300:
            self._book.done(order)
        elif status not in UNDECIDED:
            self._book.not_done(order, status)
        else:
            raise LabError(f"{order.kind}: {status} {answer}")  # in doubt, like a lost answer
        self.told(order, True)
        return answer

    async def repeat(self, session: aiohttp.ClientSession, order: Order) -> bool:
        """An order with an idempotency key whose answer was lost: given again as its client would. Whether it is
        carried out now; False: refused, for what it was about may be otherwise by now. Raises LabError."""
        status, answer = await self._ask(session, order)
        if status in UNDECIDED:
            raise LabError(f"{order.kind} was repeated with its key: {status} {answer}")
        return status < 300

    async def deliver(self) -> None:
        """A feed that still lies in the folder is taken in, as it would be at the next reading."""
        for _ in range(50):
            if not self._company.feeds_waiting():
                return
            await self._node.ask("POST", "/v1/hr/sync", {"source": "payroll", "dry_run": False})
            await asyncio.sleep(0.02)
        raise LabError("a feed stays in its folder")

    async def _ask(self, session: aiohttp.ClientSession, order: Order) -> tuple[int, Any]:
        headers = {"X-Ringfence-Who": order.who}
        if order.key:
            headers["Idempotency-Key"] = order.key
        url = f"http://ringfence/v1{order.path}"
        async with session.request(order.method, url, json=order.body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def _lane(self, lane: Callable[[aiohttp.ClientSession], Any], session: aiohttp.ClientSession) -> None:
        # The daemon is killed in the middle of it: that is how every lane ends.
        with suppress(aiohttp.ClientError, OSError, TimeoutError, LabError, ValueError):
            while True:
                await asyncio.sleep(self._random.random() * PAUSE_SECONDS)
                await lane(session)

    async def _words(self, session: aiohttp.ClientSession) -> None:
        await self.give(session, self._company.word(self._book))
        if self._random.random() < 0.1:
            # Whatever the machine is at, a person may order it back; that leaves no trace of ours.
            body = {"scope": "uc", "reason": "back again"}
            async with session.post("http://ringfence/v1/failback", json=body, headers={"X-Ringfence-Who": "ada"}):
                pass

    async def _second_person(self, session: aiohttp.ClientSession) -> None:
        if self._book.holds(f"waiting team:{ASKED_TEAM}") == "-":
            await self.give(session, self._company.ask())
            return
        async with session.get("http://ringfence/v1/override/pending") as answer:
            waiting = (await answer.json())["pending"]
        await self.give(session, self._company.approve(self._book, waiting[0]["id"]))

    async def _passing(self, session: aiohttp.ClientSession) -> None:
        if (order := self._company.passing()) is not None:
            await self.give(session, order)
        await asyncio.sleep(self._random.random() * PASSING_SECONDS)

    async def _imports(self, session: aiohttp.ClientSession) -> None:
        await self.give(session, self._company.import_(self._book))

    async def _entries(self, session: aiohttp.ClientSession) -> None:
        await self.give(session, self._company.entry(self._book))

    async def _hr(self, session: aiohttp.ClientSession) -> None:
        await self.give(session, self._company.feed(self._book))
        async with session.get("http://ringfence/v1/hr/plans") as answer:
            plans = (await answer.json())["plans"]
        if not plans or self._random.random() < 0.2:
            return  # the next feed supersedes it
        async with session.get(f"http://ringfence/v1/hr/plans/{plans[0]['id']}") as answer:
            fingerprint = (await answer.json())["fingerprint"]
        await self.give(session, self._company.decide(self._book, plans[0]["id"], fingerprint))
