"""A site of plain configuration files: the same calls before Ringfence, with it in each way in, in an outage, and after
it was taken out; and then there is no trace."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.installation import Installation
from tests.lab.sites.beside import Way
from tests.lab.sites.running import PLAIN_CARRIER, Kind, RunningSite, running
from tests.scenarios.site_life import dial_through, live_through


@pytest_asyncio.fixture(scope="module")
async def site(installation: Installation) -> AsyncIterator[RunningSite]:
    async with running(installation, Kind.PLAIN) as site:
        yield site


@pytest.mark.parametrize(("way", "door"), [(Way.GOTO, False), (Way.GOSUB, True)])
async def test_before_with_during_and_after(site: RunningSite, way: Way, door: bool) -> None:
    await live_through(site, way, door=door)


async def test_a_trunk_that_only_dials_is_ours_to_dial(site: RunningSite) -> None:
    await dial_through(site, PLAIN_CARRIER)
