"""The outbox on a real file: what is told arrives, once, whatever dies meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ringfence.app.notify.ports import (
    ChannelRefused,
    ChannelUnavailable,
    DeliveryState,
    NoticeQuery,
    delivery_id,
)
from ringfence.app.ports import OutageChange
from ringfence.domain.notice import NoticeKind, Severity
from ringfence.domain.notice_routes import Route
from ringfence.domain.outage import Mode, Signal, Transition, first_state
from ringfence.domain.reasons import Reason
from ringfence.domain.ring_hours import parse_ring_hours
from ringfence.store.outage_store import SqlOutageStore
from tests.fakes.channels import FakeChannel
from tests.fakes.clock import NOON, FakeClock
from tests.integration.outbox_site import notice, outbox
from tests.integration.stores import locked_by_another

DESK = Route("desk")
MAIL = Route("mail")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ringfence.db"


def failover(clock: FakeClock, key: str = "change-1") -> OutageChange:
    now = clock.now()
    state = replace(first_state("uc", now), mode=Mode.FAILED_OVER, reason=Reason.SILENT, version=1)
    evidence = ("sip_options: no answer",)
    moved = Transition("uc", Mode.NORMAL, Mode.FAILED_OVER, Signal.OUTAGE, Reason.SILENT, now, evidence, 1)
    return OutageChange(key, state=state, transition=moved)


async def test_a_notice_goes_to_every_route_that_wants_it_once(file: Path) -> None:
    clock, desk, mail = FakeClock(), FakeChannel(), FakeChannel()
    only_critical = replace(MAIL, severities=frozenset({Severity.CRITICAL}))
    async with outbox(file, clock, [DESK, only_critical], {"desk": desk, "mail": mail}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.notifier.tell(notice(1, clock))
        await site.notifier.tell(notice(2, clock, Severity.CRITICAL))
        await site.advance(120)
        await site.notifier.tell(notice(1, clock))
        await site.advance(60)
    assert sorted(desk.keys) == ["event:1", "event:2"]
    assert mail.keys == ["event:2"]


async def test_a_dead_receiver_for_an_hour_and_a_killed_daemon_lose_nothing_and_tell_nothing_twice(file: Path) -> None:
    clock, desk, mail = FakeClock(), FakeChannel(), FakeChannel()
    channels = {"desk": desk, "mail": mail}
    desk.fault = ChannelUnavailable("503 Service Unavailable.")
    told = [f"event:{number}" for number in range(10)]
    async with outbox(file, clock, [DESK, MAIL], channels) as site:
        for number in range(6):
            await site.notifier.tell(notice(number, clock, scope=f"p{number}"))
        await site.advance(1_800, step=30)
        assert sorted(mail.keys) == told[:6]
        assert desk.taken == []
        await site.notifier.tell(notice(6, clock, scope="p6"))
    async with outbox(file, clock, [DESK, MAIL], channels) as site:
        for number in range(7, 10):
            await site.notifier.tell(notice(number, clock, scope=f"p{number}"))
        await site.advance(1_800, step=30)
        assert desk.taken == []
        desk.fault = None
        await site.advance(330, step=10)
    assert sorted(desk.keys) == sorted(mail.keys) == told
    assert {delivery for delivery, _ in desk.taken} == {delivery_id(key, "desk") for key in told}
    # Half an hour of tries with a wait of at most five minutes each: neither a storm nor silence.
    assert 12 <= desk.attempts <= 80


async def test_a_mode_change_that_was_stored_and_not_told_is_told_after_the_start(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        for task in site.tasks:
            task.cancel()
        await SqlOutageStore(site.database).commit(failover(clock))
        await site.advance(60)
        assert desk.taken == []
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.advance(5)
        assert desk.keys == ["transition:change-1"]
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.advance(5)
    (sent,) = [notice for _, notice in desk.taken]
    assert sent.severity is Severity.CRITICAL
    assert "calls go to default numbers" in sent.title
    assert "since 2030-01-15 12:00 UTC" in sent.text


async def test_what_happened_before_the_upgrade_is_told_to_nobody(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [], {}) as site:
        for task in site.tasks:
            task.cancel()
        await SqlOutageStore(site.database).commit(failover(clock))

        def back(connection: object) -> None:
            from alembic import command

            from ringfence.store.migrating import configuration

            command.downgrade(configuration(connection), "0007")  # type: ignore[arg-type]

        await site.database.write(lambda connection: connection.run_sync(back))
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.advance(5)
        assert desk.taken == []
        told = text("SELECT count(*) FROM transitions WHERE told_at IS NULL")
        async with site.database.reading() as connection:
            assert (await connection.execute(told)).scalar_one() == 0


async def test_a_notice_waits_in_memory_while_the_database_is_locked(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        site.database._patience_seconds = 0.01
        with locked_by_another(file):
            await site.notifier.tell(notice(1, clock))
            assert site.notifier.waiting_in_memory == 1
        await site.advance(30)
        assert site.notifier.waiting_in_memory == 0
    assert desk.keys == ["event:1"]


async def test_what_is_critical_goes_past_an_outbox_that_takes_nothing_and_is_not_sent_again(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        site.database._patience_seconds = 0.01
        with locked_by_another(file):
            await site.notifier.tell(notice(1, clock, Severity.CRITICAL))
            await site.notifier.tell(notice(2, clock))
            await clock.advance(29)
            for _ in range(5):
                await site.settle()
            assert desk.taken == []
            await clock.advance(3)
            for _ in range(10):
                await site.settle()
            assert [delivery for delivery, _ in desk.taken] == [delivery_id("event:1", "desk")]
        await site.advance(60)
    assert desk.keys == ["event:1", "event:2"]


async def test_an_outage_is_told_while_the_database_takes_nothing_and_not_again_from_its_history(file: Path) -> None:
    clock, desk, mail = FakeClock(), FakeChannel(), FakeChannel()
    waits = [failover(clock)]
    only_words = replace(MAIL, kinds=frozenset({NoticeKind.OVERRIDE}))
    async with outbox(file, clock, [DESK, only_words], {"desk": desk, "mail": mail}, lambda: waits) as site:
        site.database._patience_seconds = 0.01
        with locked_by_another(file):
            for _ in range(4):
                await clock.advance(10)
                for _ in range(10):
                    await site.settle()
            assert desk.keys == ["transition:change-1"]
        change = waits.pop()
        await SqlOutageStore(site.database).commit(change)
        await site.advance(60)
        (view,) = await site.notifier.listed(NoticeQuery())
    assert desk.keys == ["transition:change-1"]
    assert mail.taken == []
    assert [delivery.state for delivery in view.deliveries] == [DeliveryState.SENT]


async def test_what_has_ended_while_the_database_took_nothing_wakes_nobody_afterwards(file: Path) -> None:
    clock, desk, boss = FakeClock(), FakeChannel(), FakeChannel()
    routes = [replace(DESK, escalate_to="boss"), Route("boss", escalations_only=True)]
    async with outbox(file, clock, routes, {"desk": desk, "boss": boss}) as site:
        site.database._patience_seconds = 0.01
        await site.notifier.tell(notice(1, clock, Severity.CRITICAL))
        await site.advance(5)
        with locked_by_another(file):
            await site.notifier.over("event:1")
        await site.advance(1_800, step=30)
    assert desk.keys == ["event:1"]
    assert boss.taken == []


async def test_a_refusal_is_given_up_after_three_and_says_why(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    desk.fault = ChannelRefused("It refused it: 401 Unauthorized.", "Look at the secret.")
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.advance(900, step=10)
        (view,) = await site.notifier.listed(NoticeQuery())
        (delivery,) = view.deliveries
        assert (delivery.state, delivery.tries) == (DeliveryState.REFUSED, 3)
        assert "401 Unauthorized" in delivery.said
        assert site.notifier.levels["desk"].failed == 1
    assert desk.attempts == 3


async def test_what_nobody_takes_is_given_up_after_three_days(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    desk.fault = ChannelUnavailable("It does not run.")
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.advance(71.9 * 3600, step=3600)
        assert [d.state for v in await site.notifier.listed(NoticeQuery()) for d in v.deliveries] == ["waiting"]
        await site.advance(2 * 3600, step=600)
        assert [d.state for v in await site.notifier.listed(NoticeQuery()) for d in v.deliveries] == ["given_up"]


async def test_what_waited_for_a_route_that_was_taken_out_does_not_go_out_when_it_returns(file: Path) -> None:
    clock, desk, mail = FakeClock(), FakeChannel(), FakeChannel()
    mail.fault = ChannelUnavailable("No answer.", "")
    async with outbox(file, clock, [DESK, MAIL], {"desk": desk, "mail": mail}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.advance(5)
    await clock.advance(72 * 3600)
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.notifier.tell(notice(2, clock))
        await site.advance(3)
        (view,) = await site.notifier.listed(NoticeQuery(route="mail"))
        states = {delivery.route: delivery.state for delivery in view.deliveries}
        assert states == {"desk": DeliveryState.SENT, "mail": DeliveryState.GIVEN_UP}
    mail.fault = None
    async with outbox(file, clock, [DESK, MAIL], {"desk": desk, "mail": mail}) as site:
        await site.advance(60)
    assert mail.keys == []


async def test_a_receivers_own_wish_to_wait_is_kept(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    desk.fault = ChannelUnavailable("429 Too Many Requests.", retry_after_seconds=600)
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.advance(5)
        desk.fault = None
        await site.notifier.tell(notice(2, clock))
        await site.advance(580, step=5)
        assert desk.taken == []
        await site.advance(30)
    assert sorted(desk.keys) == ["event:1", "event:2"]


async def test_what_flaps_becomes_one_summary_on_every_route(file: Path) -> None:
    clock, desk, mail = FakeClock(), FakeChannel(), FakeChannel()
    async with outbox(file, clock, [DESK, MAIL], {"desk": desk, "mail": mail}) as site:
        for number in range(8):
            await site.notifier.tell(notice(number, clock))
            await site.advance(10, step=5)
        assert sorted(desk.keys) == ["event:0", "event:1", "event:2"]
        await site.notifier.tell(notice(20, clock, Severity.CRITICAL))  # louder: no member of that group
        await site.advance(400, step=10)
        summed_up = await site.notifier.listed(NoticeQuery(state=DeliveryState.SUMMED_UP))
    assert desk.keys == mail.keys
    assert desk.keys[3] == "event:20"
    (told,) = [one for _, one in desk.taken if one.key.startswith("summary:")]
    assert told.title == "5 more notices about uc, the last: event 7"
    assert [view.notice.key for view in summed_up] == [f"event:{number}" for number in range(7, 2, -1)]


async def test_a_group_survives_a_killed_daemon(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        for number in range(6):
            await site.notifier.tell(notice(number, clock))
        await site.advance(5)
    await clock.advance(400)
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.advance(5)
    assert len(desk.keys) == 4
    assert desk.taken[-1][1].title == "3 more notices about uc, the last: event 5"


async def test_a_critical_notice_escalates_unless_somebody_acknowledges_it(file: Path) -> None:
    clock, desk, boss = FakeClock(), FakeChannel(), FakeChannel()
    first = replace(DESK, escalate_to="boss", escalate_after=timedelta(minutes=10))
    routes = [first, Route("boss", escalations_only=True)]
    async with outbox(file, clock, routes, {"desk": desk, "boss": boss}) as site:
        await site.notifier.tell(notice(1, clock, Severity.CRITICAL))
        await site.notifier.tell(notice(2, clock, Severity.CRITICAL))
        await site.notifier.tell(notice(3, clock))
        await site.advance(60, step=10)
        seen = next(v for v in await site.notifier.listed(NoticeQuery()) if v.notice.key == "event:2")
        done = await site.notifier.acknowledge(seen.id, "pat")
        assert done is not None and done.acknowledged_by == "pat"
        again = await site.notifier.acknowledge(seen.id, "sam")
        assert again is not None and again.acknowledged_by == "pat"
        assert await site.notifier.acknowledge(9_999, "pat") is None
        await site.advance(530, step=10)
        assert boss.taken == []
        await site.advance(30, step=10)
        assert boss.keys == ["event:1"]
        await site.advance(3_600, step=60)
    assert boss.keys == ["event:1"]


async def test_nobody_is_woken_for_an_outage_that_is_over(file: Path) -> None:
    clock, desk, boss = FakeClock(), FakeChannel(), FakeChannel()
    routes = [replace(DESK, escalate_to="boss", escalate_after=timedelta(minutes=10))]
    routes.append(Route("boss", escalations_only=True))
    async with outbox(file, clock, routes, {"desk": desk, "boss": boss}) as site:
        store, gone = SqlOutageStore(site.database), failover(clock)
        await store.commit(gone)
        await site.notifier.tell(notice(1, clock, Severity.CRITICAL, scope="pbx"))
        await site.advance(300, step=10)
        assert gone.state is not None
        now = clock.now()
        back = replace(gone.state, mode=Mode.NORMAL, since=now, version=2)
        signal, reason = Signal.TRIAL_PASSED, Reason.TRIAL_CALLS_GOOD
        moved = Transition("uc", Mode.TRIAL, Mode.NORMAL, signal, reason, now, (), 2)
        await store.commit(OutageChange("change-2", state=back, transition=moved))
        await site.advance(900, step=10)
        seen = {view.notice.key: view.acknowledged_by for view in await site.notifier.listed(NoticeQuery())}
    assert boss.keys == ["event:1"]
    assert seen["transition:change-1"] == "ringfence (it is over)"


async def test_what_is_refused_escalates_at_once(file: Path) -> None:
    clock, desk, boss = FakeClock(), FakeChannel(), FakeChannel()
    desk.fault = ChannelRefused("401.")
    routes = [replace(DESK, escalate_to="boss", escalate_after=timedelta(hours=10)), Route("boss")]
    routes[1] = replace(routes[1], escalations_only=True)
    async with outbox(file, clock, routes, {"desk": desk, "boss": boss}) as site:
        await site.notifier.tell(notice(1, clock, Severity.CRITICAL))
        await site.advance(600, step=10)
    assert boss.keys == ["event:1"]


async def test_quiet_hours_hold_all_but_what_is_critical_across_the_clock_change(file: Path) -> None:
    # In the night to 31 March 2030 clocks in London go from 01:00 to 02:00: 07:00 there is 06:00 UTC.
    evening = datetime(2030, 3, 30, 23, 0, tzinfo=UTC)
    clock, desk = FakeClock(evening), FakeChannel()
    quiet = replace(DESK, quiet=parse_ring_hours("22:00-07:00", "Europe/London"))
    async with outbox(file, clock, [quiet], {"desk": desk}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.notifier.tell(notice(2, clock, Severity.CRITICAL))
        await site.advance(6 * 3600 + 58 * 60, step=600)
        assert desk.keys == ["event:2"]
        await site.advance(180, step=30)
        assert clock.now().wall.hour == 6
    assert desk.keys == ["event:2", "event:1"]


async def test_no_number_reaches_the_outbox_but_our_own_dids(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        leaky = replace(
            notice(1, clock), title="+447700900123 rang", text="from 07700 900 124 to +441134960012, at 12:00\nso"
        )
        await site.notifier.tell(leaky)
        await site.advance(3)
        (view,) = await site.notifier.listed(NoticeQuery())
    (sent,) = [one for _, one in desk.taken]
    assert sent == view.notice
    assert "900123" not in sent.title and sent.title.endswith("123 rang")
    assert "900" not in sent.text and "+441134960012, at 12:00\nso" in sent.text


async def test_old_notices_go_and_those_that_wait_stay(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        await site.notifier.tell(notice(1, clock))
        await site.advance(3)
        desk.fault = ChannelUnavailable("gone.")
        await site.notifier.tell(notice(2, clock))
        await site.advance(3)
        assert await site.store.prune(NOON + timedelta(days=1)) == 1
        assert [view.notice.key for view in await site.notifier.listed(NoticeQuery())] == ["event:2"]


async def test_notices_are_listed_newest_first_by_page_and_filter(file: Path) -> None:
    clock, desk = FakeClock(), FakeChannel()
    async with outbox(file, clock, [DESK], {"desk": desk}) as site:
        for number in range(5):
            severity = Severity.CRITICAL if number == 2 else Severity.INFO
            await site.notifier.tell(notice(number, clock, severity, scope=f"p{number}"))
        await site.advance(3)
        page = await site.notifier.listed(NoticeQuery(limit=2))
        assert [view.notice.key for view in page] == ["event:4", "event:3"]
        rest = await site.notifier.listed(NoticeQuery(limit=2, before=page[-1].id))
        assert [view.notice.key for view in rest] == ["event:2", "event:1"]
        loud = await site.notifier.listed(NoticeQuery(severity=Severity.CRITICAL, unacknowledged=True))
        assert [view.notice.scope for view in loud] == ["p2"]
        assert await site.notifier.listed(NoticeQuery(route="nobody")) == []
        assert len(await site.notifier.listed(NoticeQuery(route="desk", state=DeliveryState.SENT, scope="p1"))) == 1
