"""The real daemon, a webhook receiver that fails and recovers, and `kill -9` in between."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.receivers import SECRET, Webhook, webhook
from tests.lab.lab import Lab
from tests.lab.node import RingfenceNode, write_private
from tests.lab.waiting import wait_until

ROUTE = """
[[notify]]
name = "desk"
type = "webhook"
url = "{url}"
events = ["override", "override_ends"]
"""


def bodies(came: list[tuple[dict[str, str], bytes]]) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in came]


async def test_a_dead_receiver_and_a_killed_daemon_lose_no_notice_and_repeat_none(lab: Lab) -> None:
    async with webhook() as receiver:
        receiver.status = 503
        node = RingfenceNode(lab, more=ROUTE.format(url=receiver.url))
        node.configure()
        write_private(node.directory / "notify_desk_secret", SECRET)
        try:
            await lab.asterisk.start()
            await node.start(ready=False)
            await wait_until(node.alive, what="the daemon", deadline_seconds=20, diagnose=node.process.log_tail)
            await _say(node, "dr")

            async def tried() -> bool:
                return bool(receiver.came)

            await wait_until(tried, what="a try", deadline_seconds=20, diagnose=node.process.log_tail)
            await _say(node, "normal")
            await node.process.kill()
            assert receiver.taken == []

            receiver.status = 202
            await node.start(ready=False)
            await wait_until(node.alive, what="the daemon", deadline_seconds=20, diagnose=node.process.log_tail)
            await _say(node, "freeze")

            async def all_there() -> bool:
                return await _states(node) == ["sent"] * 3

            await wait_until(all_there, what="three notices", deadline_seconds=30, diagnose=node.process.log_tail)
            tried_now = await node.must("POST", "/v1/notices/test", {"route": "desk"})
        finally:
            await node.close()
    assert (tried_now["taken"], tried_now["said"]) == (True, "202 Accepted")
    told = bodies(receiver.taken)[:3]
    assert len({one["delivery"] for one in told}) == 3
    words = ["forced to default numbers", "forced to the platform", "the automatic is frozen"]
    assert all(any(word in one["title"] for one in told) for word in words)
    assert all(Webhook.believes(headers, body) for headers, body in receiver.came)
    assert all(headers["Idempotency-Key"] == json.loads(body)["delivery"] for headers, body in receiver.came)


async def _states(node: RingfenceNode) -> list[str]:
    found = await node.must("GET", "/v1/notices?route=desk")
    return [one["deliveries"][0]["state"] for one in found["notices"]]


async def _say(node: RingfenceNode, mode: str) -> None:
    await node.must("PUT", "/v1/override", {"scope": "uc", "mode": mode, "reason": "a drill"})
