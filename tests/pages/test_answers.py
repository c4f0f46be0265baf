"""Pages that only answer a form: they too can be used by everybody. Two agents at one missed call; a person's numbers
without JavaScript, by keyboard."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from ringfence.domain.access import Role
from ringfence.domain.directory import PersonKey
from tests.fakes.node import PRIVATE_NUMBERS
from tests.lab.browser import PHONE
from tests.pages.site import Site
from tests.pages.test_look import accessible, looked_at_in_every_way

STAFF = frozenset({Role.STAFF})


def _rung(site: Site) -> list[str]:
    directory = site.node.keeper.directory
    assert directory is not None
    return [number.e164 for number in directory.people[PersonKey("ada")].default_numbers]


async def test_a_number_is_shown_once_on_a_page_that_can_be_read(site: Site) -> None:
    async with site.visited() as agent:
        page = agent.page
        await page.goto("/people/ada")
        await page.locator("#reveal-1 summary").click()
        await page.locator("#reason-reveal-1").fill("the caller is in danger")
        await page.locator("#reveal-1 button").click()
        await expect(page.get_by_role("main")).to_contain_text(PRIVATE_NUMBERS[0])
        await accessible(page, "a number in clear")
        assert PRIVATE_NUMBERS[0][1:] not in page.url
        await page.get_by_role("link", name="Back", exact=True).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Ada Example")
        assert PRIVATE_NUMBERS[0][1:] not in await page.content()
        assert agent.complaints == []


async def test_a_key_is_shown_once(site: Site) -> None:
    async with site.visited() as admin:
        page = admin.page
        await page.goto("/access")
        await page.locator("#new-key summary").click()
        await page.get_by_label("What it is for").fill("reports")
        await page.locator("#may-see").check()
        await page.get_by_role("button", name="Make it, and show it once").click()
        await expect(page.locator("code")).to_contain_text("rf_")
        await looked_at_in_every_way(page, "new-key")
        assert admin.complaints == []


async def test_the_second_of_two_agents_is_asked_whether_to_take_over(site: Site) -> None:
    async with site.visited("ada.agent") as first, site.visited("bob.agent", person=None) as second:
        for agent in (first, second):
            await agent.page.goto("/incidents/1/missed")
        await first.page.locator("#lines .card").first.get_by_role("button", name="I call them").click()
        await expect(first.page.locator(".done")).to_be_visible()
        await second.page.locator("#lines .card").first.get_by_role("button", name="I call them").click()
        await expect(second.page.get_by_role("alert")).to_contain_text("ada.agent has it since")
        await looked_at_in_every_way(second.page, "call-taken")
        await second.page.get_by_role("button", name="Take it over: I call them").click()
        await expect(second.page.locator("#lines .card").first).to_contain_text("bob.agent")
        assert first.complaints == []


async def test_the_record_is_verified_at_the_press_of_a_button(site: Site) -> None:
    async with site.visited() as auditor:
        await auditor.page.goto("/audit")
        await auditor.page.get_by_role("button", name="Verify the record now").click()
        await expect(auditor.page.get_by_role("status").last).to_contain_text("The record holds")
        await looked_at_in_every_way(auditor.page, "audit-verified")
        assert auditor.complaints == []


@pytest.mark.parametrize("script", [True, False], ids=["with JavaScript", "without JavaScript"])
async def test_staff_look_after_their_numbers_on_a_phone(site: Site, script: bool) -> None:
    async with site.visited(
        "ada@example.org", STAFF, "ada", script=script, viewport=PHONE, language="de-DE"
    ) as somebody:
        page = somebody.page
        await page.goto("/me")
        await page.locator("#numbers .card").first.get_by_role("button", name="Nach unten").click()
        await expect(page.locator(".done")).to_be_visible()
        assert _rung(site) == [PRIVATE_NUMBERS[1], PRIVATE_NUMBERS[0]]
        await page.locator("#set-today summary").click()
        await page.locator("#number-today").fill("07700 900555")
        await page.locator("#until-today").fill("2030-01-15T18:00")
        await page.get_by_role("button", name="Ich bin jetzt dort").click()
        await expect(page.locator("#today .box")).to_contain_text("2030-01-15 18:00")
        assert _rung(site)[0] == "+447700900555"
        if script:  # axe is one
            await accessible(page, "where I am today, in German, on a phone")
        assert somebody.complaints == []


async def test_whoever_the_directory_does_not_know_is_told_so(site: Site) -> None:
    async with site.visited("nobody@example.org", STAFF, None) as somebody:
        await somebody.page.goto("/me")
        await expect(somebody.page.get_by_role("main")).to_contain_text("nobody@example.org")
        await looked_at_in_every_way(somebody.page, "me-unknown")
        assert somebody.complaints == []
