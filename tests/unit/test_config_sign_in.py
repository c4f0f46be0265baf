"""Sign-in providers and TLS in the configuration: what is refused, with which fix, and where secrets come from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ringfence.config import ConfigError, Settings, load_client_secrets, parse
from tests.unit.test_config import GOOD

PROVIDER = """
[http]
public_url = "https://ringfence.example.org"

[[sign_in]]
name = "company"
issuer = "https://login.example.org/tenant/v2.0"
client_id = "ringfence"
role_map = { "telephony-helpdesk" = "helpdesk" }
"""


def settings_of(text: str) -> Settings:
    return parse(tomllib.loads(GOOD + text))


def test_a_provider_is_read() -> None:
    (provider,) = settings_of(PROVIDER).sign_in
    assert (provider.name, provider.title, provider.role_map) == (
        "company",
        "company",
        {"telephony-helpdesk": "helpdesk"},
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://login.example.org", "http://login.example.org", "write https://"),
        ("https://login.example.org", "https://me:secret@login.example.org", "holds a user, a password or a fragment"),
        ("/tenant/v2.0", "/tenant?x=1", "has a query"),
        ('"helpdesk"', '"boss"', "role_map"),
        ('{ "telephony-helpdesk" = "helpdesk" }', "{}", "role_map"),
        ('client_id = "ringfence"', 'client_id = "ringfence"\nscopes = ["profile"]', "openid"),
        ('public_url = "https://ringfence.example.org"', "", "http.public_url is missing"),
        (
            "https://ringfence.example.org",
            "http://ringfence.example.org",
            "would cross the network in clear; write https://",
        ),
        ("https://ringfence.example.org", "https://ringfence.example.org/phones", "nothing behind it"),
        ("[http]", '[http]\nhost = "0.0.0.0"', "certificate and private_key"),
        ("[http]", '[http]\ncertificate = "/etc/ringfence/tls.crt"', "give both or none"),
        ("[http]", '[http]\ntrusted_proxies = ["everybody"]', "no network"),
        ('name = "company"', 'name = "Company"', "sign_in[1] (Company).name"),
    ],
)
def test_what_cannot_work_is_refused_with_the_fix(old: str, new: str, said: str) -> None:
    assert old in PROVIDER
    with pytest.raises(ConfigError) as caught:
        settings_of(PROVIDER.replace(old, new, 1))
    assert said in str(caught.value)


def test_two_providers_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="sign_in name 'company' is used twice"):
        settings_of(PROVIDER + PROVIDER[PROVIDER.index("[[sign_in]]") :])


@pytest.mark.parametrize(
    "way",
    [
        'host = "0.0.0.0"\ncertificate = "/a.crt"\nprivate_key = "/a.key"',
        'host = "::"\ntrusted_proxies = ["192.0.2.0/28"]',
    ],
)
def test_another_address_than_loopback_needs_tls_or_a_proxy(way: str) -> None:
    assert settings_of(PROVIDER.replace("[http]", f"[http]\n{way}")).http.public_host == "ringfence.example.org"


def test_the_client_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "oidc_company_secret").write_text("from-the-file\n")
    found = load_client_secrets(tmp_path / "ringfence.toml", settings_of(PROVIDER))
    assert found["company"].get_secret_value() == "from-the-file"
    assert "from-the-file" not in repr(found)


def test_the_client_secret_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_OIDC_COMPANY_SECRET", "from-the-environment")
    found = load_client_secrets(tmp_path / "ringfence.toml", settings_of(PROVIDER))
    assert found["company"].get_secret_value() == "from-the-environment"


def test_without_a_secret_we_are_a_public_client(tmp_path: Path) -> None:
    assert load_client_secrets(tmp_path / "ringfence.toml", settings_of(PROVIDER)) == {}


def test_a_secret_that_no_header_can_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "oidc_company_secret").write_text("two words")
    with pytest.raises(ConfigError, match="oidc_company_secret: holds a space"):
        load_client_secrets(tmp_path / "ringfence.toml", settings_of(PROVIDER))
