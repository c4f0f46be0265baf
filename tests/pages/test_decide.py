"""The big decision in a real browser: shown before it moves anything, moved by mouse, by keyboard and without
JavaScript, seen by everybody at once, and over when its time is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from ringfence.domain.access import Role
from ringfence.domain.outage import Decision
from tests.fakes.clock import settle
from tests.fakes.roster_node import ada, bob
from tests.lab.browser import PHONE, keep_screenshot
from tests.pages.site import DID, SCOPE, Site, order, outage
from tests.pages.test_look import accessible, looked_at_in_every_way

BANNER = "#banner"
IN_DR = f"Calls of {SCOPE} go to default numbers (DR mode)."
CONFIRM = "Confirm: move them to DR"
WHAT = f"scope:{SCOPE}"
TEAM = "Service desk"

# What the browser draws around the focus. Forced colours and shadows count too.
OUTLINED = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
}"""
FOCUSED = """() => {
  const it = document.activeElement;
  return `${it.tagName.toLowerCase()}#${it.id} ${(it.innerText || it.value || "").trim()}`;
}"""


def _words(site: Site) -> list[tuple[str, str]]:
    """Who said what, as the one writer has it."""
    return [(str(target), word.who) for target, word in site.node.failover.overrides.items()]


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
async def test_nothing_moves_before_it_is_confirmed(site: Site, script: bool) -> None:
    async with site.visited(script=script) as agent:
        page = agent.page
        await order(page, WHAT)
        await expect(page.get_by_role("heading", level=1)).to_have_text("What it would do")
        await expect(page.get_by_role("main")).to_contain_text("It is about: 2 DIDs")
        assert _words(site) == []
        await page.get_by_role("button", name=CONFIRM).click()
        await expect(page.locator(".done")).to_have_text("Done: the decision is on its way to Asterisk.")
        await expect(page.locator(BANNER)).to_contain_text(IN_DR)
        assert site.node.failover.decision(SCOPE) is Decision.DIVERT
        assert [who for _, who in _words(site)] == ["ada.agent"]
        await page.locator("#overrides").get_by_label("Reason for the release").fill("over")
        await page.locator("#overrides").get_by_role("button", name="Release").click()
        await expect(page.locator(".done")).to_contain_text("Released")
        assert _words(site) == []
        assert agent.complaints == []


async def test_a_double_click_says_it_once(site: Site) -> None:
    async with site.visited() as agent:
        await order(agent.page, WHAT)
        await agent.page.get_by_role("button", name=CONFIRM).dblclick()
        await expect(agent.page.locator(BANNER)).to_contain_text(IN_DR)
        said = [change for change in site.node.outage_store.changes if change.override_set is not None]
        assert len(said) == len(_words(site)) == 1


async def test_the_keyboard_alone_is_enough(site: Site) -> None:
    async with site.visited() as agent:
        page = agent.page
        await page.goto("/")
        passed = await _tab_to(page, "a# Decide where calls go")
        assert passed[0] == "a# Skip to the content"
        assert len(passed) < 20
        await page.keyboard.press("Enter")
        await _tab_to(page, "select#what choose")
        await page.keyboard.press("u")  # uc
        await _tab_to(page, "input#reason ")
        await page.keyboard.type("vendor confirms an outage")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("What it would do")
        await _tab_to(page, f"button# {CONFIRM}")
        await page.keyboard.press("Enter")
        await expect(page.locator(BANNER)).to_contain_text(IN_DR)
        assert agent.complaints == []


async def _tab_to(page: Page, wanted: str) -> list[str]:
    """Presses Tab until the focus is there, seen all the way; returns what it passed."""
    passed: list[str] = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        assert await page.evaluate(OUTLINED), f"the focus cannot be seen on {focused}"
        if focused.startswith(wanted):
            return passed
        passed.append(focused)
    raise AssertionError(f"{wanted!r} is not among {passed}")


async def test_the_second_of_two_agents_is_told_of_the_first(site: Site) -> None:
    async with site.visited("ada.agent") as first, site.visited("bob.agent", person=None) as second:
        await order(first.page, WHAT)
        await order(second.page, WHAT, mode="normal", reason="the vendor says it works")
        await first.page.get_by_role("button", name=CONFIRM).click()
        await expect(first.page.locator(".done")).to_be_visible()
        await second.page.get_by_role("button", name="Confirm: force them to the platform").click()
        alert = second.page.get_by_role("alert")
        await expect(alert).to_contain_text("Nothing was moved")
        await expect(alert).to_contain_text("ada.agent")
        assert [who for _, who in _words(site)] == ["ada.agent"]
        await keep_screenshot(second.page, "two-agents")
        await second.page.get_by_role("button", name="Confirm: force them to the platform").click()
        await expect(second.page.locator(".done")).to_be_visible()
        assert [who for _, who in _words(site)] == ["bob.agent"]
        await expect(first.page.locator("#overrides")).to_contain_text("bob.agent")
        assert first.complaints == []


async def test_an_open_page_keeps_up_and_leaves_alone_what_is_being_written(site: Site) -> None:
    async with site.visited() as agent:
        page = agent.page
        await page.goto("/")
        await expect(page.locator("#liveness")).to_have_text("live")
        await page.evaluate("window.neverLoadedAgain = true")
        await page.locator("#decide #reason").fill("half a sen")
        await outage(site)
        await expect(page.locator(BANNER)).to_contain_text(IN_DR)
        await expect(page.locator("#platforms")).to_contain_text("no answer")
        assert await page.evaluate("window.neverLoadedAgain")
        await expect(page.locator("#decide #reason")).to_have_value("half a sen")
        assert await page.evaluate("document.activeElement.id") == "reason"
        assert agent.complaints == []


async def test_a_decision_ends_with_its_time_and_the_page_says_so(site: Site) -> None:
    async with site.visited() as agent:
        page = agent.page
        await order(page, WHAT, length="15m")
        await page.get_by_role("button", name=CONFIRM).click()
        await expect(page.locator("#overrides")).to_contain_text("2030-01-15 12:15")
        await _later(site, 899)
        assert len(_words(site)) == 1
        await _later(site, 2)
        assert _words(site) == []
        await expect(page.locator("#overrides")).to_contain_text("None: Ringfence decides by itself.")
        assert site.node.failover.decision(SCOPE) is Decision.NORMAL


async def _later(site: Site, seconds: float) -> None:
    await site.node.clock.advance(seconds)
    site.node.failover.submit(None)
    await settle()
    site.node.refresh()


async def test_on_a_phone_in_an_outage_everything_can_be_used(site: Site) -> None:
    async with site.visited(viewport=PHONE) as agent:
        await order(agent.page, WHAT)
        await looked_at_in_every_way(agent.page, "preview")
        await agent.page.set_viewport_size(PHONE)
        await agent.page.get_by_role("button", name=CONFIRM).click()
        await expect(agent.page.locator(BANNER)).to_contain_text(IN_DR)
        await outage(site)
        await agent.page.goto("/")
        await looked_at_in_every_way(agent.page, "outage")
        assert agent.complaints == []


async def test_the_focus_is_where_something_is_wrong_and_the_rest_stays_written(site: Site) -> None:
    async with site.visited() as agent:
        page = agent.page
        await page.goto("/")
        await page.locator("#decide #what").select_option(WHAT)
        await page.locator("#decide #until").fill("2030-01-15T11:00")  # an hour ago
        await page.locator("#decide #reason").fill("vendor confirms an outage")
        await page.locator("#decide").get_by_role("button", name="Show what it would do").click()
        await expect(page).to_have_title(re.compile("^Something has to be changed"))
        await expect(page.locator("#until")).to_be_focused()
        await expect(page.locator("#until")).to_have_accessible_description(re.compile("it is over"))
        await expect(page.locator("#what")).to_have_value(WHAT)
        await expect(page.locator("#reason")).to_have_value("vendor confirms an outage")
        await looked_at_in_every_way(page, "fault")
        await page.goto("/me")
        await page.locator("#set-away > summary").click()
        await page.locator("#from").fill("2030-02-01")
        await page.locator("#deputy").fill("nobody")
        await page.locator("#set-away").get_by_role("button").click()
        await expect(page.locator("#deputy")).to_be_focused()
        await expect(page.locator("#from")).to_have_value("2030-02-01")
        await looked_at_in_every_way(page, "own-fault")


async def test_whoever_may_only_look_is_not_asked_to_decide(site: Site) -> None:
    async with site.visited("vera.viewer", frozenset({Role.VIEWER}), person=None) as viewer:
        await viewer.page.goto("/")
        await expect(viewer.page.get_by_role("heading", level=1)).to_have_text("Where calls go now")
        assert await viewer.page.locator("#decide").count() == 0
        await accessible(viewer.page, "a viewer's start page")


async def test_the_other_language_is_spoken_all_over(site: Site) -> None:
    async with site.visited(language="de-DE") as agent:
        await agent.page.goto("/")
        assert await agent.page.locator("html").get_attribute("lang") == "de"
        await accessible(agent.page, "in German")
        await keep_screenshot(agent.page, "start-german")
        await agent.page.get_by_role("link", name="English").click()
        await expect(agent.page.get_by_role("heading", level=1)).to_have_text("Where calls go now")


async def test_a_newcomer_needs_three_actions_at_most(site: Site) -> None:
    """An action is something sent or followed, with what is filled in for it."""
    run = await site.node.say(ada(department=TEAM), bob(department=TEAM))
    assert run.plan is not None, "both at once are held"
    await site.node.desk.decide(run.plan, True, "hr", "they are the desk")
    await settle()
    async with site.visited() as newcomer:
        page = newcomer.page
        await page.goto("/")
        await page.get_by_role("searchbox").fill("0113 496 0123")
        await page.get_by_role("button", name="Find").click()  # 1
        await expect(page.get_by_role("heading", level=1)).to_have_text(f"Why {DID} rings where it does")
        await expect(page.get_by_role("main")).to_contain_text("the owner's default number")

        await page.goto("/")
        await page.get_by_role("searchbox").fill("desk")
        await page.get_by_role("button", name="Find").click()  # 1
        await looked_at_in_every_way(page, "found")
        await page.get_by_label("Reason: the others will read it").first.fill("no desk phones")
        await page.get_by_role("button", name=f"Move team {TEAM} to DR for an hour").click()  # 2
        await page.get_by_role("button", name=CONFIRM).click()  # 3
        await expect(page.locator(".done")).to_be_visible()
        ((target, word),) = site.node.failover.overrides.items()
        assert (target.team, word.until) == (TEAM, site.node.clock.now().wall + timedelta(hours=1))
        assert newcomer.complaints == []
