"""One site for all scenarios of a run: a call leaves nothing behind but what `reset` clears."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.scenarios.site import CallSite, open_site


@pytest_asyncio.fixture(scope="session")
async def shared_site(installation: Installation) -> AsyncIterator[CallSite]:
    ports = Ports()
    site, close = await open_site(installation, ports)
    yield site
    await close()
    ports.close()


@pytest_asyncio.fixture
async def site(shared_site: CallSite) -> CallSite:
    """The site with an empty AstDB and healthy far ends."""
    await shared_site.reset()
    return shared_site
