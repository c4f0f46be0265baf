"""Incidents over the API: paged and filtered, callers masked, two agents at once, the evidence as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote
from zipfile import ZipFile

import httpx
import pytest

from ringfence.app.ports import StoreUnavailable
from ringfence.domain.access import Role
from ringfence.domain.calls import WITHHELD, AnsweredBy
from ringfence.domain.incident import Incident
from ringfence.domain.missed_calls import CallBack, CallBackState
from ringfence.web.security import LocalSocket
from tests.fakes.clock import NOON
from tests.fakes.doors import door, http_door, signed_in_door
from tests.fakes.node import DID, FakeNode
from tests.unit.test_incident import call

CALLER = "+441632960001"
OPENED = NOON - timedelta(hours=1)
ODD_CALL = "box ä?1893456000.7"


def fill(node: FakeNode) -> None:
    """Three incidents; in the first a caller was missed twice and another, who withheld the number, once."""
    for number, scope, closed in ((1, "uc", NOON), (2, "legacy", NOON), (3, "uc", None)):
        at = OPENED + timedelta(minutes=10 * (number - 1))
        node.incidents.store.kept[number] = Incident(number, scope, at, closed, "silent", late=False, relapses=0)
    for number, (caller, call_id) in enumerate(((CALLER, "a.1"), (CALLER, ODD_CALL), (WITHHELD, "a.3"))):
        ended = OPENED + timedelta(seconds=number + 1)
        node.journal_store.calls.append(
            replace(call(0, AnsweredBy.ANNOUNCEMENT, caller=caller, did=DID, call_id=call_id), ended_at=ended)
        )


@asynccontextmanager
async def loaded() -> AsyncIterator[tuple[FakeNode, httpx.AsyncClient]]:
    async with FakeNode().running() as node, http_door(node) as client:
        fill(node)
        yield node, client


async def test_incidents_are_paged_and_filtered() -> None:
    async with loaded() as (_, client):
        page = (await client.get("/v1/incidents", params={"limit": 2})).json()
        assert ([one["id"] for one in page["incidents"]], page["next"]) == ([3, 2], 2)
        page = (await client.get("/v1/incidents", params={"limit": 2, "before": page["next"]})).json()
        assert ([one["id"] for one in page["incidents"]], page["next"]) == ([1], None)
        for query, ids in (({"open": "true"}, [3]), ({"open": "false"}, [2, 1]), ({"scope": "legacy"}, [2])):
            found = (await client.get("/v1/incidents", params=query)).json()["incidents"]
            assert [one["id"] for one in found] == ids
        assert found[0]["sentence"] == "every kind of probe that used to be answered is missed"


async def test_an_incident_has_its_timeline_and_its_calls() -> None:
    async with loaded() as (_, client):
        found = (await client.get("/v1/incidents/1")).json()
        assert [entry["kind"] for entry in found["timeline"]] == ["opened", "closed"]
        assert (found["calls"]["calls"], found["calls"]["answered_by"]) == (3, {"announcement": 3})
        assert found["missed"]["open"] == 2
        assert found["calls"]["dids"] == [{"did": DID, "calls": 3, "answered_by": {"announcement": 3}}]
        for path in ("", "/missed", "/evidence"):
            missing = await client.get(f"/v1/incidents/9{path}")
            assert (missing.status_code, missing.json()["field"]) == (404, "incident")


async def test_a_note_is_written_under_ones_name() -> None:
    async with loaded() as (node, client):
        who = {"X-Ringfence-Who": "ada"}
        written = await client.post("/v1/incidents/1/notes", json={"text": "rang 07700 900123"}, headers=who)
        assert written.status_code == 200
        assert (written.json()["who"], "900123" in written.text) == ("ada (http)", False)
        refused = await client.post("/v1/incidents/1/notes", json={"text": " "})
        assert (refused.status_code, refused.json()["field"]) == (422, "text")
        assert len(node.incidents.store.written[1]) == 1


async def test_callers_are_masked_and_withheld_ones_stay_withheld() -> None:
    async with loaded() as (_, client):
        found = await client.get("/v1/incidents/1/missed")
        lines = found.json()["missed"]
        assert [(line["caller"], line["withheld"], line["calls"]) for line in lines] == [
            ("+44*******001", False, 2),
            ("withheld", True, 1),
        ]
        assert CALLER[3:] not in found.text
        page = (await client.get("/v1/incidents/1/missed", params={"limit": 1})).json()
        assert (len(page["missed"]), page["next"]) == (1, 1)
        page = (await client.get("/v1/incidents/1/missed", params={"limit": 1, "offset": 1})).json()
        assert (page["missed"][0]["withheld"], page["next"]) == (True, None)


async def test_a_caller_who_is_no_longer_kept_did_not_withhold_the_number() -> None:
    async with loaded() as (node, client):
        node.journal_store.calls = [replace(one, caller="") for one in node.journal_store.calls]
        node.incidents.store.said[1] = {"a.1": CallBack(CallBackState.DONE, "ada", NOON)}
        lines = (await client.get("/v1/incidents/1/missed")).json()["missed"]
        assert [(line["caller"], line["withheld"]) for line in lines] == [("no longer kept", False)] * 3
        assert [line["state"] for line in lines] == ["done", "not_needed", "not_needed"]


async def test_two_agents_cannot_have_the_same_one() -> None:
    async with loaded() as (_, client):
        path = f"/v1/incidents/1/missed/{quote(ODD_CALL, safe='')}/state"
        mine = await client.put(path, json={"state": "calling"}, headers={"X-Ringfence-Who": "ada"})
        assert mine.status_code == 200, mine.text
        assert (mine.json()["call"], mine.json()["words"]) == (ODD_CALL, "being called")
        bob = {"X-Ringfence-Who": "bob"}
        other = "/v1/incidents/1/missed/a.1/state"
        refused = await client.put(other, json={"state": "calling"}, headers=bob)
        assert refused.status_code == 409
        assert "ada (http) has this one since 2030-01-15T12:00:00" in refused.json()["error"]
        assert "take_over" in refused.json()["fix"]
        taken = await client.put(other, json={"state": "done", "take_over": True, "note": "all well"}, headers=bob)
        assert (taken.json()["state"], taken.json()["call_back"]["who"]) == ("done", "bob (http)")
        waiting = (await client.get("/v1/incidents/1/missed", params={"waiting": "true"})).json()
        assert [line["withheld"] for line in waiting["missed"]] == [True]
        assert (await client.put("/v1/incidents/1/missed/no/state", json={"state": "done"})).status_code == 404


async def test_the_evidence_is_a_file() -> None:
    async with loaded() as (node, client):
        for query, person in (({}, DID), ({"dids": "without_people"}, "person-1")):
            found = await client.get("/v1/incidents/1/evidence", params=query)
            assert found.headers["content-type"] == "application/zip"
            assert 'filename="incident-1.zip"' in found.headers["content-disposition"]
            with ZipFile(BytesIO(found.content)) as pack:
                assert person in pack.read("calls.csv").decode()
        assert [fact.who for fact in node.incidents.exports] == ["http", "http"]


@pytest.mark.parametrize(
    ("role", "sees", "writes"),
    [
        (Role.STAFF, 403, 403),
        (Role.VIEWER, 200, 403),
        (Role.AUDITOR, 200, 403),
        (Role.HELPDESK, 200, 200),
        (Role.ADMIN, 200, 200),
    ],
)
async def test_who_may_do_what(role: Role, sees: int, writes: int) -> None:
    async with FakeNode().running() as node, signed_in_door(node, role) as client:
        fill(node)
        for path in ("", "/1", "/1/missed", "/1/evidence"):
            assert (await client.get(f"/v1/incidents{path}")).status_code == sees, path
        written = await client.post("/v1/incidents/1/notes", json={"text": "they know"})
        said = await client.put("/v1/incidents/1/missed/a.1/state", json={"state": "done"})
        assert (written.status_code, said.status_code) == (writes, writes)
        store = node.incidents.store
        assert bool(store.written or store.said or store.facts) is (writes == 200)
        if sees == 403:
            assert node.incidents.exports == []


async def test_without_a_database_it_is_said() -> None:
    async with FakeNode().running() as node, door(node, LocalSocket(), {}) as client:
        fill(node)
        node.incidents.store.fault = StoreUnavailable("The database is locked.")
        for path in ("", "/1", "/1/missed", "/1/evidence"):
            answer = await client.get(f"/v1/incidents{path}")
            assert (answer.status_code, answer.json()["error"]) == (503, "The database is locked."), path
