"""Signing in with a real OpenID provider over TLS: who comes in, with which role, and who does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from ringfence.domain.access import GRANTS, Role, SignedInBy, granted
from ringfence.web.oidc.binding import COOKIE as BINDING
from ringfence.web.sessions import COOKIE as SESSION
from tests.fakes.access import ACCOUNT, PASSWORD
from tests.integration.sign_in_site import NAME, ROLE_MAP, Lab, house, lab_in, said


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_in(tmp_path_factory.mktemp("openid")) as found:
        yield found


@pytest.mark.parametrize("group", ROLE_MAP)
async def test_every_role_comes_in_with_what_it_grants(lab: Lab, group: str) -> None:
    role = Role(ROLE_MAP[group])
    async with house(lab) as site, site.browser() as browser:
        answer = await browser.sign_in(role.value)
        assert answer.status_code == 303, said(answer)
        assert answer.headers["location"] == ("/me" if role is Role.STAFF else "/")
        caller = browser.caller()
        assert caller is not None
        assert (caller.roles, caller.permissions, caller.by) == (frozenset({role}), GRANTS[role], SignedInBy.OIDC)
        assert caller.name == f"{role.value.title()} Example ({role.value}@example.org)"
        assert caller.person is None


async def test_several_roles_add_up(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        await browser.sign_in("both")
        caller = browser.caller()
        assert caller is not None
        assert caller.permissions == granted([Role.VIEWER, Role.AUDITOR])


async def test_staff_are_found_in_the_directory_by_their_claim(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        await browser.sign_in("ada")
        caller = browser.caller()
        assert caller is not None
        assert caller.person == "ada"


async def test_whoever_has_left_does_not_come_in_though_the_provider_lets_them(lab: Lab) -> None:
    async with house(lab) as ours, ours.browser() as browser:
        ours.gone.add("ada")
        answer = await browser.sign_in("ada")
        assert (answer.status_code, browser.caller()) == (403, None)
        assert "you have left" in said(answer)
        (fact,) = ours.access.store.facts
        assert (fact.action, fact.why, fact.by) == ("sign_in_refused", "they have left", "sign-in")


async def test_a_stranger_is_sent_to_sign_in_and_back_to_the_page(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        sent = await browser.client.get("/?scope=uc")
        assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/%3Fscope%3Duc")
        page = await browser.client.get(sent.headers["location"])
        assert f'href="/oidc/{NAME}/begin?next=/%3Fscope%3Duc"' in page.text
        answer = await browser.sign_in("viewer", "/?scope=uc")
        assert answer.headers["location"] == "/?scope=uc"
        assert (await browser.client.get(answer.headers["location"])).status_code == 200
        again = await browser.client.get("/sign-in", params={"next": "/?scope=uc"})
        assert (again.status_code, again.headers["location"]) == (303, "/?scope=uc")


async def test_who_is_signed_in_and_lacks_the_permission_is_told_so(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        await browser.sign_in("staff")
        answer = await browser.client.get("/")
        assert answer.status_code == 403
        assert "lacks the permission `see`" in said(answer)


async def test_the_cookies_are_of_this_host_alone_and_no_script_reads_them(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        begun = await browser.begun()
        bound = begun.headers["set-cookie"]
        assert bound.startswith(f"{BINDING}=")
        answer = await browser.client.get(await browser.agreed(begun, "viewer"))
        session = next(line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{SESSION}="))
        for cookie in (bound, session):
            parts = {part.strip().lower() for part in cookie.split(";")[1:]}
            assert parts >= {"secure", "httponly", "path=/", "samesite=lax"}
            assert not any(part.startswith("domain") for part in parts)
        assert "Max-Age=600" in bound
        assert BINDING not in browser.client.cookies


async def test_what_is_sent_there_binds_the_answer_to_this_browser(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        asked = []
        for _ in range(2):
            begun = await browser.begun()
            asked.append(
                {name: values[0] for name, values in parse_qs(urlsplit(begun.headers["location"]).query).items()}
            )
        one, other = asked
        assert one["redirect_uri"] == f"{site.base}/oidc/{NAME}/callback"
        assert (one["response_type"], one["code_challenge_method"]) == ("code", "S256")
        for name in ("state", "nonce", "code_challenge"):
            assert one[name] != other[name]
            assert len(one[name]) >= 43


async def test_a_new_sign_in_gives_a_new_session_and_ends_the_old_one(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        await browser.sign_in("viewer")
        old = browser.client.cookies[SESSION]
        await browser.sign_in("helpdesk")
        assert browser.client.cookies[SESSION] != old
        assert site.access.desk.session(old) is None
        assert len(site.access.desk.sessions()) == 1


async def test_a_session_that_was_planted_is_not_taken_over(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        browser.client.cookies.set(SESSION, "planted-by-an-attacker", domain="127.0.0.1")
        await browser.sign_in("helpdesk")
        tokens = [cookie.value for cookie in browser.client.cookies.jar if cookie.name == SESSION]
        assert site.access.desk.session("planted-by-an-attacker") is None
        assert "planted-by-an-attacker" not in tokens or len(set(tokens)) == 2


async def test_nobody_without_a_role_gets_in_and_learns_what_to_ask_for(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(lab) as site, site.browser() as browser:
        answer = await browser.sign_in("nobody")
        assert answer.status_code == 403
        assert "known to Example Ltd as Nobody Example (nobody@example.org)" in said(answer)
        assert "the claim realm_access.roles" in said(answer)
        assert "telephony-helpdesk (helpdesk)" in said(answer)
        assert browser.caller() is None
        assert site.access.desk.sessions() == []
        (fact,) = site.access.store.facts
        assert (fact.action, fact.why, fact.who) == (
            "sign_in_refused",
            "no role",
            "Nobody Example (nobody@example.org)",
        )
    (record,) = [record for record in caplog.records if record.message == "a sign-in was refused"]
    assert record.__dict__["reason"] == "no role"


async def test_signing_out_ends_the_session_and_offers_the_providers_own(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        await browser.sign_in("viewer")
        token = browser.client.cookies[SESSION]
        start = await browser.client.get("/")
        form_token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', start.text)
        assert form_token is not None
        refused = await browser.client.post("/sign-out", data={"csrf_token": "guessed"})
        assert refused.status_code == 403
        assert site.access.desk.session(token) is not None
        answer = await browser.client.post("/sign-out", data={"csrf_token": form_token[1]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        assert site.access.desk.session(token) is None
        assert SESSION not in browser.client.cookies
        page = await browser.client.get("/sign-in")
        assert "You are signed out." in said(page)
        assert f"{site.site.issuer}/oauth2/end_session?client_id=ringfence" in page.text.replace("&amp;", "&")
        assert "end_session" not in (await browser.client.get("/sign-in")).text


async def test_the_break_glass_account_comes_in_without_any_provider(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.down = True
        answer = await browser.break_glass(ACCOUNT, PASSWORD, next="/calls")
        assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
        caller = browser.caller()
        assert caller is not None
        assert (caller.name, caller.by, caller.roles) == (ACCOUNT, SignedInBy.BREAK_GLASS, frozenset({Role.ADMIN}))
        assert site.site.asked == []


async def test_a_wrong_password_is_told_at_the_field_and_locks(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        answer = await browser.break_glass(ACCOUNT, "wrong", next="/calls")
        assert answer.status_code == 403
        assert 'aria-describedby="sign-in-error" autofocus' in answer.text
        assert 'name="next" value="/calls"' in answer.text
        assert f'value="{ACCOUNT}"' in answer.text
        assert "wrong" not in said(answer).lower()
        while answer.status_code == 403:
            answer = await browser.break_glass(ACCOUNT, "wrong")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert (await browser.break_glass(ACCOUNT, PASSWORD)).status_code == 429


async def test_a_form_of_another_site_signs_nobody_in(lab: Lab) -> None:
    async with house(lab) as site, site.browser(Origin="https://evil.example") as browser:
        answer = await browser.break_glass(ACCOUNT, PASSWORD)
        assert answer.status_code == 403
        assert browser.caller() is None
        assert site.access.hasher.asked == 0


async def test_the_pages_bring_nothing_that_runs_and_explain_themselves_to_a_reader(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        page = await browser.client.get("/sign-in")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        for inline in ("<style", " style=", " onclick=", "<script>"):
            assert inline not in page.text
        for name in ("name", "password"):
            assert f'<label for="{name}">' in page.text
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["strict-transport-security"]


async def test_a_signed_in_providers_name_cannot_write_html(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        answer = await browser.sign_in("evil")
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert" in answer.text


async def test_there_is_no_other_provider(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        for path in ("/oidc/other/begin", "/oidc/other/callback?code=x&state=y"):
            assert (await browser.client.get(path)).status_code == 404
