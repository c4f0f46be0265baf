"""Every page as people may have it: light and dark, on a phone, under an outage; judged by axe and by its console."""

from __future__ import annotations

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.lab.browser import DESK, PHONE, keep_screenshot
from tests.pages.site import PAGES, Site

AXE = Axe()


async def accessible(page: Page, how: str) -> None:
    found = await AXE.run(page, options={"resultTypes": ["violations"]})
    told = [
        f"{violation['id']}: {violation['help']}: {[node['target'] for node in violation['nodes'][:5]]}"
        for violation in found.response["violations"]
    ]
    assert told == [], how


async def _fits(page: Page) -> None:
    """Nothing has to be scrolled sideways, but tables within a frame of their own."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels too wide at {page.viewport_size}"


async def looked_at_in_every_way(page: Page, name: str) -> None:
    await accessible(page, f"{name}, light")
    await keep_screenshot(page, f"{name}-light")
    await page.emulate_media(color_scheme="dark")
    await accessible(page, f"{name}, dark")
    await keep_screenshot(page, f"{name}-dark")
    await page.set_viewport_size(PHONE)
    await accessible(page, f"{name}, on a phone")
    await _fits(page)
    await keep_screenshot(page, f"{name}-phone")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(DESK)


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_can_be_used_by_everybody(still_site: Site, name: str) -> None:
    async with still_site.visited() as somebody:
        answer = await somebody.page.goto(PAGES[name])
        assert answer is not None and answer.status == (404 if name == "not-found" else 200)
        await looked_at_in_every_way(somebody.page, name)
        refused = [words for words in somebody.complaints if "404 (Not Found)" not in words or name != "not-found"]
        assert refused == []
