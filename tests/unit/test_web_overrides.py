"""The operations about overrides over HTTP: targets, preview, the second person, undo, keys that act once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ringfence.app.second_person import SecondPersonPolicy
from ringfence.domain.calls import CallRecord
from ringfence.domain.override import Level
from tests.fakes.calls import a_call
from tests.fakes.clock import settle
from tests.fakes.doors import http_door, local_door
from tests.fakes.node import DID, OTHER_DID, SCOPE, FakeNode

REASON = {"reason": "drill"}
TARGETS: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    # name: (what is ordered, how it is told, the DIDs that are forced)
    "site": ({"site": "Leeds"}, "site Leeds", [DID, OTHER_DID]),
    "one DID": ({"dids": ["0113 496 0123"]}, f"DID {DID}", [DID]),
    "list": ({"dids": [OTHER_DID, DID, DID]}, f"2 DIDs from {DID} to {OTHER_DID}", [DID, OTHER_DID]),
    "range": ({"from": DID, "to": "+441134960199"}, f"2 DIDs from {DID} to {OTHER_DID}", [DID, OTHER_DID]),
}
REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no target": ({}, 422, "scope"),
    "two": ({"site": "Leeds", "team": "Sales"}, 422, "team"),
    "half a range": ({"from": DID}, 422, "to"),
    "a range backwards": ({"from": OTHER_DID, "to": DID}, 422, "to"),
    "an empty list": ({"dids": []}, 422, "dids"),
    "too long a list": ({"dids": [DID] * 1001}, 422, "dids"),
    "no such team": ({"team": "Sales"}, 404, "team"),
    "no such site": ({"site": "Paris"}, 404, "site"),
    "one of a list not ours": ({"dids": [DID, "+441134960777"]}, 404, "did"),
}


@pytest.mark.parametrize("name", TARGETS)
async def test_one_order_is_about_many_dids_and_released_by_its_id(name: str) -> None:
    target, about, forced = TARGETS[name]
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        answer = await client.put("/v1/override", json={"mode": "dr", **target, **REASON})
        word = answer.json()["override"]
        assert (answer.status_code, word["about"]) == (200, about), answer.text
        await settle()
        held = [did for did in (DID, OTHER_DID) if "|divert|" in node.astdb.rows[f"did/{int(did[-3:]) % 500}/{did}"]]
        assert held == forced
        assert len(node.outage_store.changes) == 1
        released = await client.delete("/v1/override", params={"id": word["id"], **REASON})
        assert released.json()["released"]
        assert node.keeper.forced(DID) == "-"


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_target_is_named_and_changes_nothing(name: str) -> None:
    target, status, field = REFUSED[name]
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        answer = await client.put("/v1/override", json={"mode": "dr", **target, **REASON})
        assert (answer.status_code, answer.json()["field"].partition(".")[0]) == (status, field), answer.text
        assert node.failover.overrides == {}


async def test_explain_tells_which_word_counts_and_what_it_beats() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        for order in ({"mode": "dr", "site": "Leeds"}, {"mode": "normal", "did": DID}, {"mode": "dr", "scope": SCOPE}):
            assert (await client.put("/v1/override", json={**order, **REASON})).status_code == 200
        explained = (await client.get(f"/v1/explain/{DID}")).json()
        assert explained["decision"] == "pinned"
        assert [word["about"] for word in explained["words"]] == [f"DID {DID}", "site Leeds", "platform uc"]
        assert "that counts" in explained["words_sentence"] and "it beats: site Leeds" in explained["words_sentence"]
        other = (await client.get(f"/v1/explain/{OTHER_DID}")).json()
        assert (other["decision"], other["override"]["about"]) == ("divert", "site Leeds")


async def test_a_wide_order_waits_for_another_person() -> None:
    node = FakeNode()
    node.second_person.policy = SecondPersonPolicy(frozenset({Level.PLATFORM}))
    async with node.running(), local_door(node) as client:
        asked = await client.put("/v1/override", json={"mode": "dr", "scope": SCOPE, **REASON})
        pending = asked.json()["pending"]
        assert (asked.status_code, pending["who"], node.failover.overrides) == (202, "ada", {})
        path = f"/v1/override/pending/{pending['id']}"
        assert (await client.post(f"{path}/approve")).status_code == 409
        assert [one["id"] for one in (await client.get("/v1/override/pending")).json()["pending"]] == [pending["id"]]
        approved = await client.post(f"{path}/approve", headers={"X-Ringfence-Who": "bob"})
        assert approved.status_code == 200, approved.text
        assert approved.json()["override"]["approved_by"] == "bob"
        assert (await client.post(f"{path}/approve")).status_code == 404
        again = (await client.put("/v1/override", json={"mode": "normal", "scope": SCOPE, **REASON})).json()
        path = f"/v1/override/pending/{again['pending']['id']}"
        rejected = await client.post(f"{path}/reject", params=REASON)
        assert (rejected.status_code, (await client.get("/v1/override/pending")).json()) == (200, {"pending": []})


async def test_undo_and_the_word_that_was_seen() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        order = {"mode": "dr", "scope": SCOPE, "expected": "none", **REASON}
        first = (await client.put("/v1/override", json=order)).json()["override"]
        overtaken = await client.put(
            "/v1/override", json=order | {"mode": "normal"}, headers={"X-Ringfence-Who": "bob"}
        )
        assert overtaken.status_code == 409
        assert "set to dr by ada" in overtaken.json()["error"]
        second = await client.put("/v1/override", json=order | {"mode": "normal", "expected": first["id"]})
        assert "set to dr by ada" in second.json()["override"]["replaced"]
        undone = await client.post("/v1/override/undo", json={"id": second.json()["override"]["id"], **REASON})
        assert (undone.status_code, undone.json()["override"]["mode"]) == (200, "dr")
        assert undone.json()["scopes"][0]["decision"] == "divert"


async def test_the_same_key_acts_once() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        key = {"Idempotency-Key": "8c1f"}
        order = {"mode": "dr", "scope": SCOPE, "for": "1h", **REASON}
        first = await client.put("/v1/override", json=order, headers=key)
        await node.clock.advance(5)
        again = await client.put("/v1/override", json=order, headers=key)
        assert (first.status_code, again.json()) == (200, first.json())
        assert len(node.outage_store.changes) == 1
        other = await client.put("/v1/override", json=order | {"for": "2h"}, headers=key)
        assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
        query = {"scope": SCOPE, **REASON}
        released = [
            (await client.delete("/v1/override", params=query, headers={"Idempotency-Key": "d"})).json()["released"]
            for _ in range(2)
        ]
        assert released == [True, True]
        empty = await client.put("/v1/override", json=order, headers={"Idempotency-Key": ""})
        assert empty.status_code == 422


def call(node: FakeNode, did: str, weeks: int, minutes: int = 5) -> CallRecord:
    at = node.clock.now().wall - timedelta(weeks=weeks) + timedelta(minutes=minutes)
    return a_call(call_id=f"{did}{weeks}{minutes}", ended_at=at, did=did, scope=SCOPE, duration_ms=1_800_000)


async def test_a_preview_tells_what_would_happen_and_changes_nothing() -> None:
    node = FakeNode()
    # Twice in two weeks at this hour; one call an hour later, and one at this hour yesterday.
    node.journal_store.calls = [call(node, DID, 1), call(node, DID, 2), call(node, DID, 1, 65)]
    async with node.running(), local_door(node) as client:
        await client.put("/v1/override", json={"mode": "normal", "did": OTHER_DID, **REASON})
        before = dict(node.astdb.rows), dict(node.failover.overrides)
        seen = (await client.post("/v1/override/preview", json={"mode": "dr", "scope": SCOPE})).json()
        assert (seen["covers"], seen["to_dr"], seen["back"], seen["expected"]) == (2, 1, 0, "none")
        assert [(one["dids"], one["override"]["did"]) for one in seen["stand"]] == [(1, OTHER_DID)]
        assert (seen["ends"], seen["no_number"]) == ({"person": 1, "reception": 0, "announcement": 0}, 0)
        assert seen["calls"] == {
            "weeks": 2,
            "moving_an_hour": 1.0,
            "diverted_an_hour": 1.0,
            "mean_seconds": 1800.0,
            "at_once": 0.5,
            "at_most": 3,
            "channels": 30,
            "enough": True,
        }
        assert (dict(node.astdb.rows), dict(node.failover.overrides)) == before
        alone = (await client.post("/v1/override/preview", json={"mode": "dr", "did": OTHER_DID})).json()
        assert (alone["to_dr"], alone["no_number"], alone["ends"]["reception"]) == (1, 1, 1)
        assert [one["did"] for one in alone["no_number_dids"]] == [OTHER_DID]
        assert alone["standing"]["mode"] == "normal"
        release = (await client.post("/v1/override/preview", json={"mode": "auto", "did": OTHER_DID})).json()
        assert (release["to_dr"], release["back"], release["mode"]) == (0, 0, "auto")
        assert all("+4477009" not in str(answer) for answer in (seen, alone, release))


async def test_of_two_who_release_at_once_one_is_told_that_nothing_was_set() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        await client.put("/v1/override", json={"mode": "dr", "scope": SCOPE, **REASON})
        asked = [client.delete("/v1/override", params={"scope": SCOPE, **REASON}) for _ in range(2)]
        released = [answer.json()["released"] for answer in await asyncio.gather(*asked)]
    assert sorted(released) == [False, True]
