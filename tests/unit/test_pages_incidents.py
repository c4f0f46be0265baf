"""Incidents, the call-back list and single numbers in clear as pages: masked, escaped, two agents at once, audited."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import httpx
import pytest

from ringfence.app.ports import StoreUnavailable
from ringfence.domain.access import Role
from ringfence.domain.audit import AuditKind
from ringfence.domain.calls import WITHHELD
from ringfence.domain.incident import Incident
from ringfence.domain.missed_calls import CallBack, CallBackState
from tests.fakes.clock import NOON
from tests.fakes.doors import local_door, signed_in_door
from tests.fakes.node import DID, PRIVATE_NUMBERS, FakeNode
from tests.fakes.node_state import state_of
from tests.fakes.roster_node import RosterNode
from tests.unit.test_web_incidents import CALLER, ODD_CALL, fill

HOSTILE = '<script>alert("x")</script>'
PAGES = ("/incidents", "/incidents/1", "/incidents/1/missed", "/incidents/1/missed?show=all")


@asynccontextmanager
async def agent(*roles: Role) -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    async with RosterNode().running() as node, signed_in_door(node, *(roles or (Role.HELPDESK,))) as client:
        await node.load_first()
        fill(node)
        yield node, client


def said(node: FakeNode, incident: int = 1) -> dict[str, tuple[str, str]]:
    return {call: (one.state.value, one.who) for call, one in node.incidents.store.said.get(incident, {}).items()}


async def test_those_that_last_come_first_and_the_others_by_page() -> None:
    async with agent(Role.VIEWER) as (node, client):
        for number in range(4, 60):
            node.incidents.store.kept[number] = replace(node.incidents.store.kept[1], id=number)
        page = (await client.get("/incidents")).text
        assert page.index('href="/incidents/3"') < page.index('href="/incidents/59"')
        older = re.search(r'rel="next" href="(/incidents\?before=\d+)"', page)
        assert older is not None
        rest = (await client.get(older.group(1))).text
        assert 'href="/incidents/3"' not in rest
        assert 'href="/incidents/1"' in rest
        assert "rel=" + '"next"' not in rest


async def test_an_incident_says_what_happened_and_what_became_of_the_calls() -> None:
    async with agent(Role.VIEWER) as (node, client):
        node.journal_store.calls = [
            replace(call, path="inline", result="failure", platform_status=503) for call in node.journal_store.calls
        ]
        page = (await client.get("/incidents/1")).text
        for words in (
            "every kind of probe that used to be answered is missed",
            "3 calls, of these let down by the platform: 3.",
            "an announcement: 3",
            "waits for a call: 2",
            '<th scope="row">503</th><td class="number">3</td>',
            f'href="/did/{DID}"',
        ):
            assert words in page, words
        assert 'action="/incidents/1/notes"' not in page
        assert (await client.get("/incidents/9")).status_code == 404


async def test_what_people_wrote_is_text_and_callers_are_masked() -> None:
    async with agent() as (node, client):
        node.incidents.store.kept[4] = Incident(4, HOSTILE, NOON, None, HOSTILE, late=True, relapses=0)
        calls = node.journal_store.calls
        calls.append(replace(calls[0], call_id=HOSTILE, did=HOSTILE, result=HOSTILE, caller="+441632960009"))
        calls.append(replace(calls[0], call_id="a.9", caller=""))
        await client.post("/incidents/1/notes", data={"text": f"{HOSTILE} rang 07700 900123"})
        await client.post("/incidents/1/missed", data={"call": "a.1", "state": "done", "note": HOSTILE})
        for path in (*PAGES, "/incidents/4"):
            text = (await client.get(path)).text
            assert "<script>alert" not in text, path
            assert CALLER[3:] not in text.replace(" ", "")
        page = (await client.get("/incidents/1/missed?show=all")).text
        assert "+44*******001" in page
        assert "number withheld" in page
        assert "number no longer kept" in page
        assert page.count('action="/calls/reveal"') == 2
        assert "900123" not in (await client.get("/incidents/1")).text


async def test_a_note_is_written_under_ones_name() -> None:
    async with agent() as (node, client):
        done = await client.post("/incidents/1/notes", data={"text": "ticket 4711\r\nthey restart it"})
        assert (done.status_code, done.headers["location"]) == (303, "/incidents/1")
        (note,) = node.incidents.store.written[1]
        assert (note.who, note.text) == ("grace@example.org", "ticket 4711\nthey restart it")
        page = (await client.get("/incidents/1")).text
        assert "grace@example.org: " in page
        assert (await client.post("/incidents/1/notes", data={"text": " "})).status_code == 422


async def test_the_evidence_is_a_file_and_noted() -> None:
    async with agent(Role.VIEWER) as (node, client):
        for dids, shown in (("all", True), ("without_people", False), ("", False)):
            answer = await client.post("/incidents/1/evidence", data={"dids": dids})
            assert answer.headers["content-type"] == "application/zip"
            assert answer.headers["cache-control"] == "no-store"
            with ZipFile(BytesIO(answer.content)) as pack:
                text = "".join(pack.read(name).decode() for name in pack.namelist())
            assert (DID in text) is shown
            assert CALLER[3:] not in text
        assert [fact.who for fact in node.incidents.exports] == ["grace@example.org"] * 3
        refused = await client.post("/incidents/1/evidence", headers={"Sec-Fetch-Site": "cross-site"})
        assert (refused.status_code, len(node.incidents.exports)) == (403, 3)


async def test_a_missed_call_is_taken_and_done() -> None:
    async with agent() as (node, client):
        page = (await client.get("/incidents/1/missed")).text
        call = html.unescape(re.findall(r'name="call" value="([^"]*)"', page)[0])
        assert call == ODD_CALL  # the newest of that caller's
        done = await client.post("/incidents/1/missed", data={"call": call, "state": "calling"})
        assert (done.status_code, done.headers["location"]) == (303, "/incidents/1/missed")
        assert said(node) == {ODD_CALL: ("calling", "grace@example.org")}
        finished = {"call": call, "state": "done", "note": "will come by", "show": "all"}
        done = await client.post("/incidents/1/missed", data=finished)
        assert done.headers["location"] == "/incidents/1/missed?show=all"
        assert said(node)[ODD_CALL][0] == "done"
        assert "will come by" in (await client.get("/incidents/1/missed?show=all")).text
        assert "will come by" not in (await client.get("/incidents/1/missed")).text


async def test_whoever_comes_second_is_asked_whether_to_take_over() -> None:
    async with agent() as (node, client):
        node.incidents.store.said[1] = {"a.1": CallBack(CallBackState.CALLING, HOSTILE, NOON, HOSTILE)}
        mine = {"call": "a.1", "state": "calling", "note": "let me"}
        asked = await client.post("/incidents/1/missed", data=mine)
        assert asked.status_code == 409
        assert "has it since" in asked.text
        assert "<script>alert" not in asked.text
        assert said(node) == {"a.1": ("calling", HOSTILE)}
        fields = dict(re.findall(r'name="(call|state|note|show|take_over)" value="([^"]*)"', asked.text))
        assert fields == mine | {"show": "", "take_over": "yes"}
        assert (await client.post("/incidents/1/missed", data=fields)).status_code == 303
        assert ("calling", "grace@example.org") in said(node).values()


async def test_what_no_page_of_ours_sends_changes_nothing() -> None:
    async with agent() as (node, client):
        for fields in ({"call": "a.1", "state": "eaten"}, {"call": "x" * 300, "state": "done"}, {"state": "done"}):
            assert (await client.post("/incidents/1/missed", data=fields)).status_code in (404, 422)
        for headers in ({"X-CSRF-Token": ""}, {"Sec-Fetch-Site": "cross-site"}):
            fields = {"call": "a.1", "state": "done", "text": "x", "reason": "x", "position": "1"}
            for path in ("/incidents/1/missed", "/incidents/1/notes", "/calls/reveal", "/people/ada/reveal"):
                assert (await client.post(path, data=fields, headers=headers)).status_code == 403
        assert (said(node), node.incidents.store.written, node.audit.store.facts) == ({}, {}, [])


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER, Role.AUDITOR])
async def test_whoever_may_not_is_offered_nothing_and_changes_nothing(role: Role) -> None:
    async with agent(role) as (node, client):
        before = state_of(node)
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code == (403 if role is Role.STAFF else 200)
            assert not re.search(r'action="/(incidents/1/(notes|missed)|calls/reveal)"', answer.text)
        fields = {"call": "a.1", "state": "done", "text": "x", "reason": "x", "position": "1"}
        for path in ("/incidents/1/missed", "/incidents/1/notes", "/calls/reveal", "/people/ada/reveal"):
            assert (await client.post(path, data=fields)).status_code == 403, path
        assert (state_of(node), said(node)) == (before, {})


async def test_a_number_is_shown_on_the_answering_page_alone_and_noted_first() -> None:
    async with agent() as (node, client):
        assert 'action="/people/ada/reveal"' in (await client.get("/people/ada")).text
        form = {"position": "2", "reason": "police ask"}
        shown = await client.post("/people/ada/reveal", data=form)
        assert (shown.status_code, PRIVATE_NUMBERS[1] in shown.text) == (200, True)
        assert shown.headers["cache-control"] == "no-store"
        assert 'href="/people/ada"' in shown.text
        call = {"call": ODD_CALL, "reason": "call back", "back": "https://elsewhere.example/"}
        shown = await client.post("/calls/reveal", data=call)
        assert CALLER in shown.text
        assert "elsewhere" not in shown.text
        facts = [(fact.kind, fact.who, fact.why) for fact in node.audit.store.facts]
        assert facts == [(AuditKind.REVEAL, "grace@example.org", why) for why in ("police ask", "call back")]
        for path in ("/people/ada", *PAGES):
            text = (await client.get(path)).text
            assert not any(number[3:] in text for number in (*PRIVATE_NUMBERS, CALLER))


async def test_nothing_is_shown_without_a_reason_or_a_record() -> None:
    async with agent() as (node, client):
        for form in ({"position": "1"}, {"position": "9", "reason": "x"}, {"position": "one", "reason": "x"}):
            assert (await client.post("/people/ada/reveal", data=form)).status_code == 422
        assert (await client.post("/calls/reveal", data={"call": "a.3", "reason": "x"})).status_code == 404
        assert node.journal_store.calls[2].caller == WITHHELD
        node.audit.store.fault = StoreUnavailable("The database does not answer.", "Wait.")
        answer = await client.post("/people/ada/reveal", data={"position": "1", "reason": "x"})
        assert (answer.status_code, PRIVATE_NUMBERS[0] in answer.text) == (503, False)


async def test_the_limit_of_numbers_is_told() -> None:
    async with agent() as (_, client):
        form = {"position": "1", "reason": "x"}
        statuses = [(await client.post("/people/ada/reveal", data=form)).status_code for _ in range(21)]
        assert statuses == [200] * 20 + [429]


async def test_the_pages_speak_german() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        fill(node)
        for path, words in (("/incidents", "Andauernde"), ("/incidents/1", "Wer niemanden erreichte")):
            assert words in (await client.get(path, headers={"Accept-Language": "de"})).text
        page = await client.get("/incidents/1/missed", headers={"Accept-Language": "de"})
        assert "Rückrufliste der Störung 1" in page.text
