"""The adapters against the shipped data plane, with the shipped users' privileges and real calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from ringfence.app.ports import CallEnded, CarrierCalled, LinkChanged, Put
from ringfence.asterisk.ami import AmiSettings
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient, AriSettings
from ringfence.asterisk.ari_link import AriLink
from ringfence.asterisk.astdb import AmiAstDb
from ringfence.asterisk.events import Wiring
from ringfence.asterisk.switchboard import AsteriskSwitchboard
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.outcomes import CallOutcome, OutcomeClass
from tests.integration.asterisk_links import Events, RealClock, running
from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.scenarios.site import CallSite, open_site
from tests.scenarios.site_files import DAEMON_SECRET


@pytest_asyncio.fixture
async def site(installation: Installation, ports: Ports) -> AsyncIterator[CallSite]:
    opened, close = await open_site(installation, ports)
    await opened.reset()
    yield opened
    await close()


async def test_calls_through_the_shipped_dialplan_are_told_and_swept(site: CallSite) -> None:
    at, events = site.asterisk.ports, Events()
    settings = AriSettings("ringfence", DAEMON_SECRET, "node1", f"http://127.0.0.1:{at.http}")
    ami = AmiLink(AmiSettings("ringfence", DAEMON_SECRET, port=at.ami), "modes")
    async with AriClient(settings) as ari:
        link = AriLink(ari, Wiring({"uc": "uc"}), RealClock())
        async with running(link.run(events.emit), ami.run()), asyncio.timeout(60):
            await events.wait_for(LinkChanged)
            await ami.wait_up()

            astdb = AmiAstDb(ami)
            await astdb.write([Put("did/1/x", "1|x"), Put("did/1/y", "1|y")], ["did/1/y"])
            assert await astdb.read_tree("did/1") == {"did/1/x": "1|x"}

            healthy = site.did()
            await site.record(healthy)
            await site.carrier.call(healthy)
            await events.wait_for(CarrierCalled)
            outcome = await events.wait_for(CallOutcome)
            assert (outcome.scope, outcome.did, outcome.outcome) == ("uc", healthy, OutcomeClass.PUT_THROUGH)
            record = (await events.wait_for(CallEnded)).record
            assert (record.did, record.trunk, record.path) == (healthy, "carrier", "platform")
            assert (record.answered_by, record.step) == (AnsweredBy.PLATFORM, 0)

            refused = site.did()
            await site.record(refused)
            await site.platform.answer(503)
            await site.carrier.call(refused)
            outcome = await events.wait_for(CallOutcome)
            assert (outcome.did, outcome.outcome, outcome.status) == (refused, OutcomeClass.FAILURE, 503)
            record = (await events.wait_for(CallEnded)).record
            assert (record.path, record.step, record.platform_status) == ("inline", 1, 503)
            assert record.answered_by is AnsweredBy.PERSON

            trapped = site.did()
            await site.record(trapped)
            await site.platform.silent()
            board = AsteriskSwitchboard(ari, ami, link.legs)
            waiting = asyncio.ensure_future(site.carrier.call(trapped))
            while not (legs := await board.platform_legs("uc")):
                await asyncio.sleep(0.01)
            assert [await board.free(leg) for leg in legs] == [True]
            await waiting
            record = (await events.wait_for(CallEnded)).record
            assert (record.did, record.answered_by) == (trapped, AnsweredBy.PERSON)
    assert not link.dropped
