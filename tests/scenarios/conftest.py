"""One site for all scenarios of a run: a call leaves nothing behind but what `reset` clears."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.lab.installation import Installation
from tests.scenarios.site import CallSite, running_site

CDR = "[general]\nenable=yes\nunanswered=yes\ncongestion=yes\n[csv]\nusegmtime=yes\nloguniqueid=yes\nloguserfield=yes\n"


@pytest_asyncio.fixture(scope="session")
async def shared_site(installation: Installation) -> AsyncIterator[CallSite]:
    async with running_site(installation) as site:
        yield site


@pytest_asyncio.fixture
async def recording(installation: Installation) -> AsyncIterator[CallSite]:
    """A site whose Asterisk writes CDRs, of all its calls."""
    async with running_site(installation, own={"cdr.conf": CDR}) as site:
        await site.reset()
        yield site


@pytest_asyncio.fixture
async def site(shared_site: CallSite) -> CallSite:
    """The site with an empty AstDB and healthy far ends."""
    await shared_site.reset()
    return shared_site
