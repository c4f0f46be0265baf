"""What becomes of the settings for the site's own phones: emergencies by country, ranges that cost, hostile values."""

from __future__ import annotations

import re
import tomllib

import pytest

from ringfence.asterisk.site import SiteValueError
from ringfence.asterisk.site_outbound import OutboundPeer, OutboundSite
from ringfence.config import ConfigError, Secrets, parse
from ringfence.config.advice import warnings
from ringfence.config.outbound_settings import OutboundSettings, emergency_numbers, outbound_of
from ringfence.config.snippets import generated_snippets
from tests.unit.test_config import GOOD

SECRETS = Secrets.model_validate(
    {"ari_secret": "ari-0123456789", "ami_secret": "ami-0123456789", "http_token": "web-0123456789"}
)
SITE = """
[[outbound_site]]
name = "leeds"
main_number = "+441134960000"
"""
VERIFIED = SITE + 'emergency_identity = "+441134960001"\nemergency_verified = 2026-11-01\n'


def texts_of(text: str) -> dict[str, str]:
    return generated_snippets(parse(tomllib.loads(text)), SECRETS)


def value_of(text: str, name: str) -> str:
    found = re.search(rf"GLOBAL\({name}\)=(.*)\)$", text, re.MULTILINE)
    assert found is not None, name
    return found[1]


def test_a_site_gets_a_context_of_its_own_and_the_countrys_emergency_numbers() -> None:
    text = texts_of(GOOD + SITE)["extensions_ringfence_site.conf"]
    assert "[ringfence-outbound-leeds]" in text
    assert value_of(text, "RF_O_leeds_EMERGENCY") == "^(112|999)$"
    assert value_of(text, "RF_O_leeds_EMERGENCY_ID") == "+441134960000"


@pytest.mark.parametrize(
    ("country", "numbers"), [("GB", ("112", "999")), ("DE", ("110", "112")), ("US", ("112", "911"))]
)
def test_emergency_numbers_are_the_countrys(country: str, numbers: tuple[str, ...]) -> None:
    assert emergency_numbers(country) == numbers


@pytest.mark.parametrize(
    ("dialled", "emergency"),
    [("999", True), ("112", True), ("+112", True), ("+44999", True), ("44112", True), ("9999", False), ("1120", False)],
)
def test_an_emergency_is_known_however_a_platform_spells_it(dialled: str, emergency: bool) -> None:
    text = texts_of(GOOD + SITE)["extensions_ringfence_site.conf"]
    pattern = value_of(text, "RF_O_leeds_EMERGENCY_AS")
    assert (re.search(pattern, dialled) is not None) == emergency


@pytest.mark.parametrize(
    ("number", "allowed"),
    [
        ("+447700900123", True),
        ("+448001234567", True),
        ("+449001234567", False),
        ("+448451234567", False),
        ("+447012345678", False),
        ("+441534123456", False),
        ("+881612345678", False),
    ],
)
def test_ranges_that_cost_or_lie_elsewhere_are_denied(number: str, allowed: bool) -> None:
    outbound = outbound_of(OutboundSettings(), (), ("GB",))
    assert (not number.startswith(tuple(outbound.denied_prefixes))) == allowed


def test_a_platform_that_calls_out_gets_an_endpoint_apart_from_the_one_that_is_dialled() -> None:
    text = GOOD.replace('name = "uc"', 'name = "uc"\noutbound_site = "leeds"', 1)
    pjsip = texts_of(text + SITE)["pjsip_ringfence.conf"]
    assert "[ringfence-uc_outbound]\ntype=endpoint\ncontext=ringfence-outbound-leeds" in pjsip
    assert "[ringfence-uc]\ntype=endpoint\ncontext=ringfence-closed" in pjsip
    with pytest.raises(ConfigError, match="outbound_site"):
        parse(tomllib.loads(text))


def test_an_identity_that_nobody_verified_is_warned_of() -> None:
    assert any("emergency identity" in line for line in warnings(parse(tomllib.loads(GOOD + SITE))))
    assert not any("emergency identity" in line for line in warnings(parse(tomllib.loads(GOOD + VERIFIED))))


@pytest.mark.parametrize(
    "values",
    [
        {"name": "a b"},
        {"main_number": "+44;x"},
        {"emergency_numbers": ("9)|(.*",)},
        {"emergency_numbers": ()},
        {"short_numbers": ("1\n2",)},
        {"extension_prefix": "44"},
        {"emergency_identity": "999"},
    ],
)
def test_no_value_can_add_to_a_file_or_widen_an_expression(values: dict[str, object]) -> None:
    given = {"name": "leeds", "main_number": "+441134960000", "emergency_numbers": ("112",)} | values
    with pytest.raises(SiteValueError):
        OutboundSite(**given)  # type: ignore[arg-type]


def test_a_peers_address_is_checked() -> None:
    with pytest.raises(SiteValueError):
        OutboundPeer("uc_outbound", "192.0.2.1\nmatch=0.0.0.0/0", "leeds")
