"""The status with its words, waiting for it to change, readiness and metrics."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from ringfence.app.snapshot import LinkView
from ringfence.domain.directory import Directory
from tests.fakes.clock import settle
from tests.fakes.doors import http_door
from tests.fakes.node import DID, OTHER_DID, SCOPE, FakeNode, small_directory


async def _status(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/status")
    assert answer.status_code == 200
    return dict(answer.json())


async def test_a_healthy_node_is_ready_and_has_no_alarms() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        seen = await _status(client)
        scope = seen["scopes"][0]
        assert (seen["ready"], seen["alarms"], seen["not_ready_because"]) == (True, [], [])
        assert (scope["mode"], scope["decision"], scope["published"]) == ("NORMAL", "normal", True)
        assert scope["verdict"]["sentence"] == "every probe is answered"
        assert scope["verdict"]["evidence"][0] == {"kind": "sip_options", "speaks": "for", "words": "200"}
        assert scope["worst_case_detection_seconds"] == 1.8
        assert "no promise without traffic" in scope["without_traffic"]
        assert seen["table"] == seen["table"] | {"state": "equal", "rows": 2, "age_seconds": 5.0}


async def test_an_outage_is_told_in_words() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        await node.platform(False, 3)
        seen = await _status(client)
        scope = seen["scopes"][0]
        assert (scope["mode_words"], scope["decision_words"]) == ("DR mode", "calls go to default numbers")
        assert scope["verdict"]["evidence"][0]["words"] == "no answer"
        assert seen["alarms"] == [
            "uc: DR mode: every kind of probe that used to be answered is missed",
            "uc is down: every kind of probe that used to be answered is missed",
        ]


async def test_a_word_about_a_site_or_many_dids_is_an_alarm_and_one_about_a_single_did_is_not() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        for target in ({"did": DID}, {"site": "Leeds"}, {"dids": [DID, OTHER_DID]}):
            order = {"mode": "dr", "reason": "water in the cellar"} | target
            assert (await client.put("/v1/override", json=order)).status_code == 200, target
        assert (await _status(client))["alarms"] == [
            "site Leeds: overridden by http (dr): water in the cellar",
            f"2 DIDs from {DID} to {OTHER_DID}: overridden by http (dr): water in the cellar",
        ]


async def test_dids_of_a_platform_that_is_not_configured_are_told(caplog: pytest.LogCaptureFixture) -> None:
    node, whole = FakeNode(), small_directory()
    renamed = [replace(held, scope="uc_old") for held in whole.assignments.values()]
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        version = (await _status(client))["version"]
        for _ in range(2):
            await node.keeper.adopt(Directory.of(whole.people.values(), renamed, whole.sites.values()))
        node.refresh()
        seen = await _status(client)
        assert seen["alarms"] == ["DIDs belong to platform uc_old, which is not configured: their plans are not used"]
        assert seen["table"]["lost_scopes"] == ["uc_old"]
        assert seen["version"] != version
        explained = (await client.get(f"/v1/explain/{DID}")).json()
        assert explained["decision"] is None
        assert "platform uc_old is not configured" in explained["decision_words"]
        await node.keeper.adopt(whole)
        node.refresh()
        assert (await _status(client))["alarms"] == []
        assert (await client.get(f"/v1/explain/{DID}")).json()["decision"] == "normal"
    assert [r.levelname for r in caplog.records if "not configured" in r.getMessage()] == ["ERROR"]


async def test_waiting_ends_with_the_change_and_not_before() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        version = (await _status(client))["version"]
        waiting = [
            asyncio.create_task(client.get("/v1/status/changes", params={"after": version, "timeout_seconds": 20}))
            for _ in range(3)
        ]
        await asyncio.sleep(0.05)
        # Looking refreshes the snapshot; that alone is no change, and must not set the waiting against each other.
        for _ in range(5):
            await _status(client)
        await node.clock.advance(30)
        await settle(200)
        assert not any(task.done() for task in waiting)
        await node.platform(False, 3)
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 2)
        assert {answer.json()["scopes"][0]["mode"] for answer in answers} == {"FAILED_OVER"}
        assert {answer.json()["version"] for answer in answers} != {version}


async def test_waiting_ends_with_its_time() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        version = (await _status(client))["version"]
        answer = await client.get("/v1/status/changes", params={"after": version, "timeout_seconds": 0.1})
        assert (answer.status_code, answer.json()["version"]) == (200, version)
        at_once = await client.get("/v1/status/changes", params={"timeout_seconds": 60})
        assert at_once.json()["version"] == version


async def test_not_ready_says_why() -> None:
    node = FakeNode()
    node.asterisk, node.table_state = LinkView(False, "AMI: connection refused"), "publishing"
    async with http_door(node) as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == [
            "Asterisk: AMI: connection refused",
            f"the mode of {SCOPE} is not in Asterisk yet",
            "the table in Asterisk is not verified: publishing",
        ]
        assert (await client.get("/healthz")).json() == {"alive": True}


async def test_metrics_name_nobody() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        await client.put("/v1/override", json={"mode": "dr", "scope": SCOPE, "reason": "drill"})
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        for line in (
            'ringfence_mode{mode="NORMAL",scope="uc"} 1.0',
            'ringfence_decision{decision="divert",scope="uc"} 1.0',
            'ringfence_verdict{role="platform",state="up",target="uc"} 1.0',
            "ringfence_ready 1.0",
            "ringfence_table_age_seconds 5.0",
            "ringfence_overrides 1.0",
            "ringfence_late_observations_total 0.0",
        ):
            assert f"\n{line}\n" in answer.text, answer.text
        assert "+44" not in answer.text
