"""The audit record, notices and access as pages: filtered and paged, shown once where it is secret, text whatever
people wrote, and closed to whoever may not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from ringfence.app.access.ports import SealedAccountsFault
from ringfence.app.notify.ports import ChannelRefused
from ringfence.domain.access import Role, SignedInBy
from ringfence.domain.audit import PERSON, AuditFact, AuditKind
from ringfence.domain.notice import Severity
from tests.fakes.clock import NOON
from tests.fakes.doors import signed_in_door
from tests.fakes.roster_node import RosterNode
from tests.unit.test_web_notices import tell

HOSTILE = '<script>alert("x")</script>'
FACT = AuditFact(NOON, AuditKind.OVERRIDE, "override set", "scope:uc", "ada", "outage", SignedInBy.OIDC)


@asynccontextmanager
async def signed_in(*roles: Role) -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    async with RosterNode().running() as node, signed_in_door(node, *roles) as client:
        yield node, client


def numbers(text: str) -> list[int]:
    """Of the audit rows on a page."""
    return [int(number) for number in re.findall(r'<th scope="row" data-name="Row">(\d+)</th>', text)]


async def test_the_record_is_filtered_and_paged() -> None:
    async with signed_in(Role.AUDITOR) as (node, client):
        await node.audit.store.append([replace(FACT, about=f"did:+4411349601{n:02}") for n in range(60)])
        late = replace(FACT, at=NOON + timedelta(hours=2), kind=AuditKind.REVEAL, about=f"{PERSON}ada", who="bob")
        await node.audit.store.append([late])
        page = (await client.get("/audit")).text
        assert numbers(page) == list(range(61, 11, -1))
        assert 'href="/people/ada"' in page
        older = re.search(r'rel="next" href="([^"]*)"', page)
        assert older is not None
        assert numbers((await client.get(older.group(1))).text) == list(range(11, 0, -1))
        for query in ("kind=reveal", "who=bob", "about=ada", "since=2030-01-15T13:00"):
            assert numbers((await client.get(f"/audit?{query}")).text) == [61], query
        until = (await client.get("/audit?kind=override&until=2030-01-15T13:00")).text
        assert numbers(until)[0] == 60
        assert 'href="/audit?kind=override&amp;until=2030-01-15T13%3A00&amp;before=11"' in until
        for query in ("kind=nonsense", "since=soon", "before=0"):
            assert (await client.get(f"/audit?{query}")).status_code == 422, query


async def test_the_record_is_verified_and_what_was_done_to_it_is_named() -> None:
    async with signed_in(Role.AUDITOR) as (node, client):
        await node.audit.store.append([FACT, FACT, FACT])
        assert "The record holds" in (await client.post("/audit/verify")).text
        node.audit.store.rows[1] = replace(node.audit.store.rows[1], why=HOSTILE)
        page = (await client.post("/audit/verify")).text
        assert "The record does not hold" in page
        assert "a row was changed</strong>, row 2:" in page
        assert "<script>alert" not in page
        assert len(node.audit.store.rows) == 3


async def test_an_export_holds_what_is_shown_and_is_noted() -> None:
    async with signed_in(Role.AUDITOR) as (node, client):
        await node.audit.store.append([FACT, replace(FACT, who="bob")])
        form = {"format": "csv", "reason": "yearly review", "who": "bob"}
        answer = await client.post("/audit/export", data=form)
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
            "text/csv; charset=utf-8",
            "no-store",
        )
        assert len(answer.text.splitlines()) == 2
        noted = node.audit.store.facts[-1]
        assert (noted.kind, noted.who, noted.why) == (AuditKind.EXPORT, "grace@example.org", "yearly review")
        for wrong in (form | {"reason": " "}, form | {"format": "xls"}, form | {"since": "soon"}):
            assert (await client.post("/audit/export", data=wrong)).status_code == 422
        assert len(node.audit.store.rows) == 3


async def test_what_people_wrote_into_the_record_is_text() -> None:
    async with signed_in(Role.AUDITOR) as (node, client):
        wrong = replace(FACT, action=HOSTILE, about=HOSTILE, who=HOSTILE, why=HOSTILE, by=HOSTILE)
        await node.audit.store.append([replace(wrong, detail={HOSTILE: HOSTILE})])
        for path in ("/audit", "/audit?who=%3Cscript%3Ealert", "/audit?about=%22%3E%3Cscript%3Ealert"):
            assert "<script>alert" not in (await client.get(path)).text


async def test_notices_are_filtered_acknowledged_and_text() -> None:
    async with signed_in(Role.HELPDESK) as (node, client):
        await tell(node, 1, Severity.CRITICAL, HOSTILE)
        for number in range(2, 60):
            await tell(node, number, Severity.INFO)
        page = (await client.get("/notices")).text
        assert page.count("<article") == 50
        older = re.search(r'rel="next" href="([^"]*)"', page)
        assert older is not None
        assert (await client.get(older.group(1).replace("&amp;", "&"))).text.count("<article") == 9
        loud = (await client.get("/notices?severity=critical")).text
        assert (loud.count("<article"), "<script>alert" in loud) == (1, False)
        assert "desk: waits" in loud
        done = await client.post("/notices/1/acknowledge")
        assert (done.status_code, done.headers["location"]) == (303, "/notices")
        assert node.notice_store.audited == [(1, "grace@example.org", "sign-in")]
        assert "Acknowledged by grace@example.org" in (await client.get("/notices?severity=critical")).text
        assert (await client.get("/notices?open=true&severity=critical")).text.count("<article") == 0
        assert (await client.post("/notices/99/acknowledge")).status_code == 404
        assert 'action="/notices/test"' not in page


async def test_whoever_has_changed_something_is_shown_no_page_of_before() -> None:
    async with signed_in(Role.HELPDESK) as (node, client):
        for number in (1, 2):
            await tell(node, number, Severity.CRITICAL)
        assert "Acknowledged by" not in (await client.get("/notices")).text
        for number in (1, 2):
            await client.post(f"/notices/{number}/acknowledge")
            assert (await client.get("/notices")).text.count("Acknowledged by") == number


async def test_a_route_is_tried_and_what_the_channel_said_is_shown() -> None:
    async with signed_in(Role.ADMIN) as (node, client):
        assert "Send a test by desk" in (await client.get("/notices")).text
        good = await client.post("/notices/test", data={"route": "desk"})
        assert (good.status_code, "The test was taken by route desk." in good.text) == (200, True)
        node.channel.fault = ChannelRefused(f"The receiver refused it: {HOSTILE}.", "Look at the secret.")
        bad = (await client.post("/notices/test", data={"route": "desk"})).text
        assert "The test did not get through by route desk." in bad
        assert "<script>alert" not in bad
        assert (await client.post("/notices/test", data={"route": HOSTILE})).status_code == 404


async def test_a_key_is_shown_once_and_revoked() -> None:
    async with signed_in(Role.ADMIN) as (node, client):
        form = {"name": f"reports {HOSTILE}", "permission": ["see", "export"], "days": "30"}
        made = await client.post("/access/keys", data=form)
        assert made.status_code == 200
        assert made.headers["cache-control"] == "no-store"
        found = re.search(r"rf_[A-Za-z0-9_-]+", made.text)
        assert found is not None
        asking = node.access.desk.key(found.group())
        assert asking is not None and sorted(asking.permissions) == ["export", "see"]
        assert "<script>alert" not in made.text
        page = (await client.get("/access")).text
        assert found.group() not in page
        assert "<script>alert" not in page
        (row,) = node.access.desk.keys()
        assert (await client.post(f"/access/keys/{row.id}/revoke", data={"reason": " "})).status_code == 422
        assert node.access.desk.key(found.group()) is not None
        done = await client.post(f"/access/keys/{row.id}/revoke", data={"reason": "no longer used"})
        assert (done.status_code, done.headers["location"]) == (303, "/access")
        assert node.access.desk.key(found.group()) is None
        assert "Revoked." in (await client.get("/access")).text


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"days": "soon"}, {"days": "99999"}, {"permission": []}, {"permission": ["own"]}, {"days": ""}],
)
async def test_a_key_that_may_not_be_made_is_not(wrong: dict[str, object]) -> None:
    async with signed_in(Role.ADMIN) as (node, client):
        form = {"name": "reports", "permission": ["see"], "days": "30"} | wrong
        assert (await client.post("/access/keys", data=form)).status_code == 422
        assert node.access.desk.keys() == []


async def test_sessions_end_one_by_one_and_by_name() -> None:
    async with signed_in(Role.ADMIN) as (node, client):
        tokens = [await node.access.signed_in(Role.VIEWER, name="eve@example.org") for _ in range(3)]
        page = (await client.get("/access")).text
        assert page.count("eve@example.org") == 3
        assert "grace@example.org (this is you, here)" in page
        assert not any(token in page for token in tokens)
        first = next(row for row in node.access.desk.sessions() if row.name == "eve@example.org")
        assert (
            await client.post(f"/access/sessions/{first.id}/end", data={"reason": "lost laptop"})
        ).status_code == 303
        assert len(node.access.desk.sessions()) == 3
        form = {"name": "eve@example.org", "reason": "left"}
        assert (await client.post("/access/sessions/end", data=form)).status_code == 303
        assert [row.name for row in node.access.desk.sessions()] == ["grace@example.org"]
        assert (await client.post("/access/sessions/end", data=form)).status_code == 422
        assert (await client.post("/access/sessions/none/end", data={"reason": "x"})).status_code == 404


async def test_many_sessions_come_by_page() -> None:
    async with signed_in(Role.ADMIN) as (node, client):
        for number in range(40):
            await node.access.signed_in(Role.VIEWER, name=f"v{number}@example.org")
        first = (await client.get("/access")).text
        assert first.count("/end") == 31
        assert 'href="/access?page=2"' in first
        assert (await client.get("/access?page=2")).text.count("/end") == 12


async def test_the_break_glass_accounts_are_told_of() -> None:
    async with signed_in(Role.ADMIN) as (node, client):
        assert "break-glass-1" in (await client.get("/access")).text
        first = await client.post("/access/break-glass/renewed")
        assert first.status_code == 303
        renewed = node.access.store.actions().count("break_glass_renewed")
        node.access.accounts.hashes["break-glass-1"] = "hash of another one"
        assert (await client.post("/access/break-glass/renewed")).status_code == 303
        assert node.access.store.actions().count("break_glass_renewed") == renewed + 1
        node.access.accounts.fault = SealedAccountsFault("The file cannot be read.", "Look at its owner.")
        page = await client.get("/access")
        assert (page.status_code, "They cannot be used:" in page.text) == (200, True)


READING = {"/audit": {Role.AUDITOR}, "/notices": set(Role) - {Role.STAFF}, "/access": {Role.ADMIN}}
WRITING = {
    "/audit/verify": {Role.AUDITOR},
    "/audit/export": {Role.AUDITOR, Role.ADMIN},
    "/notices/test": {Role.ADMIN},
    "/notices/1/acknowledge": {Role.HELPDESK, Role.ADMIN},
    "/access/keys": {Role.ADMIN},
    "/access/keys/k/revoke": {Role.ADMIN},
    "/access/sessions/s/end": {Role.ADMIN},
    "/access/sessions/end": {Role.ADMIN},
    "/access/break-glass/renewed": {Role.ADMIN},
}
FORM = {"route": "desk", "name": "n", "permission": "see", "days": "9", "reason": "r", "format": "csv"}


@pytest.mark.parametrize("role", list(Role))
async def test_each_page_and_form_is_for_those_who_may(role: Role) -> None:
    async with signed_in(role) as (node, client):
        await tell(node, 1)
        for path, roles in READING.items():
            assert (await client.get(path)).status_code == (200 if role in roles else 403), path
        for path, roles in WRITING.items():
            answer = await client.post(path, data=FORM)
            assert (answer.status_code == 403) is (role not in roles), path
        navigation = (await client.get("/")).text
        for path, roles in READING.items():
            assert (f'href="{path}"' in navigation) is (role in roles), path


async def test_a_form_from_elsewhere_does_nothing() -> None:
    async with signed_in(*Role) as (node, client):
        await tell(node, 1)
        for headers in ({"X-CSRF-Token": ""}, {"Sec-Fetch-Site": "cross-site"}):
            for path in WRITING:
                assert (await client.post(path, data=FORM, headers=headers)).status_code == 403, path
        assert (node.access.desk.keys(), node.channel.attempts, node.audit.store.rows) == ([], 0, [])
        assert node.notice_store.views[0].acknowledged_at is None
        assert len(node.access.desk.sessions()) == 1


async def test_the_pages_speak_german() -> None:
    async with signed_in(*Role) as (_, client):
        for path, words in (
            ("/audit", "Das Prüfprotokoll jetzt prüfen"),
            ("/notices", "Wege"),
            ("/access", "Notfallkonten"),
        ):
            assert words in (await client.get(path, headers={"Accept-Language": "de"})).text
