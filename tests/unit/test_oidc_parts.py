"""The pure parts of signing in: roles by the path of a claim, where to go next, what binds a sign-in to a browser."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.access import Role
from ringfence.web.oidc.binding import LIFETIME_SECONDS, MAX_TAKEN, Binding, NotBegunHere
from ringfence.web.oidc.claims import claim_at, is_left_out, name_of, roles_of, signed_in
from ringfence.web.oidc.next_page import START, next_page
from ringfence.web.oidc.settings import SignInSettings

ROLE_MAP = {"telephony-helpdesk": Role.HELPDESK, "telephony-admin": Role.ADMIN}
HELPDESK = frozenset({Role.HELPDESK})


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        ({"roles": ["telephony-helpdesk"]}, "roles", HELPDESK),
        ({"roles": "telephony-helpdesk"}, "roles", HELPDESK),
        ({"roles": ["telephony-helpdesk", "telephony-admin", "else"]}, "roles", HELPDESK | {Role.ADMIN}),
        ({"realm_access": {"roles": ["telephony-helpdesk"]}}, "realm_access.roles", HELPDESK),
        (
            {"resource_access": {"our.client": {"roles": ["telephony-helpdesk"]}}},
            "resource_access.our.client.roles",
            HELPDESK,
        ),
        ({"https://example.org/roles": ["telephony-helpdesk"]}, "https://example.org/roles", HELPDESK),
        ({"roles": ["Telephony-Helpdesk"]}, "roles", frozenset()),
        ({"roles": "telephony-helpdesk telephony-admin"}, "roles", frozenset()),
        ({"roles": [["telephony-admin"], {"telephony-admin": 1}, 7, None, True]}, "roles", frozenset()),
        ({"roles": {"telephony-admin": True}}, "roles", frozenset()),
        ({"realm_access": ["roles"]}, "realm_access.roles", frozenset()),
        ({}, "roles", frozenset()),
        ({"roles": []}, "roles", frozenset()),
    ],
)
def test_roles_come_from_the_claim_letter_by_letter(claims: dict[str, Any], path: str, roles: frozenset[Role]) -> None:
    assert roles_of(claims, path, ROLE_MAP) == roles


def test_the_longest_name_that_is_there_is_taken_first() -> None:
    claims = {"a": {"b.c": 1, "b": {"c": 2}}, "a.b": {"c": 3}, "a.b.c": 4}
    assert claim_at(claims, "a.b.c") == 4
    del claims["a.b.c"]
    assert claim_at(claims, "a.b.c") == 3
    del claims["a.b"]
    assert claim_at(claims, "a.b.c") == 1


def test_a_path_ends_however_deep_the_claims_are() -> None:
    deep: Any = 1
    for _ in range(50):
        deep = {"a": deep}
    assert claim_at(deep, ".".join("a" * 50)) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b"]), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "a.b", "sub"]), json_values),
    st.sampled_from(["a", "a.b", "a.b.a", "a..b", "."]),
)
def test_no_claims_break_it_or_give_a_role_that_is_not_mapped(claims: dict[str, Any], path: str) -> None:
    claim_at(claims, path)
    assert roles_of(claims, path, ROLE_MAP) == frozenset()
    assert len(name_of(claims, path).splitlines()) <= 1


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada Example", "preferred_username": "ada", "sub": "1"}, "Ada Example (ada)"),
        ({"name": "Ada Example", "email": "ada@example.org", "sub": "1"}, "Ada Example (ada@example.org)"),
        ({"name": "ada", "preferred_username": "ada", "sub": "1"}, "ada"),
        ({"sub": "1f"}, "1f"),
        ({"name": "Ada\n\x00 Example", "sub": "1"}, "Ada Example (1)"),
        ({"name": ["Ada"], "preferred_username": {"x": 1}, "sub": "1"}, "1"),
        ({"name": "A" * 500, "sub": "1"}, f"{'A' * 64} (1)"),
    ],
)
def test_a_name_is_one_line_and_tells_two_people_apart(claims: dict[str, Any], name: str) -> None:
    assert name_of(claims, "name") == name


def test_whom_a_token_is_about() -> None:
    settings = SignInSettings(
        name="company",
        issuer="https://login.example.org",
        client_id="ringfence",
        role_map=ROLE_MAP,
        person_claim="employee_number",
    )
    claims = {"sub": "8f", "name": "Ada Example", "employee_number": 4711, "roles": ["telephony-helpdesk"]}
    found = signed_in(claims, settings)
    assert (found.name, found.subject, found.key, found.roles) == ("Ada Example (8f)", "company:8f", "4711", HELPDESK)
    assert signed_in({"sub": "8f"}, settings).key == ""
    assert signed_in({"sub": "Ringfence"}, settings).name == "Ringfence (company)"  # what the machine does is signed so


def test_a_list_that_was_left_out_is_known() -> None:
    assert is_left_out({"_claim_names": {"groups": "src1"}}, "groups")
    assert not is_left_out({"_claim_names": {"groups": "src1"}}, "roles")
    assert not is_left_out({"_claim_names": "groups"}, "groups")


@pytest.mark.parametrize(
    "page", ["/", "/calls", "/people/ada?tab=numbers&x=1", "/did/%2B441134960123", "/oidcs", "/v1x"]
)
def test_a_page_of_ours_is_gone_to(page: str) -> None:
    assert next_page(page) == page


@pytest.mark.parametrize(
    "page",
    [
        "",
        "calls",
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/ /evil.example",
        "/a//evil.example",
        "/%0d%0aSet-Cookie:x\r\n",
        "javascript:alert(1)",
        "/calls#//evil.example",
        "/é",
        "/" + "a" * 600,
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/oidc/company/begin",
        "/v1/status",
        "/scim/v2/Users",
    ],
)
def test_anything_else_leads_to_the_start(page: str) -> None:
    assert next_page(page) == START


@given(st.text(max_size=30))
def test_whatever_it_is_it_is_a_path_without_a_host(page: str) -> None:
    found = next_page(page)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isprintable()
    assert found.isascii()


def test_what_was_begun_comes_back_once_and_as_it_was() -> None:
    binding = Binding()
    begun = binding.begin("company", "/calls", 100.0)
    assert binding.take("company", begun.browser, begun.state, 101.0) == begun
    with pytest.raises(NotBegunHere, match="taken before"):
        binding.take("company", begun.browser, begun.state, 102.0)


def test_the_challenge_is_the_verifiers_digest() -> None:
    begun = Binding().begin("company", "/", 100.0)
    digest = hashlib.sha256(begun.verifier.encode()).digest()
    assert begun.challenge == urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert 43 <= len(begun.verifier) <= 128
    assert len({begun.browser, begun.state, begun.nonce, begun.verifier, begun.challenge}) == 5


def test_no_secret_of_it_is_shown() -> None:
    begun = Binding().begin("company", "/", 100.0)
    for secret in (begun.browser, begun.state, begun.nonce, begun.verifier):
        assert secret not in repr(begun)
        assert begun.verifier not in begun.state


def test_another_browser_provider_process_or_time_is_refused() -> None:
    binding = Binding()
    begun, other = binding.begin("company", "/", 100.0), binding.begin("company", "/", 100.0)
    late = 100.0 + LIFETIME_SECONDS + 1
    for provider, browser, state, now in (
        ("company", other.browser, begun.state, 101.0),
        ("company", "", begun.state, 101.0),
        ("company", "é", begun.state, 101.0),
        ("another", begun.browser, begun.state, 101.0),
        ("company", begun.browser, begun.state, late),
        ("company", begun.browser, begun.state, 99.0),
        ("company", begun.browser, "", 101.0),
        ("company", begun.browser, "." * 3000, 101.0),
        ("company", begun.browser, begun.state.partition(".")[0], 101.0),
        ("company", begun.browser, f"{other.state.partition('.')[0]}.{begun.state.partition('.')[2]}", 101.0),
    ):
        with pytest.raises(NotBegunHere):
            binding.take(provider, browser, state, now)
    with pytest.raises(NotBegunHere):
        Binding().take("company", begun.browser, begun.state, 101.0)
    assert binding.take("company", begun.browser, begun.state, 101.0) == begun


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_made_up_state_is_taken(browser: str, state: str) -> None:
    with pytest.raises(NotBegunHere):
        Binding().take("company", browser, state, 100.0)


def test_what_is_remembered_is_bounded_and_forgotten() -> None:
    binding = Binding()
    for _ in range(MAX_TAKEN):
        begun = binding.begin("company", "/", 100.0)
        binding._taken[begun.state.encode()] = 100.0 + LIFETIME_SECONDS
    begun = binding.begin("company", "/", 101.0)
    with pytest.raises(NotBegunHere, match="too many"):
        binding.take("company", begun.browser, begun.state, 102.0)
    later = binding.begin("company", "/", 900.0)
    assert binding.take("company", later.browser, later.state, 901.0) == later
    assert len(binding._taken) == 1
