"""What is stored when the daemon dies between two writes, and what a repeated order does then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from ringfence.app.once import Answer, Done, KeyUnknown
from ringfence.app.operator import OrderRefused
from ringfence.app.orders import Overtaken
from ringfence.app.ports import StoreUnavailable
from ringfence.app.second_person import PendingOrder
from ringfence.domain.override import Override
from tests.fakes.clock import settle
from tests.fakes.node import FakeNode
from tests.unit.test_override_desk import ADA, BOB, DR, UC, asked, strict_node

Act = Callable[[], Awaitable[Answer]]


def giving(node: FakeNode) -> Act:
    async def act() -> Answer:
        return answer_of(await node.words_desk.order(DR, ADA))

    return act


def releasing(node: FakeNode) -> Act:
    async def act() -> Answer:
        return Answer(200, f"released: {await node.words_desk.release(UC, 'ada', 'over')}")

    return act


def answer_of(said: Override | PendingOrder) -> Answer:
    return Answer(200, said.id)


def anew(done: Done) -> Answer:
    """As the doors do it, from what was done alone."""
    said = done.said or done.pending
    return Answer(200, f"released: {done.released == UC}") if said is None else answer_of(said)


async def killed_before_its_answer(node: FakeNode, act: Act, fault: StoreUnavailable | None = None) -> Answer:
    """What it would have been. `fault`: of the database, from the moment on when the daemon is up."""
    done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def dying() -> Answer:
        done.set_result(await act())
        await asyncio.Event().wait()
        raise AssertionError

    once = node.another_once()
    at_work = asyncio.create_task(once.run())  # knows all earlier keys, if the database answers
    await settle()
    node.outage_store.fault = node.order_store.fault = fault
    waiting = asyncio.create_task(once.answer(ADA, "k", "body", dying, anew))
    answer = await done
    at_work.cancel()
    waiting.cancel()
    return answer


async def repeated(node: FakeNode, act: Act, request: str = "body") -> Answer:
    return await node.another_once().answer(ADA, "k", request, act, anew)


async def test_an_order_whose_answer_was_lost_with_the_daemon_is_not_carried_out_again() -> None:
    node, strict = FakeNode(), strict_node()
    async with node.running(), strict.running():
        for one in (node, strict):
            first = await killed_before_its_answer(one, giving(one))
            assert await repeated(one, giving(one)) == first
            with pytest.raises(OrderRefused, match="another request"):
                await repeated(one, giving(one), "another body")
        assert len(node.outage_store.changes) == 1
        assert (len(strict.order_store.facts), len(strict.words_desk.pending())) == (1, 1)


async def test_it_is_known_also_after_others_have_spoken_about_the_same() -> None:
    """Its word stands no longer, so that nothing in force tells of it; the transaction that stored it did."""
    node, strict = FakeNode(), strict_node()
    async with node.running(), strict.running():
        first = await killed_before_its_answer(node, giving(node))
        await node.words_desk.release(UC, "bob", "it was a drill")
        assert await repeated(node, giving(node)) == first
        assert node.failover.overrides == {}, "what bob ended stays ended"

        first = await killed_before_its_answer(strict, giving(strict))
        await strict.words_desk.reject(first.body, "bob", "no")
        assert await repeated(strict, giving(strict)) == first
        assert strict.words_desk.pending() == (), "what bob rejected does not wait again"


async def test_a_release_that_is_repeated_leaves_what_was_said_since() -> None:
    node = FakeNode()
    async with node.running():
        await node.words_desk.order(DR, ADA)
        first = await killed_before_its_answer(node, releasing(node))
        said = await node.words_desk.order(DR, BOB)
        assert await repeated(node, releasing(node)) == first == Answer(200, "released: True")
        assert node.failover.overrides == {UC: said}


async def test_the_spool_knows_what_a_key_has_led_to_while_the_database_is_away() -> None:
    node = FakeNode()
    async with node.running():
        first = await killed_before_its_answer(node, giving(node), StoreUnavailable("gone"))
        await node.words_desk.release(UC, "bob", "it was a drill")
        assert await repeated(node, giving(node)) == first
        assert node.failover.overrides == {}
        # What another process has stored before the database went away, nobody can tell.
        with pytest.raises(KeyUnknown):
            await node.another_once().answer(ADA, "another", "body", giving(node), anew)
        assert node.failover.overrides == {}


async def test_an_approved_order_waits_until_it_is_stored_and_a_refused_one_no_longer() -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node)
        word = await node.words_desk.approve(pending.id, BOB)
        assert word.id == pending.id, "by this id storing the one ends the waiting of the other"
        await node.words_desk.release(UC, "ada", "over")
        late = await asked(node, replace(DR, expected="another one"))
        with pytest.raises(Overtaken):
            await node.words_desk.approve(late.id, BOB)
        assert late.id not in node.order_store.pending
