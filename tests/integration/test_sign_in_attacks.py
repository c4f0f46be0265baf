"""Answers that a real provider's browser could bring, and that must sign nobody in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from ringfence.web.oidc.binding import COOKIE as BINDING
from ringfence.web.oidc.provider import FRESH_SECONDS, UNKNOWN_KEY_SECONDS, Provider
from tests.integration.sign_in_site import NAME, Browser, House, Lab, house, lab_in, said, settings_of
from tests.lab.oidc_site import CLIENT_SECRET

NOT_BEGUN = "was not begun in this browser"
NO_PROOF = "does not prove who you are"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab_in(tmp_path_factory.mktemp("openid")) as found:
        yield found


def refused(answer: httpx.Response, browser: Browser, site: House, words: str) -> None:
    assert words in said(answer)
    assert answer.status_code in (400, 403, 503)
    assert browser.caller() is None
    assert site.access.desk.sessions() == []
    assert BINDING not in browser.client.cookies


def later(**claims: Any) -> Callable[[dict[str, Any]], None]:
    return lambda found: found.update(claims)


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda found: found.pop(name, None)


SPOILT: dict[str, Callable[[dict[str, Any]], None]] = {
    "nonce of another sign-in": later(nonce="another"),
    "no nonce": without("nonce"),
    "for another client": later(aud="another-client"),
    "for several, azp missing": later(aud=["ringfence", "another"]),
    "issued to another client": later(azp="another-client"),
    "of another issuer": later(iss="https://evil.example"),
    "expired": later(exp=time.time() - 120),
    "never expires": without("exp"),
    "issued in the future": later(iat=time.time() + 600),
    "not valid yet": later(nbf=time.time() + 600),
    "of another access token": later(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "of nobody": without("sub"),
    "of an empty somebody": later(sub=""),
}


async def test_a_token_that_says_anything_else_is_refused(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        came_in = []
        for name, spoil in SPOILT.items():
            site.site.faults.claims = spoil
            answer = await browser.sign_in("admin")
            if NO_PROOF not in said(answer) or browser.caller() is not None:
                came_in.append(name)
        assert came_in == []
        refused(answer, browser, site, NO_PROOF)
        site.site.faults.claims = later()
        assert (await browser.sign_in("admin")).status_code == 303


async def test_a_clock_that_is_a_little_off_is_no_fault(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.claims = later(exp=time.time() - 20, iat=time.time() + 20)
        assert (await browser.sign_in("viewer")).status_code == 303


_STRANGER = RSAKey.generate_key(2048, {"kid": "lab"})
_SECRET = OctKey.import_key(CLIENT_SECRET.ljust(48, "."), {"kid": "lab"})
FORGED: tuple[tuple[str, Any, dict[str, Any]], ...] = (
    ("none", None, {}),
    ("HS256", _SECRET, {}),
    ("RS256", _STRANGER, {}),
    ("RS256", _STRANGER, {"jwk": _STRANGER.as_dict(private=False)}),
    ("RS384", None, {}),
    ("ES256", ECKey.generate_key("P-256", {"kid": "lab"}), {}),
)


async def test_a_token_that_the_provider_did_not_sign_is_refused(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        faults = site.site.faults
        faults.claims = later(realm_access={"roles": ["telephony-admin"]})
        for faults.algorithm, faults.key, faults.header in FORGED:
            refused(await browser.sign_in("nobody"), browser, site, NO_PROOF)
        faults.algorithm, faults.key, faults.header = "RS256", None, {}
        assert (await browser.sign_in("nobody")).status_code == 303, "rightly signed, it is believed"


@pytest.mark.parametrize("algorithm", ["ES256", "PS256"])
async def test_the_other_algorithms_are_believed(lab: Lab, algorithm: str) -> None:
    async with house(lab) as site, site.browser() as browser:
        faults = site.site.faults
        key = ECKey.generate_key("P-256", {"kid": "new"}) if algorithm == "ES256" else site.site.own_key
        faults.algorithm, faults.key, faults.shown_keys = algorithm, key, [dict(key.as_dict(private=False))]
        assert (await browser.sign_in("viewer")).status_code == 303


async def test_an_answer_counts_once(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        begun = await browser.begun()
        address = await browser.agreed(begun, "viewer")
        bound = browser.client.cookies[BINDING]
        assert (await browser.client.get(address)).status_code == 303
        async with site.browser(Cookie=f"{BINDING}={bound}") as again:
            answer = await again.client.get(address)
            assert NOT_BEGUN in said(answer)
            assert again.caller() is None
        assert site.site.asked.count("/oauth2/token") == 1


async def test_an_attackers_answer_does_not_sign_a_victim_in(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as attacker, site.browser() as victim:
        address = await attacker.agreed(await attacker.begun(), "admin")
        refused(await victim.client.get(address), victim, site, NOT_BEGUN)
        await victim.begun()
        refused(await victim.client.get(address), victim, site, NOT_BEGUN)
        assert "/oauth2/token" not in site.site.asked


async def test_an_attackers_code_in_a_victims_answer_is_worth_nothing(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as attacker, site.browser() as victim:
        code = httpx.URL(await attacker.agreed(await attacker.begun(), "admin")).params["code"]
        own = httpx.URL(await victim.agreed(await victim.begun(), "viewer"))
        refused(await victim.client.get(own.copy_set_param("code", code)), victim, site, NO_PROOF)


async def test_a_state_that_was_tampered_with_is_refused(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        address = httpx.URL(await browser.agreed(await browser.begun(), "viewer"))
        state = address.params["state"]
        tampered = address.copy_set_param("state", f"{state[:-2]}{'A' if state[-2] != 'A' else 'B'}{state[-1]}")
        refused(await browser.client.get(tampered), browser, site, NOT_BEGUN)


async def test_a_parameter_that_comes_twice_is_refused(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        address = await browser.agreed(await browser.begun(), "viewer")
        refused(await browser.client.get(f"{address}&code=another"), browser, site, NOT_BEGUN)


async def test_a_sign_in_that_took_too_long_is_begun_again(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        begun = await browser.begun("/calls")
        address = await browser.agreed(begun, "viewer")
        site.clock.shift_seconds += 601
        refused(await browser.client.get(address), browser, site, NOT_BEGUN)


async def test_another_providers_answer_is_not_taken_for_this_ones(lab: Lab) -> None:
    """Mix-up: what was begun with one provider comes back under the name of another."""
    async with house(lab) as site, site.browser() as browser:
        other = settings_of(site.site, site.authority, name="other")
        object.__setattr__(site.door, "providers", (*site.door.providers, Provider(other, None, site.base, site.clock)))
        address = await browser.agreed(await browser.begun(), "viewer")
        answer = await browser.client.get(address.replace(f"/oidc/{NAME}/", "/oidc/other/"))
        refused(answer, browser, site, NOT_BEGUN)


async def test_the_answers_own_issuer_has_to_be_ours(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.iss = "https://evil.example"
        refused(await browser.sign_in("viewer"), browser, site, NO_PROOF)
        assert "/oauth2/token" not in site.site.asked
        site.site.faults.iss = site.site.issuer
        assert (await browser.sign_in("viewer")).status_code == 303


async def test_a_provider_that_says_it_names_itself_has_to(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.metadata = {"authorization_response_iss_parameter_supported": True}
        refused(await browser.sign_in("viewer"), browser, site, NO_PROOF)


async def test_who_turns_back_at_the_provider_is_told_so(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        state = httpx.URL((await browser.begun()).headers["location"]).params["state"]
        strange = {"error": "access_denied", "error_description": "<b>call 0900</b>", "state": state}
        answer = await browser.client.get(f"/oidc/{NAME}/callback", params=strange)
        refused(answer, browser, site, "did not let you in")
        assert "call 0900" not in answer.text


@pytest.mark.parametrize(
    "next_page",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "/oidc/x",
    ],
)
async def test_nobody_is_sent_elsewhere_after_signing_in(lab: Lab, next_page: str) -> None:
    async with house(lab) as site, site.browser() as browser:
        assert (await browser.sign_in("viewer", next_page)).headers["location"] == "/"


async def test_changed_keys_are_fetched_and_rarely(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        assert (await browser.sign_in("viewer")).status_code == 303
        fetched = site.site.asked.count("/jwks")
        new = RSAKey.generate_key(2048, {"kid": "new"})
        site.site.faults.key, site.site.faults.shown_keys = new, [dict(new.as_dict(private=False))]
        assert (await browser.sign_in("viewer")).status_code == 303
        assert site.site.asked.count("/jwks") == fetched + 1
        site.site.faults.key = RSAKey.generate_key(2048, {"kid": "not shown"})
        for _ in range(3):
            assert NO_PROOF in said(await browser.sign_in("viewer"))
        assert site.site.asked.count("/jwks") == fetched + 1
        site.clock.shift_seconds += UNKNOWN_KEY_SECONDS + 1
        assert NO_PROOF in said(await browser.sign_in("viewer"))
        assert site.site.asked.count("/jwks") == fetched + 2


async def test_a_weak_key_is_not_believed(lab: Lab) -> None:
    with pytest.warns(UserWarning):
        weak = RSAKey.generate_key(1024, {"kid": "weak"})
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.key, site.site.faults.shown_keys = weak, [dict(weak.as_dict(private=False))]
        refused(await browser.sign_in("viewer"), browser, site, NO_PROOF)


async def test_while_the_provider_is_down_the_page_is_there_and_says_what_to_do(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.down = True
        assert (await browser.client.get("/sign-in")).status_code == 200
        assert site.site.asked == []
        answer = await browser.begun()
        assert answer.status_code == 503
        assert "Example Ltd does not answer" in said(answer)
        assert "break-glass account" in said(answer)
        assert 'action="/sign-in/break-glass"' in answer.text
        asked = len(site.site.asked)
        await browser.begun()
        assert len(site.site.asked) == asked, "one that has just failed is not asked again at once"
        site.site.faults.down = False
        site.clock.shift_seconds += 6
        assert (await browser.sign_in("viewer")).status_code == 303


async def test_what_was_fetched_outlives_the_provider_for_a_day(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        await browser.begun()
        site.site.faults.down = True
        site.clock.shift_seconds += FRESH_SECONDS + 1
        assert (await browser.begun()).status_code == 303
        site.clock.shift_seconds += 86_400
        assert (await browser.begun()).status_code == 503


async def test_a_description_that_leads_elsewhere_is_refused(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        for metadata in (
            {"issuer": "https://evil.example"},
            {"token_endpoint": "http://203.0.113.9/token"},
            {"token_endpoint": None},
            {"jwks_uri": "file:///etc/passwd"},
        ):
            site.site.faults.metadata = metadata
            answer = await browser.begun()
            assert (answer.status_code, "cannot be trusted" in said(answer)) == (503, True), metadata
            site.clock.shift_seconds += 6


async def test_a_certificate_of_an_unknown_authority_is_refused(lab: Lab) -> None:
    async with house(lab, ca_file=None) as site, site.browser() as browser:
        answer = await browser.begun()
        assert (answer.status_code, site.site.asked) == (503, [])


async def test_a_token_answer_that_is_none_is_refused(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        for body in (b"not json", b"[]", b"{}", b'{"id_token": 7}', b"x" * 600_000, b"[" * 100_000):
            site.site.faults.token_answer = ("200 OK", body)
            answer = await browser.sign_in("viewer")
            assert answer.status_code in (403, 503), body[:20]
            assert browser.caller() is None


async def test_a_wrong_client_secret_is_told_as_such(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.client_secret = "another"
        refused(await browser.sign_in("viewer"), browser, site, "its client id or its client secret is not right")


async def test_a_public_client_signs_people_in_without_a_secret(lab: Lab) -> None:
    async with house(lab, secret=None) as site, site.browser() as browser:
        assert (await browser.sign_in("viewer")).status_code == 303


async def test_the_secret_can_be_sent_in_the_form(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.site.faults.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        assert (await browser.sign_in("viewer")).status_code == 303


async def test_one_address_cannot_have_the_provider_asked_without_end(lab: Lab) -> None:
    async with house(lab) as site, site.browser() as browser:
        site.clock.stopped = site.clock.now()
        answers = [await browser.client.get(f"/oidc/{NAME}/callback?code=x&state=y") for _ in range(125)]
        assert answers[0].status_code == 400
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1


async def test_no_secret_code_or_token_is_in_the_log(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with house(lab) as site, site.browser() as browser:
        await browser.sign_in("viewer")
        site.site.faults.claims = later(nonce="another")
        address = await browser.agreed(await browser.begun(), "admin")
        code = httpx.URL(address).params["code"]
        await browser.client.get(address)
        token = browser.client.cookies["__Host-ringfence"]
    ours = "".join(
        str(record.__dict__) for record in caplog.records if record.name.startswith(("ringfence", "aiohttp"))
    )
    assert "a sign-in was refused" in ours
    for secret in (CLIENT_SECRET, code, token, "eyJ"):
        assert secret not in ours
