"""An agent at the pages of a real daemon: signed in with a break-glass account, as on a bad night."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Page, expect
from playwright.async_api import TimeoutError as WaitedTooLong

from ringfence.cli.sealed_accounts import first_accounts
from tests.lab.browser import Visitor, visitor
from tests.lab.node import RingfenceNode, write_private
from tests.lab.waiting import LabError

ACCOUNT = "break-glass-1"
NOTE_CLICK = """addEventListener("click", (event) =>
  sessionStorage.setItem("clicked-at", performance.timeOrigin + event.timeStamp), { capture: true, once: true })"""
CONFIRM = {"dr": "Confirm: move them to DR", "normal": "Confirm: force them to the platform"}


@asynccontextmanager
async def signed_in(browser: Browser, node: RingfenceNode) -> AsyncIterator[Visitor]:
    """Somebody who has opened the envelope, on the start page. A second call makes new envelopes."""
    # As `ringfence init` leaves it. The daemon reads it at each sign-in.
    accounts = first_accounts(node.config_path)
    write_private(accounts.file.path, accounts.file.text)
    async with visitor(browser, f"http://localhost:{node.http_port}") as somebody:
        page = somebody.page
        await page.goto("/")
        await page.get_by_label("Name of the account").fill(ACCOUNT)
        await page.get_by_label("Password").fill(accounts.passwords[ACCOUNT])
        await page.get_by_role("button", name="Sign in with the break-glass account").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Where calls go now")
        yield somebody


async def preview(page: Page, what: str, mode: str) -> None:
    """Fills in the big decision and looks at what it would do."""
    await page.goto("/")
    decide = page.locator("#decide")
    if not await decide.is_visible():
        raise LabError(f"the start page offers no decision, it says: {await _said(page)}")
    await decide.locator("#what").select_option(what)
    await decide.locator(f"input[name=mode][value={mode}]").check()
    await decide.locator("#reason").fill("vendor confirms an outage")
    await decide.get_by_role("button", name="Show what it would do").click()
    await expect(page.get_by_role("button", name=CONFIRM[mode])).to_be_visible()


async def confirm(page: Page, mode: str) -> float:
    """Clicks; when that was, in seconds since 1970, as the browser itself noted it: the driver first waits for the page
    to stand still."""
    await page.evaluate(NOTE_CLICK)
    await page.get_by_role("button", name=CONFIRM[mode]).click()
    await _done(page)
    return float(await page.evaluate("sessionStorage.getItem('clicked-at')")) / 1000


async def release(page: Page) -> None:
    """Gives the one decision that stands back to the automatic."""
    await page.goto("/")
    standing = page.locator("#overrides")
    await standing.get_by_label("Reason for the release").fill("over")
    await standing.get_by_role("button", name="Release").click()
    await _done(page)


async def _done(page: Page) -> None:
    """Waits for the page's word that it was done; as long as for anything else of it."""
    try:
        await page.locator(".done").wait_for()
    except WaitedTooLong:
        raise LabError(f"the page does not say that it was done, it says: {await _said(page)}") from None


async def _said(page: Page) -> str:
    return " ".join((await page.locator("main").inner_text()).split())
