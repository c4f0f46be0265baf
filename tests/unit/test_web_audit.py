"""The audit record and reveals over HTTP: who may, what is answered, and that nothing is given that is not noted."""

from __future__ import annotations

import asyncio
import csv
import json

import httpx
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from ringfence.app.audit_facts import facts_of_roster
from ringfence.app.hr.ports import RosterCommit, RosterNote
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.access import Role, SignedInBy
from ringfence.domain.audit import MACHINE, AuditFact, AuditKind
from ringfence.domain.hr.roster import RosterChange
from ringfence.domain.numbers import spaced
from ringfence.web.csrf import Csrf
from ringfence.web.security import BearerToken, Guard, SignIns
from ringfence.web.sessions import COOKIE
from tests.fakes.doors import TOKEN, http_door, local_door, signed_in_door
from tests.fakes.node import PRIVATE_NUMBERS, FakeNode
from tests.unit.test_web_privacy import call

CALLER = "+441619960111"


async def noted(node: FakeNode, *kinds: AuditKind) -> None:
    for minute, kind in enumerate(kinds):
        at = node.clock.now().plus(60 * minute).wall
        await node.audit.auditor.note(AuditFact(at, kind, "=changed", f"person:{'ada' if minute else 'eve'}", "grace"))


async def test_the_record_is_paged_and_filtered() -> None:
    node = FakeNode()
    await noted(node, AuditKind.PERSON, AuditKind.MODE, AuditKind.PERSON)
    async with local_door(node) as client:
        first = (await client.get("/v1/audit", params={"limit": 2})).json()
        assert ([row["number"] for row in first["rows"]], first["next"]) == ([3, 2], 2)
        rest = (await client.get("/v1/audit", params={"before": 2})).json()
        assert ([row["number"] for row in rest["rows"]], rest["next"]) == ([1], None)
        for asked, numbers in (
            ({"kind": "mode"}, [2]),
            ({"about": "ada"}, [3, 2]),
            ({"who": "grace", "since": "2030-01-15T12:01:00Z"}, [3, 2]),
            ({"until": "2030-01-15T12:01:00Z"}, [1]),
            ({"who": "heidi"}, []),
        ):
            rows = (await client.get("/v1/audit", params=asked)).json()["rows"]
            assert [row["number"] for row in rows] == numbers
        assert (await client.get("/v1/audit", params={"since": "2030-01-15T12:01:00"})).status_code == 422


async def test_somebody_who_is_no_longer_known_stays_a_pseudonym() -> None:
    node = FakeNode()
    await noted(node, AuditKind.PERSON, AuditKind.PERSON)
    async with local_door(node) as client:
        rows = (await client.get("/v1/audit")).json()["rows"]
    assert [row["person"] for row in rows] == ["ada", None]
    assert rows[1]["about"].startswith("person~")


async def test_a_changed_row_is_named() -> None:
    node = FakeNode()
    await noted(node, AuditKind.MODE, AuditKind.MODE, AuditKind.MODE)
    async with local_door(node) as client:
        assert (await client.get("/v1/audit/verify")).json()["holds"]
        rows = node.audit.store.rows
        rows[1] = type(rows[1])(**{name: getattr(rows[1], name) for name in rows[1].__slots__} | {"who": "heidi"})
        found = (await client.get("/v1/audit/verify")).json()
    assert not found["holds"]
    assert (found["faults"][0]["kind"], found["faults"][0]["number"]) == ("changed", 2)


async def test_an_export_is_noted_and_whole() -> None:
    node = FakeNode()
    await noted(node, *([AuditKind.MODE] * 3))
    async with local_door(node) as client:
        lines = (await client.get("/v1/audit/export", params={"reason": "yearly audit"})).text.splitlines()
        answer = await client.get("/v1/audit/export", params={"reason": "yearly audit", "format": "csv"})
    assert [json.loads(line)["number"] for line in lines] == [4, 3, 2, 1]
    assert json.loads(lines[0])["why"] == "yearly audit"
    assert answer.headers["cache-control"] == "no-store"
    table = list(csv.reader(answer.text.splitlines()))
    assert [row[0] for row in table] == ["number", "5", "4", "3", "2", "1"]
    # No spreadsheet takes it for a formula.
    assert table[-1][3] == "'=changed"


async def test_nothing_is_exported_that_cannot_be_noted() -> None:
    node = FakeNode()
    node.audit.store.fault = StoreUnavailable("The database is locked.")
    async with local_door(node) as client:
        for path in ("/v1/audit/export?reason=x", "/v1/export"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert PRIVATE_NUMBERS[0] not in answer.text


async def test_an_export_of_the_directory_is_noted() -> None:
    node = FakeNode()
    async with node.running(), local_door(node) as client:
        assert spaced(PRIVATE_NUMBERS[0]) in (await client.get("/v1/export")).text
    assert [(fact.kind, fact.who) for fact in node.audit.store.facts] == [(AuditKind.EXPORT, "ada")]


async def test_a_number_is_revealed_to_whoever_says_why() -> None:
    node = FakeNode()
    node.journal.add(call(CALLER))
    id_ = call(CALLER).call_id
    async with node.running(), signed_in_door(node, Role.HELPDESK) as client:
        answer = await client.post("/v1/people/ada/reveal", json={"position": 1, "reason": "callback"})
        assert (answer.json()["number"], answer.headers["cache-control"]) == (PRIVATE_NUMBERS[0], "no-store")
        answer = await client.post(f"/v1/calls/{id_}/reveal", json={"reason": "callback"})
        assert (answer.json()["number"], answer.headers["cache-control"]) == (CALLER, "no-store")
        assert (await client.post("/v1/people/ada/reveal", json={"position": 1, "reason": ""})).status_code == 422
    facts = node.audit.store.facts
    assert [(fact.kind, fact.who, fact.by) for fact in facts] == [
        (AuditKind.REVEAL, "grace@example.org", "sign-in"),
        (AuditKind.REVEAL, "grace@example.org", "sign-in"),
    ]
    assert not any(number in repr(facts) for number in (*PRIVATE_NUMBERS, CALLER))


@pytest.mark.parametrize("caller", ["", "withheld"])
async def test_withheld_callers_have_nothing_to_reveal(caller: str) -> None:
    node = FakeNode()
    node.journal.add(call(caller))
    async with local_door(node) as client:
        answer = await client.post(f"/v1/calls/{call(caller).call_id}/reveal", json={"reason": "callback"})
        shown = (await client.get("/v1/calls")).json()["calls"][0]["caller"]
    assert answer.status_code == 404
    assert "no number to reveal" in answer.text
    assert shown == ("withheld" if caller else "no longer kept")


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER, Role.AUDITOR])
async def test_others_are_refused_and_nothing_is_noted(role: Role) -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, role) as client:
        answer = await client.post("/v1/people/ada/reveal", json={"position": 1, "reason": "curious"})
    assert answer.status_code == 403
    assert PRIVATE_NUMBERS[0] not in answer.text
    assert node.audit.store.facts == []


async def test_the_shared_token_reveals_nothing() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        assert (await client.post("/v1/people/ada/reveal", json={"reason": "curious"})).status_code == 403


async def test_the_limit_says_when_to_ask_again() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.HELPDESK) as client:
        for _ in range(20):
            order = {"position": 1, "reason": "callback"}
            assert (await client.post("/v1/people/ada/reveal", json=order)).status_code == 200
        answer = await client.post("/v1/people/ada/reveal", json={"position": 1, "reason": "callback"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    assert len(node.audit.told) == 1


@pytest.mark.parametrize(
    ("who", "kept"), [("grace@example.org", "sign-in"), (MACHINE, "")], ids=["somebody", "the machine"]
)
async def test_a_change_says_how_whoever_asked_had_signed_in(who: str, kept: str) -> None:
    node, found = FakeNode(), list[str]()

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        note = RosterNote(node.clock.now().wall, who, "their word", "numbers: none", "ada")
        # As a store does it: in a task of its own, begun by the request.
        commit = RosterCommit(RosterChange(), notes=(note,))
        found.extend(await asyncio.create_task(_by_of(commit)))
        await JSONResponse({})(scope, receive, send)

    new = await node.access.desk.begin_session(
        "grace@example.org", frozenset({Role.HELPDESK}), SignedInBy.OIDC, "grace"
    )
    guard = Guard(entered, SignIns(BearerToken(TOKEN), node.access.desk), lambda path: None, Csrf("a secret"))
    headers = {"Cookie": f"{COOKIE}={new.token}"}
    transport = httpx.ASGITransport(guard)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        assert (await client.get("/v1/people")).status_code == 200
    assert found == [kept]


async def _by_of(commit: RosterCommit) -> list[str]:
    return [fact.by for fact in facts_of_roster(commit)]
