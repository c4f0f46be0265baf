"""Every order that takes a key, repeated to the daemon after the one that died before its answer, while others have
spoken about the same: the answer is made anew of what was done, and nothing changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from ringfence.app.second_person import SecondPersonPolicy
from ringfence.domain.override import Level
from tests.fakes.doors import http_door
from tests.fakes.node import SCOPE, FakeNode

KEY = {"Idempotency-Key": "8c1f", "X-Ringfence-Who": "ada"}
REASON = {"reason": "drill"}
DR = {"mode": "dr", "scope": SCOPE, "for": "1h", **REASON}


@asynccontextmanager
async def after_a_kill(node: FakeNode) -> AsyncIterator[httpx.AsyncClient]:
    node.once = node.another_once()
    async with http_door(node) as client:
        yield client


def dying() -> FakeNode:
    node = FakeNode()
    node.order_store.keeps_answers = False
    return node


def told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Scopes are told as they are now."""
    return answer.status_code, {**answer.json(), "scopes": []}


async def test_an_order_that_bob_has_ended_since() -> None:
    node = dying()
    async with node.running(), http_door(node) as client:
        first = await client.put("/v1/override", json=DR, headers=KEY)
        await client.delete("/v1/override", params={"scope": SCOPE, **REASON})
        async with after_a_kill(node) as again:
            assert told(await again.put("/v1/override", json=DR, headers=KEY)) == told(first)
        assert (first.status_code, node.failover.overrides) == (200, {})


async def test_a_release_and_an_undo_after_which_bob_has_spoken() -> None:
    node = dying()
    async with node.running(), http_door(node) as client:
        for undo in (False, True):
            said = (await client.put("/v1/override", json=DR)).json()["override"]
            orders: dict[str, Any] = {"method": "DELETE", "url": "/v1/override", "params": {"scope": SCOPE, **REASON}}
            if undo:
                orders = {"method": "POST", "url": "/v1/override/undo", "json": {"id": said["id"], **REASON}}
            headers = KEY | {"Idempotency-Key": f"undo {undo}"}
            first = await client.request(**orders, headers=headers)
            await client.put("/v1/override", json=DR | {"mode": "normal"})
            stands = dict(node.failover.overrides)
            async with after_a_kill(node) as again:
                assert told(await again.request(**orders, headers=headers)) == told(first)
            assert (first.status_code, node.failover.overrides) == (200, stands)
            await client.delete("/v1/override", params={"scope": SCOPE, **REASON})


async def test_what_waited_for_a_second_person_and_was_decided_since() -> None:
    node = dying()
    node.second_person.policy = SecondPersonPolicy(frozenset({Level.PLATFORM}))
    bob = {"X-Ringfence-Who": "bob"}
    async with node.running(), http_door(node) as client:
        first = await client.put("/v1/override", json=DR, headers=KEY)
        pending = f"/v1/override/pending/{first.json()['pending']['id']}"
        rejected = await client.post(f"{pending}/reject", params=REASON, headers=bob | {"Idempotency-Key": "r"})
        async with after_a_kill(node) as again:
            assert told(await again.put("/v1/override", json=DR, headers=KEY)) == told(first)
            repeated = await again.post(f"{pending}/reject", params=REASON, headers=bob | {"Idempotency-Key": "r"})
            assert told(repeated) == told(rejected)
        assert (first.status_code, rejected.status_code, node.words_desk.pending()) == (202, 200, ())


async def test_the_same_order_under_another_key_is_no_second_one_when_the_first_was_decided_since() -> None:
    node = dying()
    node.second_person.policy = SecondPersonPolicy(frozenset({Level.PLATFORM}))
    keys = [KEY, KEY | {"Idempotency-Key": "another"}]
    async with node.running(), http_door(node) as client:
        first, second = [await client.put("/v1/override", json=DR, headers=key) for key in keys]
        assert told(first) == told(second)
        pending = f"/v1/override/pending/{first.json()['pending']['id']}"
        await client.post(f"{pending}/reject", params=REASON, headers={"X-Ringfence-Who": "bob"})
        async with after_a_kill(node) as again:
            for key in keys:
                assert told(await again.put("/v1/override", json=DR, headers=key)) == told(first)
        assert node.words_desk.pending() == ()
        assert [fact.action for fact in node.order_store.facts] == ["override dr asked for", "override dr rejected"]


async def test_an_approval_whose_word_bob_has_ended_since() -> None:
    node = dying()
    node.second_person.policy = SecondPersonPolicy(frozenset({Level.PLATFORM}))
    async with node.running(), http_door(node) as client:
        asked = (await client.put("/v1/override", json=DR)).json()["pending"]
        await node.clock.advance(121)  # a token is nobody's second person
        approve = f"/v1/override/pending/{asked['id']}/approve"
        first = await client.post(approve, headers=KEY)
        await client.delete("/v1/override", params={"scope": SCOPE, **REASON})
        async with after_a_kill(node) as again:
            assert told(await again.post(approve, headers=KEY)) == told(first)
        assert (first.status_code, node.failover.overrides) == (200, {})
