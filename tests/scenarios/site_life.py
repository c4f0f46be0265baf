"""What a site lives through: before, with Ringfence, an outage, and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import unified_diff

from tests.lab.sites.beside import MOBILE, SiteNode, Way
from tests.lab.sites.rounds import (
    ABROAD,
    Round,
    bring,
    internal_call,
    legs_of,
    new_caller,
    outgoing_call,
    whole_round,
)
from tests.lab.sites.running import PHONES, RunningSite, Trunk
from tests.lab.waiting import wait_until

VERDICT_SECONDS = 30.0


async def live_through(site: RunningSite, way: Way, *, door: bool = True, frozen: bool = False) -> None:
    """Everything that a way in promises to a site whose own dialplan does something with its calls. `door`: with the
    one line that hands on a call whose Dial failed; without it such a call is the site's own affair. `frozen`: the
    platform freezes, and the verdict is waited for."""
    before, files, held = await whole_round(site), site.files(), await site.held()
    _is_what_the_site_is_for(before, site)
    node = SiteNode(site, way)
    try:
        node.add(door=door)
        await node.read_by_asterisk()
        await node.start(ready=False)
        await node.import_people()
        assert await whole_round(site) == before, "in NORMAL"
        said = await node.must("GET", f"/v1/explain/%2B{site.trunk.open_did[1:]}")
        assert said["handed_over"] == ({site.trunk.name: site.trunk.context} if way is Way.GOTO else {})
        await _one_call_fails(site, diverted=door)
        await _outage(site, node, before, frozen=frozen)
    finally:
        await site.lab.platform.thaw()
        await node.remove()
        await node.close()
    assert site.files() == files
    changes = list(_changes(held, await site.held()))
    assert not changes, "\n".join(changes)
    assert await whole_round(site) == before, "taken out"


async def dial_through(site: RunningSite, trunk: Trunk) -> None:
    """A trunk whose calls only go to the platform: ours to dial. Everything else of the site is as it was."""
    files, held = site.files(), await site.held()
    others = (await internal_call(site), await outgoing_call(site))
    straight = await _straight(site, trunk)
    assert straight == (200, [trunk.open_did], [])
    node = SiteNode(site, Way.DIAL, trunk)
    try:
        node.add()
        await node.read_by_asterisk()
        await node.start(ready=False)
        await node.import_people()
        assert await _straight(site, trunk) == straight
        await wait_until(
            lambda: _journaled(node, trunk), what="the call in the journal", deadline_seconds=10, interval_seconds=0.2
        )
        assert (await internal_call(site), await outgoing_call(site)) == others
        await site.lab.platform.answer(503, number=trunk.open_did)
        assert await _straight(site, trunk) == (200, [trunk.open_did], [MOBILE])
        await site.lab.platform.answer(200, number=trunk.open_did)
    finally:
        await node.remove()
        await node.close()
    assert site.files() == files
    changes = list(_changes(held, await site.held()))
    assert not changes, "\n".join(changes)
    assert await _straight(site, trunk) == straight
    assert (await internal_call(site), await outgoing_call(site)) == others


async def _journaled(node: SiteNode, trunk: Trunk) -> bool:
    """The journal is written behind a call."""
    calls = (await node.must("GET", f"/v1/calls?did=%2B{trunk.open_did[1:]}"))["calls"]
    return [(c["path"], c["answered_by"], c["trunk"]) for c in calls] == [("platform", "platform", trunk.name)]


async def _straight(site: RunningSite, trunk: Trunk) -> tuple[int | None, list[str], list[str]]:
    """One call by this trunk: how it ended, what the platform was asked for, what was asked for outside."""
    caller = new_caller()
    call = await bring(site, trunk.open_did, caller, trunk)
    places = (legs_of(site.lab.platform, caller), legs_of(site.lab.mobile_network, caller))
    at_platform, outside = ([leg.number for leg in legs] for legs in places)
    return call.final_status, at_platform, outside


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for question, lines in before.items():
        yield from unified_diff(lines.splitlines(), after[question].splitlines(), question, n=0, lineterm="")


def _is_what_the_site_is_for(seen: Round, site: RunningSite) -> None:
    """Else two rounds would be equal in nothing."""
    assert (seen.when_open.status, seen.when_open.platform) == (200, (site.trunk.open_did,))
    assert (seen.when_open.recorded, seen.when_open.handlers, seen.when_open.as_caller) == (True, (True, True), True)
    assert (seen.when_closed.status, seen.when_closed.platform) == (200, ())
    assert (seen.when_closed.recorded, seen.when_closed.handlers) == (False, (True, True))
    assert seen.internal == (200, (PHONES[1],))
    status, ((number, shown),) = seen.outgoing
    assert (status, number) == (200, ABROAD)
    assert shown.startswith("+44113496")


async def _one_call_fails(site: RunningSite, *, diverted: bool) -> None:
    """The mode is NORMAL still, so it is this very call that is survived."""
    did, caller = site.trunk.open_did, new_caller()
    await site.lab.platform.answer(503, number=did)
    call = await bring(site, did, caller)
    await site.lab.platform.answer(200, number=did)
    assert call.answered is diverted
    assert [leg.number for leg in legs_of(site.lab.mobile_network, caller)] == ([MOBILE] if diverted else [])


async def _outage(site: RunningSite, node: SiteNode, before: Round, *, frozen: bool) -> None:
    """What the platform takes no more reaches people; what never was the platform's goes on. Not `frozen`: a person
    says that the platform is down, which is quicker."""
    if frozen:
        await site.lab.platform.freeze()
    else:
        await node.must("PUT", "/v1/override", {"mode": "dr", "scope": "uc", "reason": "its people say so"})

    async def published() -> bool:
        return "|divert|" in await node.published_mode()

    await wait_until(published, what="the verdict in Asterisk", deadline_seconds=VERDICT_SECONDS)
    caller = new_caller()
    assert (await bring(site, site.trunk.open_did, caller)).answered
    assert [leg.number for leg in legs_of(site.lab.mobile_network, caller)] == [MOBILE]
    assert await internal_call(site) == before.internal
    assert await outgoing_call(site) == before.outgoing
    await site.lab.platform.thaw()
