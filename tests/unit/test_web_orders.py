"""Override, release and failback over HTTP: what is refused says so, names the field and the fix, changes nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from ringfence.app.ports import AsteriskUnavailable, StoreUnavailable
from ringfence.domain.directory import Directory, Site
from ringfence.domain.outage import Mode
from ringfence.domain.override import OverrideTarget
from ringfence.web import once_only
from tests.fakes.clock import NOON, settle
from tests.fakes.doors import http_door, local_door
from tests.fakes.node import DID, OTHER_DID, SCOPE, FakeNode

REASON = "vendor confirms an outage"
IN_TWO_HOURS = (NOON + timedelta(hours=2)).isoformat()

REFUSED: dict[str, tuple[dict[str, Any], int, str, str]] = {
    # name: (changes to a good order, status, field, what the message or the fix says)
    "empty reason": ({"reason": ""}, 422, "reason", "Say it in a few words"),
    "blank reason": ({"reason": " \u00a0 "}, 422, "reason", "is empty"),
    "long reason": ({"reason": "x" * 10_000}, 422, "reason", "has 10000 characters"),
    "control characters": ({"reason": "line\r\nforged: line"}, 422, "reason", "one line of plain text"),
    "escape sequence": ({"reason": "\x1b[31mred"}, 422, "reason", "control characters"),
    "lone surrogate": ({"reason": "\ud800"}, 422, "reason", "control characters"),
    "no reason": ({"reason": None}, 422, "reason", "string"),
    "past": ({"until": "2020-01-01T00:00:00+00:00"}, 422, "until", "between now and 31 days"),
    "too far": ({"until": "2031-01-01T00:00:00+00:00"}, 422, "until", "between now and 31 days"),
    "no time zone": ({"until": "2030-01-15T18:00:00"}, 422, "until", "no time zone"),
    "no time": ({"until": "tonight"}, 422, "until", "2030-01-31T18:00:00+00:00"),
    "a number as time": ({"until": 1_900_000_000}, 422, "until", "string"),
    "bad duration": ({"for": "two hours"}, 422, "for", "90s, 15m, 2h or 1d"),
    "zero duration": ({"for": "0h"}, 422, "for", "90s, 15m, 2h or 1d"),
    "long duration": ({"for": "9999999d"}, 422, "for", "31 days"),
    "40 days": ({"for": "40d"}, 422, "for", "31 days"),
    "both ends": ({"for": "2h", "until": IN_TWO_HOURS}, 422, "for", "Give one of them"),
    "no target": ({"scope": None}, 422, "scope", "Give one of `scope`, `site`"),
    "two targets": ({"did": DID}, 422, "did", "scope and did are given together"),
    "three targets": ({"did": DID, "everything": True}, 422, "everything", "given together"),
    "unknown scope": ({"scope": "teams"}, 404, "scope", "Known: uc"),
    "empty scope": ({"scope": ""}, 404, "scope", "Known: uc"),
    "not our DID": ({"scope": None, "did": "+441134960777"}, 404, "did", "not in the directory"),
    "no number": ({"scope": None, "did": "reception"}, 422, "did", "digits"),
    "two DIDs in one": ({"scope": None, "did": "+441134960123&+441134960124"}, 422, "did", "characters that no number"),
    "emergency number": ({"scope": None, "did": "999"}, 422, "did", "emergency"),
    "frozen DID": ({"scope": None, "did": DID, "mode": "freeze"}, 422, "mode", "cannot be frozen"),
    "unknown mode": ({"mode": "on"}, 422, "mode", "'dr', 'normal' or 'freeze'"),
    "misspelt field": ({"reson": "x"}, 422, "reson", "Extra inputs"),
    "strange field": ({"\ud800" * 500: "x"}, 422, "body", "valid string"),
    "long field": ({"x" * 5000: "x"}, 422, "xxx", "Extra inputs"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_order_names_the_field_and_changes_nothing(name: str) -> None:
    changes, status, field, words = REFUSED[name]
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        rows, commits = dict(node.astdb.rows), len(node.outage_store.changes)
        order = {"mode": "dr", "scope": SCOPE, "reason": REASON} | changes
        answer = await client.put(
            "/v1/override", content=json.dumps(order), headers={"Content-Type": "application/json"}
        )
        await settle()
        body = answer.json()
        assert (answer.status_code, body["field"][:3]) == (status, field[:3]), body
        assert words in f"{body['error']} {body['fix']}", body
        assert body["fix"]
        assert len(answer.content) < 1000
        assert node.failover.overrides == {}
        assert (node.astdb.rows, len(node.outage_store.changes)) == (rows, commits)


async def test_dr_is_published_and_named() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        answer = await client.put("/v1/override", json={"mode": "dr", "scope": SCOPE, "reason": REASON, "for": "2h"})
        await settle()
        body = answer.json()
        assert answer.status_code == 200, body
        assert body["override"]["who"] == "ada"
        assert body["override"]["until"] == "2030-01-15T14:00:00Z"
        assert body["scopes"][0]["decision"] == "divert"
        assert node.astdb.rows[f"mode/{SCOPE}"].startswith("1|divert|0|NORMAL|dr|")


async def test_one_did_is_forced_in_a_local_format() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        answer = await client.put("/v1/override", json={"mode": "dr", "did": "0113 496 0123", "reason": REASON})
        await settle()
        assert answer.json()["override"]["did"] == DID
        explained = (await client.get("/v1/explain/0113 496 0123")).json()
        assert (explained["decision"], explained["held"]["forced"], explained["equal"]) == ("divert", "divert", True)
        other = (await client.get(f"/v1/explain/{OTHER_DID}")).json()
        assert other["decision"] == "normal"


async def test_release_gives_back_and_says_when_there_was_nothing() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await client.put("/v1/override", json={"mode": "normal", "everything": True, "reason": REASON})
        assert node.failover.decision(SCOPE).value == "pinned"
        query = {"everything": "true", "reason": "over"}
        first = (await client.delete("/v1/override", params=query)).json()
        again = (await client.delete("/v1/override", params=query)).json()
        assert (first["released"], again["released"]) == (True, False)
        assert first["scopes"][0]["decision"] == "normal"
        unexplained = await client.delete("/v1/override", params={"everything": "true", "reason": ""})
        assert (unexplained.status_code, unexplained.json()["field"]) == (422, "reason")


async def test_a_new_word_replaces_the_old_one() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        for mode in ("freeze", "dr", "normal"):
            await client.put("/v1/override", json={"mode": mode, "scope": SCOPE, "reason": REASON})
        assert [o.kind.value for o in node.failover.overrides.values()] == ["normal"]
        history = (await client.get("/v1/history", params={"limit": 2})).json()["history"]
        assert [row["after"] for row in history] == ["normal", "dr"]


async def test_failback_is_refused_in_normal_and_carried_out_in_hold_down() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        order = {"scope": SCOPE, "reason": "tested by hand"}
        refused = await client.post("/v1/failback", json=order)
        assert (refused.status_code, refused.json()["field"]) == (409, "scope")
        await node.platform(True)
        await node.platform(False, 3)
        assert node.failover.states[SCOPE].mode is Mode.FAILED_OVER
        await node.platform(True, 2)
        assert node.failover.states[SCOPE].mode is Mode.HOLD_DOWN
        done = await client.post("/v1/failback", json=order)
        assert (done.status_code, done.json()["mode_words"]) == (200, "trying the platform")


async def test_an_order_is_carried_out_although_the_database_is_gone() -> None:
    node = FakeNode()
    node.outage_store.fault = StoreUnavailable("the database is locked.", "See `ringfence doctor`.")
    async with node.running(), http_door(node) as client:
        answer = await client.put("/v1/override", json={"mode": "dr", "everything": True, "reason": REASON})
        await settle()
        assert answer.status_code == 200
        assert OverrideTarget() in node.failover.overrides
        assert node.astdb.rows[f"mode/{SCOPE}"].startswith("1|divert")
        past = await client.get("/v1/history")
        assert (past.status_code, past.json()["fix"]) == (503, "See `ringfence doctor`.")
        assert past.headers["Retry-After"] == "2"


async def test_explain_says_when_asterisk_cannot_be_asked() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        node.astdb.fault = AsteriskUnavailable("Asterisk does not answer.", "See `ringfence doctor`.")
        known = await client.get(f"/v1/explain/{DID}")
        assert (known.status_code, known.json()["equal"]) == (200, None)
        assert "cannot be asked" in known.json()["held_words"]
        node.astdb.fault = None
        unknown = await client.get("/v1/explain/+441134960777")
        assert (unknown.status_code, unknown.json()["error"]) == (404, "+44*******777 is not a DID of ours.")


async def test_a_body_that_is_no_json_or_too_large() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        headers = {"Content-Type": "application/json"}
        for content, status in ((b"{", 400), (b"\xff\xfe", 400), (b"[]", 422), (b"x" * 70_000, 413), (b"", 422)):
            answer = await client.put("/v1/override", content=content, headers=headers)
            assert answer.status_code == status, (content[:10], answer.text)
            assert answer.json()["error"]
        assert node.failover.overrides == {}


async def test_a_body_that_announces_no_length_is_cut_off() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    node = FakeNode()
    async with node.running(), http_door(node) as client:
        answer = await client.put("/v1/override", content=endless(), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (413, "The body is too large.")


async def test_an_order_before_the_writer_runs_is_kept_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(once_only, "ORDER_SECONDS", 0.05)
    node = FakeNode()
    async with http_door(node) as client:
        waiting = await client.put("/v1/override", json={"mode": "dr", "everything": True, "reason": REASON})
        assert (waiting.status_code, "will be" in waiting.json()["error"]) == (503, True)
        async with node.running():
            await settle()
            assert node.failover.decision(SCOPE).value == "divert"


async def test_an_unforeseen_fault_is_told_as_such() -> None:
    node = FakeNode()
    node.astdb.fault = AsteriskUnavailable("gone")
    async with node.running(), http_door(node) as client:
        del node.keeper.directory
        answer = await client.get(f"/v1/explain/{DID}")
        assert (answer.status_code, answer.json()["error"]) == (500, "Ringfence failed at this.")


async def test_failback_under_a_freeze_says_that_nothing_would_move() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await node.platform(True)
        await node.platform(False, 3)
        await node.platform(True, 2)
        await client.put("/v1/override", json={"mode": "freeze", "scope": SCOPE, "reason": REASON})
        refused = await client.post("/v1/failback", json={"scope": SCOPE, "reason": REASON})
        assert refused.status_code == 409
        assert "is frozen by" in refused.json()["error"]
        assert node.failover.states[SCOPE].mode is Mode.HOLD_DOWN


async def test_a_word_about_a_did_that_has_left_the_directory_can_be_taken_back() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await client.put("/v1/override", json={"mode": "dr", "did": DID, "reason": REASON})
        await node.keeper.adopt(Directory.of(sites=[Site("Leeds")]))
        gone = await client.put("/v1/override", json={"mode": "dr", "did": DID, "reason": REASON})
        assert gone.status_code == 404
        released = await client.delete("/v1/override", params={"did": DID, "reason": REASON})
        assert released.status_code == 200, released.text
        assert node.failover.overrides == {}


@pytest.mark.parametrize("standing", [{"scope": SCOPE}, {"everything": True}])
async def test_a_freeze_that_would_end_somebodys_word_is_refused(standing: dict[str, object]) -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await client.put("/v1/override", json={"mode": "dr", "reason": REASON, **standing})
        refused = await client.put("/v1/override", json={"mode": "freeze", "scope": SCOPE, "reason": REASON})
        await settle()
        assert (refused.status_code, refused.json()["field"]) == (409, "mode")
        assert node.astdb.rows[f"mode/{SCOPE}"].startswith("1|divert")
