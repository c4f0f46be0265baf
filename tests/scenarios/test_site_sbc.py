"""A site with an SBC in front: the pilot number in the Request-URI, the DID in P-Called-Party-ID, the caller in
P-Asserted-Identity. As `test_site_plain`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.installation import Installation
from tests.lab.sites.beside import Way
from tests.lab.sites.rounds import options_status
from tests.lab.sites.running import TRUNKS, Kind, RunningSite, running
from tests.scenarios.site_life import dial_through, live_through


@pytest_asyncio.fixture(scope="module")
async def site(installation: Installation) -> AsyncIterator[RunningSite]:
    async with running(installation, Kind.SBC) as site:
        yield site


@pytest.mark.parametrize("way", [Way.GOTO, Way.GOSUB])
async def test_before_with_during_and_after(site: RunningSite, way: Way) -> None:
    await live_through(site, way)


async def test_where_the_site_does_nothing_else_it_is_ours_to_dial(site: RunningSite) -> None:
    await dial_through(site, TRUNKS[Kind.SBC])


async def test_each_side_asks_the_other_whether_it_lives(site: RunningSite) -> None:
    assert "Avail" in await site.asterisk.cli("pjsip show contacts")
    assert await options_status(site) == 200
