"""A site whose files a web interface writes, with custom files beside them (FreePBX-shaped): as `test_site_plain`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.lab.installation import Installation
from tests.lab.sites.beside import Way
from tests.lab.sites.running import Kind, RunningSite, running
from tests.scenarios.site_life import live_through


@pytest_asyncio.fixture(scope="module")
async def site(installation: Installation) -> AsyncIterator[RunningSite]:
    async with running(installation, Kind.FREEPBX) as site:
        yield site


@pytest.mark.parametrize(("way", "frozen"), [(Way.GOTO, True), (Way.GOSUB, False)])
async def test_before_with_during_and_after(site: RunningSite, way: Way, frozen: bool) -> None:
    await live_through(site, way, frozen=frozen)
