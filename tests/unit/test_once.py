"""One answer for one idempotency key, without any door: kept for a day, and known again after a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ringfence.app.once import Answer, Done, KeyUnknown, Once
from ringfence.app.operator import OrderRefused
from ringfence.app.ports import StoreUnavailable
from tests.fakes.clock import settle
from tests.fakes.node import FakeNode
from tests.fakes.stores import FakeOrderStore
from tests.unit.test_override_desk import ADA, BOB


class Acts:
    """Counts, and waits for as long as the test wants."""

    def __init__(self) -> None:
        self.times, self.go = 0, asyncio.Event()

    async def __call__(self) -> Answer:
        await self.go.wait()
        self.times += 1
        return Answer(200, f"{self.times}")


async def once_of(store: FakeOrderStore, node: FakeNode) -> tuple[Once, Acts]:
    acts = Acts()
    acts.go.set()
    return begun(store, node), acts


def begun(store: FakeOrderStore, node: FakeNode) -> Once:
    once = Once(store, node.clock)
    once.recovered()
    return once


def anew(done: Done) -> Answer:
    """What is answered where only what was done is known."""
    return Answer(200, "made anew")


async def test_one_key_acts_once_also_after_a_restart_and_for_a_day() -> None:
    node, store = FakeNode(), FakeOrderStore()
    once, acts = await once_of(store, node)
    answers = [await once.answer(ADA, "k", "body", acts, anew) for _ in range(2)]
    answers.append(await begun(store, node).answer(ADA, "k", "body", acts, anew))
    assert (acts.times, {answer.body for answer in answers}) == (1, {"1"})
    with pytest.raises(OrderRefused, match="another request"):
        await once.answer(ADA, "k", "another body", acts, anew)
    assert (await once.answer(BOB, "k", "another body", acts, anew)).body == "2"  # somebody else's key
    await node.clock.advance(24 * 3600 + 1)
    assert (await once.answer(ADA, "k", "body", acts, anew)).body == "3"


async def test_who_repeats_while_it_runs_waits_for_the_same_and_who_goes_away_stops_nothing() -> None:
    node, store = FakeNode(), FakeOrderStore()
    once, acts = await once_of(store, node)
    acts.go.clear()
    first, second = (asyncio.create_task(once.answer(ADA, "k", "body", acts, anew)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    acts.go.set()
    assert (await second).body == "1"
    assert acts.times == 1


async def test_a_refusal_is_not_kept_and_a_lost_database_keeps_nobody_from_ordering() -> None:
    node, store = FakeNode(), FakeOrderStore()
    once, acts = await once_of(store, node)

    async def refused() -> Answer:
        raise OrderRefused("scope", "is wrong", "")

    with pytest.raises(OrderRefused, match="is wrong"):
        await once.answer(ADA, "k", "body", refused, anew)
    store.fault = StoreUnavailable("locked")
    with pytest.raises(KeyUnknown):
        await once.answer(ADA, "k", "body", acts, anew)  # it may have come to the daemon before this one
    store.fault = None
    task = asyncio.create_task(once.run())
    await settle()
    store.fault = StoreUnavailable("locked")
    assert (await once.answer(ADA, "k", "body", acts, anew)).body == "1"
    assert (await once.answer(ADA, "k", "body", acts, anew)).body == "1"
    task.cancel()


async def test_old_answers_are_forgotten() -> None:
    node, store = FakeNode(), FakeOrderStore()
    once, acts = await once_of(store, node)
    await once.answer(ADA, "k", "body", acts, anew)
    task: asyncio.Task[Any] = asyncio.create_task(once.run())
    await node.clock.advance(25 * 3600)
    assert store.answers == {}
    task.cancel()


async def test_an_order_that_comes_before_the_spool_is_read_is_taken_afterwards() -> None:
    node, acts = FakeNode(), Acts()
    acts.go.set()
    once = Once(FakeOrderStore(), node.clock)
    asked = asyncio.create_task(once.answer(ADA, "k", "body", acts, anew))
    await settle()
    asked.cancel()  # whoever asked was told that it will be
    await settle()
    assert acts.times == 0
    once.recovered()
    await settle()
    assert acts.times == 1
