"""A toggle on the page moves the next call: a real browser, the real daemon, a real Asterisk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.lab.browser import keep_screenshot, visitor
from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.page_visit import ACCOUNT, confirm, preview, release, signed_in
from tests.pages.test_look import looked_at_in_every_way
from tests.scenarios.outage_steps import ORGANISATION, PLATFORM, call, until


@pytest_asyncio.fixture
async def stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as ready:
        yield ready


async def test_a_toggle_on_the_page_moves_the_next_call_and_back(stage: Stage, browser: Browser) -> None:
    async def published(decision: str) -> None:
        async def told() -> bool:
            return await stage.published() == decision

        await until(stage, f"{decision} in Asterisk", told)

    async with visitor(browser, f"http://localhost:{stage.node.http_port}") as stranger:
        await stranger.page.goto("/calls")
        await expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Sign in")
        await looked_at_in_every_way(stranger.page, "sign-in")
    async with signed_in(browser, stage.node) as agent:
        assert await call(stage) == "platform"
        await preview(agent.page, "scope:uc", "dr")
        assert await call(stage) == "platform", "looking moves nothing"
        await confirm(agent.page, "dr")
        await published("divert")
        assert await call(stage) == "person"
        await expect(agent.page.locator("#banner")).to_contain_text("go to default numbers")
        await keep_screenshot(agent.page, "real-daemon-in-dr")
        await release(agent.page)
        await published("normal")
        assert await call(stage) == "platform"
        assert agent.complaints == []
    history = (await stage.node.must("GET", "/v1/history?limit=20"))["history"]
    assert ACCOUNT in {row["who"] for row in history}
