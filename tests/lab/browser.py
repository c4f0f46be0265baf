"""A real Chromium for tests of the pages: one process per session, one context (cookies, size, colours) per visitor.

A page that breaks its own content security policy, throws, or is refused something by the server says so in its
console: `Visitor` keeps what was said, and a test asks for silence.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, async_playwright

from tests.lab.desk_programs import ensure_browser

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
# A page of ours answers at once or is broken, but the browser itself may come from a cold disk.
PATIENCE_MILLISECONDS = 15_000

# Root may not use Chromium's own sandbox, and a container's /dev/shm is too small for it. The pages are ours.
_SWITCHES = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Started without a window. It takes half a second, so a session shares it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=ensure_browser(), args=_SWITCHES)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Visitor:
    """One person at one browser: cookies of their own, and everything its console complained of."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Keeps errors and warnings of the page's console, and what its script threw."""
        page.on("console", lambda message: self._console(message))  # Playwright sets attributes on bound methods
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")


@asynccontextmanager
async def visitor(
    browser: Browser,
    base_url: str,
    *,
    viewport: ViewportSize = DESK,
    colours: Literal["light", "dark"] = "light",
    script: bool = True,
    headers: Mapping[str, str] | None = None,
    language: str = "en-GB",
) -> AsyncIterator[Visitor]:
    """`script` False: as with JavaScript switched off. `headers` are sent with every request. The certificate is
    believed whoever signed it: a lab's is its own."""
    context = await browser.new_context(
        base_url=base_url,
        viewport=viewport,
        color_scheme=colours,
        java_script_enabled=script,
        extra_http_headers=dict(headers or {}),
        locale=language,
        timezone_id="Europe/London",
        ignore_https_errors=True,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    page = await context.new_page()
    whoever = Visitor(context, page)
    whoever.listen(page)
    try:
        yield whoever
    finally:
        await context.close()


async def keep_screenshot(page: Page, name: str) -> Path:
    """The whole page as a PNG among the build's output, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    await page.screenshot(path=path, full_page=True)
    return path
