"""Orders about overrides: a second person, an undo, two agents at once, one key twice, the notice before the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from ringfence.app.audit_facts import SIGNED_IN_BY, facts_of_outage
from ringfence.app.operator import NotNow, NotOurs, OrderRefused
from ringfence.app.orders import NO_WORD, Overtaken
from ringfence.app.override_desk import OverrideDesk
from ringfence.app.override_watch import OverrideWatch
from ringfence.app.ports import StoreUnavailable
from ringfence.app.second_person import PendingOrder, SecondPerson, SecondPersonPolicy, WordOrder
from ringfence.domain.access import EVERYTHING, Caller, SignedInBy
from ringfence.domain.notice import NoticeKind
from ringfence.domain.outage import Decision
from ringfence.domain.override import Level, Override, OverrideKind, OverrideTarget
from tests.fakes.clock import settle
from tests.fakes.node import DID, OTHER_DID, SCOPE, FakeNode

UC = OverrideTarget(scope=SCOPE)
WIDE = SecondPersonPolicy(frozenset({Level.EVERYTHING, Level.PLATFORM}))
DR = WordOrder(OverrideKind.DR, UC, "vendor confirms an outage")


def person(name: str, by: SignedInBy = SignedInBy.SOCKET, session: str = "", key: str | None = None) -> Caller:
    return Caller(name, EVERYTHING, by, person=key, session=session)


ADA, BOB = person("ada"), person("bob")
PAGE_ADA = person("Ada Example (ada@example.org)", SignedInBy.OIDC, "s1")


def strict_node() -> FakeNode:
    node = FakeNode()
    node.second_person.policy = WIDE
    return node


async def asked(node: FakeNode, order: WordOrder = DR, caller: Caller = ADA) -> PendingOrder:
    pending = await node.words_desk.order(order, caller)
    assert isinstance(pending, PendingOrder)
    return pending


async def said(node: FakeNode, order: WordOrder = DR, caller: Caller = ADA) -> Override:
    word = await node.words_desk.order(order, caller)
    assert isinstance(word, Override)
    return word


async def test_a_wide_order_moves_nothing_until_another_person_approves_it() -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node, replace(DR, lasts=timedelta(hours=1)))
        assert node.failover.decision(SCOPE) is Decision.NORMAL
        assert [one.kind for one in node.told.notices] == [NoticeKind.OVERRIDE]
        await node.clock.advance(60)
        word = await node.words_desk.approve(pending.id, BOB)
        assert node.failover.decision(SCOPE) is Decision.DIVERT
        assert (word.who, word.approved_by, word.alone) == ("ada", "bob", False)
        assert word.until == node.clock.now().wall + timedelta(hours=1)  # from the moment it is carried out
        assert node.words_desk.pending() == ()
        with pytest.raises(NotOurs):
            await node.words_desk.approve(pending.id, BOB)


async def test_the_record_tells_how_whoever_asked_had_signed_in_not_whoever_approved() -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node, caller=PAGE_ADA)
        SIGNED_IN_BY.set(SignedInBy.SOCKET)
        await node.words_desk.approve(pending.id, BOB)
        facts = [fact for change in node.outage_store.changes for fact in facts_of_outage(change)]
    assert [(fact.who, fact.by, fact.detail["approved by"]) for fact in facts if fact.action == "override dr set"] == [
        (PAGE_ADA.name, SignedInBy.OIDC, "bob")
    ]


@pytest.mark.parametrize(
    ("asking", "approving", "two"),
    [
        (person("ada"), person("bob"), True),
        (person("ada"), person("ADA "), False),
        (person("ada"), person("ada (http)", SignedInBy.TOKEN), False),
        (person("ada (http)", SignedInBy.TOKEN), person("bob (http)", SignedInBy.TOKEN), False),
        (person("ada (http)", SignedInBy.TOKEN), person("bob"), False),
        (person("ada"), person("bob (http)", SignedInBy.TOKEN), False),
        (person("ada"), person("wallboard (key)", SignedInBy.KEY), False),
        (person("nightly (key)", SignedInBy.KEY), person("ada"), False),
        (PAGE_ADA, person("ada"), False),
        (PAGE_ADA, person("Ada Married (ada@example.org)", SignedInBy.OIDC, "s2"), False),
        (PAGE_ADA, person("Ada Example (ada.2@example.org)", SignedInBy.OIDC, "s2"), False),
        (PAGE_ADA, person("bob"), True),
        (PAGE_ADA, person("Bob Example (bob@example.org)", SignedInBy.OIDC, "s2"), True),
        (PAGE_ADA, person("break-glass-1", SignedInBy.BREAK_GLASS, "s2"), True),
        (person("ada", session="s1"), person("ada at home", session="s1"), False),
        (person("ada", session="s1"), person("bob", session="s2"), True),
        (person("ada", key="p1"), person("a.example", key="p1"), False),
    ],
)
async def test_who_counts_as_another_person(asking: Caller, approving: Caller, two: bool) -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node, caller=asking)
        if two:
            await node.words_desk.approve(pending.id, approving)
        else:
            with pytest.raises(NotNow, match="another person"):
                await node.words_desk.approve(pending.id, approving)
        assert bool(node.failover.overrides) is two


async def test_alone_after_two_minutes_marked_and_told() -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node)
        await node.clock.advance(119)
        with pytest.raises(NotNow, match=r"another person|Alone"):
            await node.words_desk.approve(pending.id, ADA)
        await node.clock.advance(1)
        word = await node.words_desk.approve(pending.id, ADA)
        assert (word.alone, word.approved_by) == (True, "")
        assert "alone" in node.told.notices[-1].title
        stored = node.outage_store.overrides[UC]
        assert stored.alone


async def test_an_order_waits_half_an_hour_and_outlives_a_restart_and_a_lost_database() -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node)
        again = SecondPerson(WIDE, node.order_store, node.clock)
        task = asyncio.create_task(again.run())
        await settle()
        assert again.waiting() == (pending,)
        node.order_store.fault = StoreUnavailable("locked")
        kept = await asked(node, replace(DR, kind=OverrideKind.NORMAL))
        assert kept in node.words_desk.pending()
        node.order_store.fault = None
        await node.clock.advance(30 * 60 + 10)
        assert (again.waiting(), node.order_store.pending) == ((), {})
        assert node.words_desk.pending() == ()
        task.cancel()


async def test_asked_twice_it_waits_once_and_rejected_it_waits_no_more() -> None:
    node = strict_node()
    async with node.running():
        pending = await asked(node)
        assert await asked(node) == pending
        await node.words_desk.reject(pending.id, "bob", "the vendor says otherwise")
        assert (node.words_desk.pending(), node.failover.overrides) == ((), {})


async def test_while_nobody_has_read_the_directory_no_did_is_called_unknown() -> None:
    node = strict_node()
    async with node.running():
        node.keeper.directory = None
        with pytest.raises(StoreUnavailable, match="has not been read"):
            await node.words_desk.order(replace(DR, target=OverrideTarget(did=DID)), ADA)
        assert await asked(node), "a platform is in the configuration"


async def test_asking_and_rejecting_are_noted_and_a_lost_database_stops_neither() -> None:
    node = strict_node()
    async with node.running():
        SIGNED_IN_BY.set("local socket")
        first = await asked(node)
        SIGNED_IN_BY.set("sign-in")
        await node.words_desk.reject(first.id, "bob", "the vendor says otherwise")
        assert [(fact.action, fact.about, fact.who, fact.by) for fact in node.order_store.facts] == [
            ("override dr asked for", "scope:uc", "ada", "local socket"),
            ("override dr rejected", "scope:uc", "bob", "sign-in"),
        ]
        node.order_store.fault = StoreUnavailable("locked")
        again = await asked(node)
        await node.words_desk.reject(again.id, "bob", "the vendor says otherwise")
        assert node.words_desk.pending() == ()


async def test_narrow_orders_and_releases_need_nobody() -> None:
    node = strict_node()
    async with node.running():
        await said(node, WordOrder(OverrideKind.DR, OverrideTarget(site="Leeds"), "flood"))
        pending = await asked(node)
        await node.words_desk.approve(pending.id, BOB)
        assert await node.words_desk.release(UC, "ada", "over")
        assert node.failover.decision(SCOPE) is Decision.NORMAL


async def test_undo_brings_back_what_stood_before() -> None:
    node = FakeNode()
    async with node.running():
        site = OverrideTarget(site="Leeds")
        first = await said(node, WordOrder(OverrideKind.NORMAL, site, "pinned"))
        await node.clock.advance(60)
        second = await said(node, WordOrder(OverrideKind.DR, site, "flood"), BOB)
        assert node.keeper.forced(DID) == "divert"
        undone = await node.words_desk.undo(second.id, "ada", "wrong site")
        assert undone.standing is not None
        assert (undone.standing.kind, undone.standing.who) == (OverrideKind.NORMAL, "ada")
        assert node.keeper.forced(DID) == "pinned"
        for gone in (first.id, second.id, "", "nonsense"):
            with pytest.raises(NotOurs):
                await node.words_desk.undo(gone, "ada", "again")


async def test_an_undo_gives_back_to_the_automatic_what_nobody_had_spoken_of() -> None:
    node = FakeNode()
    async with node.running():
        word = await said(node)
        assert (await node.words_desk.undo(word.id, "ada", "typing error")).standing is None
        assert (node.failover.overrides, node.failover.decision(SCOPE)) == ({}, Decision.NORMAL)


async def test_an_undo_does_not_bring_back_a_word_whose_time_is_over_nor_one_of_yesterday() -> None:
    node = FakeNode()
    async with node.running():
        await said(node, replace(DR, lasts=timedelta(minutes=5)))
        second = await said(node, replace(DR, kind=OverrideKind.NORMAL))
        await node.clock.advance(600)
        assert (await node.words_desk.undo(second.id, "ada", "again")).standing is None
        third = await said(node)
        await node.clock.advance(24 * 3600 + 1)
        with pytest.raises(NotNow, match="24 hours"):
            await node.words_desk.undo(third.id, "ada", "late")
        assert UC in node.failover.overrides


async def test_two_agents_at_once_see_each_other() -> None:
    node = FakeNode()
    async with node.running():
        first = await said(node, replace(DR, expected=NO_WORD), BOB)
        with pytest.raises(Overtaken, match="was set to dr by bob"):
            await node.words_desk.order(replace(DR, kind=OverrideKind.NORMAL, expected=NO_WORD), ADA)
        with pytest.raises(Overtaken, match="was set to dr by bob"):
            await node.words_desk.release(UC, "ada", "over", expected="another")
        assert node.failover.overrides[UC] == first
        second = await said(node, replace(DR, kind=OverrideKind.NORMAL, expected=first.id))
        await node.words_desk.release(UC, "bob", "over")
        with pytest.raises(Overtaken, match="has ended since"):
            await node.words_desk.order(replace(DR, expected=second.id), ADA)


async def test_a_range_is_the_dids_of_ours_in_it_and_one_decision() -> None:
    node = FakeNode()
    async with node.running():
        target = node.words_desk.range_of("+441134960100", "+441134960199")
        assert target.dids == (DID, OTHER_DID)
        await said(node, WordOrder(OverrideKind.DR, target, "drill"))
        assert len(node.outage_store.changes) == 1
        assert [node.keeper.forced(did) for did in (DID, OTHER_DID)] == ["divert", "divert"]
        assert "|divert|" in node.astdb.rows[f"did/124/{OTHER_DID}"]
        assert node.words_desk.range_of(DID, DID) == OverrideTarget(did=DID)
        with pytest.raises(NotOurs):
            node.words_desk.range_of("+441134960500", "+441134960599")
        with pytest.raises(OrderRefused):
            node.words_desk.range_of("+441134960199", "+441134960100")
        with pytest.raises(OrderRefused, match="at most 1000"):
            node.words_desk.list_of([f"+44113{4960000 + n}" for n in range(1001)])


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (OverrideTarget(site="Paris"), "site"),
        (OverrideTarget(team="Sales"), "team"),
        (OverrideTarget(did="+441134960777"), "did"),
        (OverrideTarget.of_dids([DID, "+441134960777"]), "did"),
        (OverrideTarget(scope="pbx"), "scope"),
    ],
)
async def test_what_is_not_ours_is_named(target: OverrideTarget, field: str) -> None:
    node = FakeNode()
    async with node.running():
        with pytest.raises(NotOurs) as refused:
            await node.words_desk.order(WordOrder(OverrideKind.DR, target, "drill"), ADA)
        assert refused.value.field == field
        assert node.failover.overrides == {}


@pytest.mark.parametrize("target", [OverrideTarget(site="Leeds"), OverrideTarget.of_dids([DID, OTHER_DID])])
async def test_only_platforms_and_everything_are_frozen(target: OverrideTarget) -> None:
    node = FakeNode()
    async with node.running():
        with pytest.raises(OrderRefused, match="cannot be frozen"):
            await node.words_desk.order(WordOrder(OverrideKind.FREEZE, target, "works"), ADA)


async def test_people_are_told_once_before_an_override_ends() -> None:
    node = FakeNode()
    async with node.running():
        watch = OverrideWatch(node.clock, node.failover.overrides.values, node.told, timedelta(minutes=10))
        await said(node, replace(DR, lasts=timedelta(hours=1)))
        await said(node, WordOrder(OverrideKind.DR, OverrideTarget(did=DID), "short", lasts=timedelta(minutes=5)))
        for minutes in (0, 49, 1, 5):
            await node.clock.advance(minutes * 60)
            await watch.look()
            assert len(node.told.notices) == (minutes in (1, 5))
        notice = node.told.notices[0]
        assert (notice.kind, notice.scope) == (NoticeKind.OVERRIDE_ENDS, SCOPE)
        assert "13:00" in notice.title
        await node.clock.advance(300)
        node.failover.submit(None)  # the clock's tick
        await settle()
        assert node.failover.overrides == {}
        assert node.failover.decision(SCOPE) is Decision.NORMAL


def test_the_desk_is_one_for_all_doors() -> None:
    node = FakeNode()
    assert isinstance(node.words.desk, OverrideDesk)
    assert node.services.words is not None and node.services.words.desk is node.words.desk
