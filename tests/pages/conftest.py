"""A served node for each test; one for all tests that only look."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from tests.pages.site import Site, served


@pytest_asyncio.fixture
async def site(browser: Browser) -> AsyncIterator[Site]:
    async with served(browser) as ready:
        yield ready


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def still_site(browser: Browser) -> AsyncIterator[Site]:
    """Nobody changes anything here."""
    async with served(browser) as ready:
        yield ready
