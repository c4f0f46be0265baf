"""A private number appears in no answer and no log line, whatever is asked, over HTTP."""

from __future__ import annotations

import logging

import pytest

from ringfence.app.ports import AsteriskUnavailable
from ringfence.app.second_person import SecondPersonPolicy
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.override import Level
from tests.fakes.calls import a_call
from tests.fakes.clock import settle
from tests.fakes.doors import http_door, local_door
from tests.fakes.node import DID, OTHER_DID, PRIVATE_NUMBERS, SCOPE, FakeNode
from tests.fakes.roster_node import NEW_NUMBER, RosterNode
from tests.lab.number_scanner import found_in


def call(caller: str) -> CallRecord:
    return a_call(call_id=f"c-{hash(caller)}", did=DID, scope=SCOPE, caller=caller, answered_by=AnsweredBy.PERSON)


async def test_no_answer_holds_a_private_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    node = FakeNode()
    # Ada calls from the mobile that is her own default number, an outsider with a number withheld.
    for caller in (PRIVATE_NUMBERS[0], "anonymous", "", "07700900124"):
        node.journal.add(call(caller))
    seen = []
    async with node.running(), http_door(node) as client:
        for path in (
            "/v1/status",
            "/v1/status/changes",
            f"/v1/explain/{DID}",
            f"/v1/explain/{OTHER_DID}",
            f"/v1/explain/{PRIVATE_NUMBERS[0]}",
            "/v1/calls",
            f"/v1/calls?did={DID.replace('+', '%2B')}",
            "/v1/history",
            "/v1/export",
            "/readyz",
            "/metrics",
        ):
            seen.append(await client.get(path))
        csv = (
            f"key,name,site,default_number_1\nada,Ada,Leeds,{PRIVATE_NUMBERS[1]}\ncy,Cy,Nowhere,{PRIVATE_NUMBERS[0]}\n"
        )
        good = csv.replace("Nowhere", "Leeds")
        for text in (csv, good):
            seen.append(await client.post("/v1/import", json={"people": {"text": text}, "dry_run": True}))
        node.astdb.fault = AsteriskUnavailable("Asterisk does not answer.")
        seen.append(await client.get(f"/v1/explain/{DID}"))
        node.astdb.fault = None
        key = next(key for key in node.astdb.rows if key.endswith(DID))
        node.astdb.rows[key] = node.astdb.rows[key].replace("a:unavailable:0", "")
        seen.append(await client.get(f"/v1/explain/{DID}"))
        await settle()
    logged = "\n".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records if r.name.startswith("ringfence"))
    for number in PRIVATE_NUMBERS:
        for written in (number, number[1:], f"0{number[3:]}", number[3:]):
            for answer in seen:
                if f"/explain/{PRIVATE_NUMBERS[0]}" not in str(answer.url):
                    assert written not in answer.text, (answer.url, written)
            assert written not in logged


async def test_a_person_still_recognises_the_number() -> None:
    node = FakeNode()
    node.journal.add(call(PRIVATE_NUMBERS[0]))
    async with node.running(), http_door(node) as client:
        explained = (await client.get(f"/v1/explain/{DID}")).json()
        steps = explained["held"]["plan"]
        assert [(step["kind"], step["target"]) for step in steps] == [
            ("person", "+44*******123"),
            ("person", "+44*******124"),
            ("site", "+441134960999"),
            ("announcement", "unavailable"),
        ]
        assert explained["directory"]["plan"][0]["sentence"] == "the owner's default number"
        assert [step["kind"] for step in explained["held"]["undeliverable"]] == ["site", "announcement"]
        assert (await client.get("/v1/calls")).json()["calls"][0]["caller"] == "+44*******123"


async def test_lists_are_limited() -> None:
    node = FakeNode()
    for number in range(1200):
        node.journal.add(call(f"+44113496{number:04d}"))
    async with http_door(node) as client:
        for limit, status in ((0, 422), (1001, 422), (-1, 422), ("all", 422), (1000, 200), (1, 200)):
            answer = await client.get("/v1/calls", params={"limit": limit})
            assert answer.status_code == status
            if status == 200:
                assert len(answer.json()["calls"]) == limit
            else:
                assert answer.json()["field"] == "limit"


async def test_a_number_in_a_reason_is_shown_to_nobody() -> None:
    node = RosterNode()
    node.second_person.policy = SecondPersonPolicy(frozenset({Level.PLATFORM}))
    reason = "rang from 07700 900666"
    async with node.running(), local_door(node) as client:
        await node.load_first()
        answers = [
            await client.put("/v1/override", json={"mode": "dr", "scope": SCOPE, "reason": reason}),
            await client.put("/v1/override", json={"mode": "dr", "did": DID, "reason": reason}),
            await client.put("/v1/people/ada/numbers", json={"numbers": [{"number": NEW_NUMBER}], "reason": reason}),
        ]
        (waiting,) = answers[0].json().values()
        answers.append(await client.get("/v1/override/pending"))
        approve = f"/v1/override/pending/{waiting['id']}/approve"
        answers.append(await client.post(approve, headers={"X-Ringfence-Who": "bob"}))
        answers.append(await client.delete("/v1/override", params={"did": DID, "reason": reason}))
        node.refresh()
        for path in ("/v1/status", "/v1/history", "/v1/people/ada/history", "/", f"/did/{DID}", "/people/ada"):
            answers.append(await client.get(path))
        assert [answer.status_code for answer in answers] == [202, *[200] * 11]
        assert sum("666" in answer.text for answer in answers) >= 6, "what was written is shown, but for the number"
        assert {change.why for change in node.outage_store.changes} == {"rang from ***** ***666"}


async def test_a_number_in_the_wrong_place_does_not_come_back_in_the_error() -> None:
    number = "+447700900666"
    node = RosterNode()
    async with node.running(), local_door(node) as client:
        order = {"mode": "dr", "scope": SCOPE, "reason": "drill"}
        answers = [
            await client.get(f"/v1/explain/{number}"),
            await client.get(f"/v1/people/{number}"),
            await client.get("/v1/status", params={number: "1"}),
            await client.put("/v1/override", json=order | {"scope": number}),
            await client.put("/v1/override", json=order | {number: "1"}),
            await client.put("/v1/people/ada/dids", json={"dids": [number], "reason": "drill"}),
        ]
        assert {answer.status_code for answer in answers} == {404, 422}
        for answer in answers:
            assert found_in(answer.text) == [], answer.request.url.path
            assert "666" in answer.json()["detail"]
        ours = await client.put("/v1/people/bob/numbers", json={"numbers": [{"number": DID}], "reason": "drill"})
        assert ours.status_code == 422
