"""Notices over HTTP: listed by page and filter, acknowledged, a route tried, the outbox measured."""

from __future__ import annotations

from datetime import timedelta

from ringfence.app.notify.ports import ChannelRefused
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.access import Role
from ringfence.domain.notice import Notice, NoticeKind, Severity
from tests.fakes.doors import http_door, signed_in_door
from tests.fakes.node import FakeNode


async def tell(node: FakeNode, number: int, severity: Severity = Severity.WARNING, text: str = "So.") -> None:
    at = node.clock.now().wall
    await node.notices.notifier.tell(
        Notice(f"event:{number}", NoticeKind.ALARM, severity, at, f"event {number}", text, "uc")
    )


async def test_notices_are_paged_and_filtered() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        for number in range(5):
            await tell(node, number, Severity.CRITICAL if number == 1 else Severity.INFO)
        page = (await client.get("/v1/notices?limit=2")).json()
        assert [one["title"] for one in page["notices"]] == ["event 4", "event 3"]
        rest = (await client.get(f"/v1/notices?limit=5&before={page['next']}")).json()
        assert [one["title"] for one in rest["notices"]] == ["event 2", "event 1", "event 0"]
        assert rest["next"] is None
        loud = (await client.get("/v1/notices?severity=critical")).json()["notices"]
        assert [one["title"] for one in loud] == ["event 1"]
        assert loud[0]["deliveries"][0] | {"route": "desk", "state": "waiting"} == loud[0]["deliveries"][0]
        assert (await client.get("/v1/notices?severity=loud")).status_code == 422


async def test_the_first_who_acknowledges_stands_there() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.HELPDESK) as client:
        await tell(node, 1, Severity.CRITICAL)
        first = (await client.post("/v1/notices/1/acknowledge")).json()
        assert first["acknowledged_by"] == "grace@example.org"
        await client.post("/v1/notices/1/acknowledge")
        assert node.notice_store.audited == [(1, "grace@example.org", "sign-in")]
        unknown = await client.post("/v1/notices/2/acknowledge")
        assert (unknown.status_code, unknown.json()["field"]) == (404, "id")
        assert (await client.get("/v1/notices?unacknowledged=true")).json()["notices"] == []


async def test_the_test_button_sends_now_and_says_what_the_channel_said() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        good = await client.post("/v1/notices/test", json={"route": "desk"}, headers={"X-Ringfence-Who": "pat"})
        assert good.json() == {"route": "desk", "taken": True, "said": "200 OK"}
        ((delivery, sent),) = node.channel.taken
        assert sent.kind is NoticeKind.TEST and "pat (http) pressed the test button" in sent.text
        node.channel.fault = ChannelRefused("The receiver refused it: 401.", "Look at the secret.")
        bad = (await client.post("/v1/notices/test", json={"route": "desk"})).json()
        assert bad == {"route": "desk", "taken": False, "said": "The receiver refused it: 401. Look at the secret."}
        none = await client.post("/v1/notices/test", json={"route": "pigeon"})
        assert (none.status_code, none.json()["field"]) == (404, "route")
        await client.post("/v1/notices/test", json={"route": "desk"})
        assert len({delivery, *(d for d, _ in node.channel.taken)}) == len(node.channel.taken)
    assert node.notice_store.views == []
    assert [(fact.kind, fact.action, fact.about, fact.who, fact.by) for fact in node.audit.store.facts] == [
        ("notification", "test sent", "route desk", "pat (http)", "token"),
        ("notification", "test failed", "route desk", "http", "token"),
        ("notification", "test failed", "route desk", "http", "token"),
    ]


async def test_a_route_is_tried_although_the_record_cannot_be_written() -> None:
    node = FakeNode()
    node.audit.store.fault = StoreUnavailable("locked")
    async with node.running(), http_door(node) as client:
        assert (await client.post("/v1/notices/test", json={"route": "desk"})).json()["taken"] is True


async def test_who_sees_may_neither_try_a_route_nor_acknowledge() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.VIEWER) as client:
        await tell(node, 1)
        assert (await client.get("/v1/notices")).status_code == 200
        assert (await client.post("/v1/notices/test", json={"route": "desk"})).status_code == 403
        assert (await client.post("/v1/notices/1/acknowledge")).status_code == 403
    assert node.channel.attempts == 0
    assert node.notice_store.views[0].acknowledged_at is None


async def test_the_outbox_is_measured_without_a_name_of_anybody() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        await tell(node, 1)
        await tell(node, 2)
        node.clock._now = node.clock.now().plus(timedelta(minutes=2).total_seconds())
        await node.notices.notifier.look()
        measured = (await client.get("/metrics")).text
        routes = (await client.get("/v1/notices/routes")).json()["routes"]
    assert 'ringfence_outbox_notices{route="desk"} 2.0' in measured
    assert 'ringfence_outbox_oldest_seconds{route="desk"} 120.0' in measured
    assert "ringfence_unstored_notices 0.0" in measured
    assert [(one["name"], one["waiting"], one["escalate_to"]) for one in routes] == [("desk", 2, "boss")]


async def test_a_notice_outlives_a_database_that_answers_nothing() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        node.notice_store.fault = StoreUnavailable("The disk is full.")
        await tell(node, 1, text="A call from 07700 900123 came.")
        assert (await client.get("/v1/notices")).status_code == 503
        assert node.notices.notifier.waiting_in_memory == 1
        node.notice_store.fault = None
        await node.notices.notifier.look()
        (seen,) = (await client.get("/v1/notices")).json()["notices"]
    assert "900123" not in seen["text"] and "123 came" in seen["text"]
