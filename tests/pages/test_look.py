"""Every page as people may have it: light and dark, on a phone, under an outage; judged by axe and by its console."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.fakes.node import PRIVATE_NUMBERS
from tests.fakes.roster_node import NEW_NUMBER
from tests.lab.browser import DESK, PHONE, keep_screenshot
from tests.pages.site import CALLER, PAGES, Site

AXE = Axe()


async def accessible(page: Page, how: str, rule: str | None = None) -> None:
    """By all rules, or by one."""
    # Of 24 pixels or with room around it: a rule that has to be asked for.
    only: dict[str, Any] = {"runOnly": [rule]} if rule else {"rules": {"target-size": {"enabled": True}}}
    found = await AXE.run(page, options={"resultTypes": ["violations"], **only})
    told = [
        f"{violation['id']}: {violation['help']}: {[node['target'] for node in violation['nodes'][:5]]}"
        for violation in found.response["violations"]
    ]
    assert told == [], how


async def _fits(page: Page) -> None:
    """Nothing has to be scrolled sideways, but tables within a frame of their own."""
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} pixels too wide at {page.viewport_size}"


async def _keeps_numbers(page: Page, how: str) -> None:
    """Neither what is seen nor what is in the source shows a private number, or a caller's, however it is written."""
    digits = re.sub(r"[^0-9<>]", "", await page.content())
    assert [number for number in (*PRIVATE_NUMBERS, NEW_NUMBER, CALLER) if number[3:] in digits] == [], how


async def looked_at_in_every_way(page: Page, name: str) -> None:
    await _keeps_numbers(page, name)
    await page.set_viewport_size(DESK)
    await accessible(page, f"{name}, light")
    await keep_screenshot(page, f"{name}-light")
    await page.emulate_media(color_scheme="dark")
    await accessible(page, f"{name}, dark", "color-contrast")  # the only rule that colours can break
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


async def test_so_can_whatever_else_the_navigation_leads_to(still_site: Site) -> None:
    async with still_site.visited() as somebody:
        page = somebody.page
        await page.goto("/")
        links = await page.locator("nav a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
        assert set(links) >= {"/", "/calls", "/people", "/plans"}
        for link in sorted(set(links) - set(PAGES.values())):
            answer = await page.goto(link)
            assert answer is not None and answer.status == 200, link
            await looked_at_in_every_way(page, link.strip("/").replace("/", "-"))
        assert somebody.complaints == []


async def test_every_page_reads_without_javascript_and_without_styles(still_site: Site) -> None:
    """In the order of the source, as a screen reader has it: one main heading, and headings that skip no level."""
    async with still_site.visited(script=False) as somebody:
        for name, path in PAGES.items():
            await somebody.page.goto(path)
            levels = await somebody.page.locator("h1, h2, h3, h4, h5, h6").all()
            found = [int((await level.evaluate("it => it.tagName"))[1]) for level in levels]
            assert found[:1] == [1] and found.count(1) == 1, name
            assert all(after <= before + 1 for before, after in pairwise(found)), (name, found)
            nameless = "table:not([aria-label], [aria-labelledby], :has(caption))"
            assert await somebody.page.locator(nameless).count() == 0, name


async def test_what_somebody_smuggles_into_a_page_does_not_run(still_site: Site) -> None:
    async with still_site.visited() as somebody:
        await somebody.page.goto("/")
        await somebody.page.evaluate("""() => {
          const smuggled = document.createElement("script");
          smuggled.textContent = "window.smuggled = true";
          document.body.append(smuggled);
        }""")
        assert await somebody.page.evaluate("window.smuggled") is None
        assert any("Content Security Policy" in words for words in somebody.complaints)
