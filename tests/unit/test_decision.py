"""What a dialplan that asks is told: the decision `explain` gives, in the dialplan's words, and no number."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from ringfence.app.asked import Asked, keep_door_sign
from ringfence.app.decision import Answer, decided
from ringfence.app.ports import AsteriskUnavailable
from ringfence.app.snapshot import ScopeView
from ringfence.domain.outage import Decision
from ringfence.domain.route_table import did_path
from tests.fakes.clock import NOON, settle
from tests.fakes.doors import http_door
from tests.fakes.node import DID, OTHER_DID, PRIVATE_NUMBERS, SCOPE, FakeNode

REASON = "vendor confirms an outage"


async def _told(node: FakeNode, order: Mapping[str, Any] | None = None, did: str = DID) -> Mapping[str, str] | None:
    async with node.running(), http_door(node) as client:
        if order is not None:
            answer = await client.put("/v1/override", json={**order, "reason": REASON})
            assert answer.status_code == 200
            await settle()
        node.refresh()
        return await Asked(node.operator, {SCOPE: 5}, Random(1)).decide(did)


@pytest.mark.parametrize(
    ("order", "decision", "reason", "answer"),
    [
        (None, "normal", "scope-normal", "platform"),
        ({"mode": "dr", "scope": SCOPE}, "divert", "scope-divert", "plan"),
        ({"mode": "normal", "scope": SCOPE}, "pinned", "scope-pinned", "platform"),
        ({"mode": "dr", "did": DID}, "divert", "forced-divert", "plan"),
        ({"mode": "normal", "did": DID}, "pinned", "forced-pinned", "platform"),
        ({"mode": "dr", "did": OTHER_DID}, "normal", "scope-normal", "platform"),
    ],
)
async def test_the_answer_is_the_decision_and_comes_last(
    order: Mapping[str, Any] | None, decision: str, reason: str, answer: str
) -> None:
    told = await _told(FakeNode(), order)
    assert told is not None
    assert (told["RF_ANSWER_DECISION"], told["RF_ANSWER_REASON"], told["RF_ANSWER"]) == (decision, reason, answer)
    assert list(told)[-1] == "RF_ANSWER"
    assert told["RF_ANSWER_STEPS"] == "person person site announcement"
    assert not any(number.lstrip("+") in value for value in told.values() for number in PRIVATE_NUMBERS)


async def test_no_opinion_where_the_dialplan_could_not_follow() -> None:
    assert await _told(FakeNode(), did="+441134960777") is None, "not ours"
    node = FakeNode()
    async with node.running():
        del node.astdb.rows[did_path(DID)]
        assert await Asked(node.operator, {}, Random(1)).decide(DID) is None, "Asterisk holds no plan for it"


async def test_asterisk_that_cannot_be_asked_is_no_reason_to_have_no_opinion() -> None:
    node = FakeNode()
    async with node.running():
        node.refresh()
        node.astdb.fault = AsteriskUnavailable("Asterisk does not answer.", "")
        told = await Asked(node.operator, {}, Random(1)).decide(DID)
        assert told is not None and told["RF_ANSWER"] == "platform"
        node.astdb.fault = None


async def test_trial_sends_one_in_so_many_to_the_platform() -> None:
    node, random = FakeNode(), Random(7)
    async with node.running():
        node.refresh()
        explanation, snapshot = await node.operator.explain(DID), node.operator.current
        view: ScopeView = replace(snapshot.scopes[SCOPE], decision=Decision.TRIAL)
        trial = replace(snapshot, scopes={SCOPE: view})
        answers = [decided(explanation, trial, {SCOPE: 5}, random) for _ in range(500)]
    drawn = [found.answer for found in answers if found is not None]
    assert {found.decision for found in answers if found is not None} == {Decision.TRIAL}
    assert len(drawn) == 500
    assert 60 < drawn.count(Answer.PLATFORM) < 140
    assert drawn.count(Answer.PLAN) == 500 - drawn.count(Answer.PLATFORM)


async def test_sign_is_written_every_second_while_the_door_is_open() -> None:
    node = FakeNode()
    port: list[int | None] = [None]
    keeping = asyncio.create_task(keep_door_sign(node.astdb, node.clock, lambda: port[0]))
    await settle()
    assert "door" not in node.astdb.rows
    port[0] = 4573
    await node.clock.advance(1)
    began = int(NOON.timestamp())
    assert node.astdb.rows["door"] == f"1|4573|{began + 1}"
    node.astdb.fault = AsteriskUnavailable("Asterisk does not answer.", "")
    await node.clock.advance(1)
    node.astdb.fault = None
    await node.clock.advance(1)
    assert node.astdb.rows["door"] == f"1|4573|{began + 3}"
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
