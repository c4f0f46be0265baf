"""A person's word about a DID does not outlive the DID's owner."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ringfence.app.former_owners import FormerOwners
from ringfence.app.orders import SetOverride
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.numbers import Did
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from tests.fakes.clock import settle
from tests.fakes.node import DID, OTHER_DID, FakeNode
from tests.fakes.roster_site import ACCOUNTS, RosterSite, did, mobile, post, push, whole


async def test_the_word_about_a_did_is_taken_back_through_the_writer_and_told() -> None:
    node = FakeNode()
    async with node.running():
        former = FormerOwners(lambda: node.failover)
        former.tell({Did(OTHER_DID)})  # nobody said anything about it
        task = asyncio.create_task(former.run())
        for number in (DID, OTHER_DID):
            word = Override(
                OverrideTarget(did=number), OverrideKind.DR, "h.help", "desk phone broken", node.clock.now().wall
            )
            await node.failover.order(SetOverride(word))
        former.tell({Did(DID)})
        await settle()
        assert list(node.failover.overrides) == [OverrideTarget(did=OTHER_DID)]
        told = node.outage_store.changes[-1]
        assert (told.override_released, told.who, told.why) == (
            OverrideTarget(did=DID),
            "ringfence",
            "its owner has changed",
        )
        task.cancel()
        await asyncio.wait([task], timeout=5)


async def test_a_list_goes_on_without_the_did_and_keeps_its_id() -> None:
    node = FakeNode()
    async with node.running():
        both, at = OverrideTarget.of_dids([DID, OTHER_DID]), node.clock.now().wall
        await node.failover.order(SetOverride(Override(both, OverrideKind.DR, "h.help", "drill", at, id="a1")))
        former = FormerOwners(lambda: node.failover)
        former.tell({Did(DID)})
        task = asyncio.create_task(former.run())
        await settle()
        (word,) = node.failover.overrides.values()
        assert (word.target, word.id, word.who) == (OverrideTarget(did=OTHER_DID), "a1", "h.help")
        assert (node.keeper.forced(DID), node.keeper.forced(OTHER_DID)) == ("-", "divert")
        told = node.outage_store.changes[-1]
        assert (told.override_released, told.who, told.why) == (both, "ringfence", "its owner has changed")
        former.tell({Did(OTHER_DID)})
        await settle()
        assert node.failover.overrides == {}
        task.cancel()


async def test_a_leaver_and_a_mover_give_their_dids_up() -> None:
    async with RosterSite().running() as site:
        await site.load_first(30)
        assert site.changed == []
        await site.hear(push(post(0, active=False)))
        assert site.changed == [did(0)]
        await site.much_later(days=31)
        await site.hear(push(post(31, dids=(did(0),), numbers=(HrNumber(mobile(31)),))))
        assert site.rings(0, 31)
        await site.hear(push(post(1, dids=(did(35),))))
        assert site.changed == [did(0), did(1)]


async def test_two_equal_claims_take_a_did_from_nobody_until_one_has_it() -> None:
    async with RosterSite().running() as site:
        await site.load_first(30)
        await site.load_first(30, ACCOUNTS)
        await site.hear(push(post(31, dids=(did(0),))))
        assert (site.changed, len(site.desk.conflicts())) == ([], 1)


async def test_another_key_is_no_other_owner() -> None:
    async with RosterSite().running() as site:
        await site.load_first(2)
        run = await site.hear(whole(post(0), replace(post(1), key=PersonKey("q1"))))
        await site.approve(run.plan)
        assert site.rings(1)
        assert site.changed == []
