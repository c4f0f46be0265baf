"""From the settings of an egress trunk to the ladder that the dialplan and PJSIP are told."""

from __future__ import annotations

import tomllib

import pytest

from ringfence.asterisk.site import Identity, SiteValueError
from ringfence.config.reading import ConfigError, parse
from ringfence.config.snippets import PJSIP, SITE_DIALPLAN, generated_snippets
from ringfence.domain.identities import Rung
from tests.fakes.smallest import smallest
from tests.unit.test_snippets import SECRETS


def snippets(identity: str = "") -> dict[str, str]:
    return generated_snippets(parse(tomllib.loads(smallest('node = "node1"', last=identity))), SECRETS)


def values(identity: str = "") -> dict[str, str]:
    lines = snippets(identity)[SITE_DIALPLAN].splitlines()
    pairs = [line.partition("GLOBAL(RF_E_out_")[2].partition(")=") for line in lines]
    return {name: value.removesuffix(")") for name, _, value in pairs if name}


def test_by_default_there_is_no_lowest_rung() -> None:
    told = values()
    assert told["RUNGS"] == "caller,did"
    assert told["DOMAIN"] == "203.0.113.20"
    assert told["REFUSED"] == "^(403|428|433|436|437|438)$"
    assert told["RETRY"] == "86400"
    assert "_trunk]" not in snippets()[PJSIP]
    assert "from_domain" not in snippets()[PJSIP]


def test_everything_may_be_said() -> None:
    said = """
identity = "did"
trunk_number = "+441134960000"
identity_domain = "our.example"
identity_rejected = [403, 606, 403]
identity_retry_hours = 2
"""
    told = values(said)
    assert told["RUNGS"] == "did,trunk"
    assert told["DOMAIN"] == "our.example"
    assert told["REFUSED"] == "^(403|606)$"
    assert told["RETRY"] == "7200"
    _, _, lowest = snippets(said)[PJSIP].partition("[ringfence-out_trunk]")
    section = lowest.partition("\n[")[0].splitlines()
    assert "from_user=+441134960000" in section
    assert "from_domain=our.example" in section
    assert "send_diversion=no" in section


def test_no_status_means_none_and_not_every_one() -> None:
    assert values("identity_rejected = []")["REFUSED"] == "^(-)$"


@pytest.mark.parametrize(
    "wrong",
    [
        'identity = "trunk"',
        'identity = "anybody"',
        'identity_domain = "our.example>"',
        "identity_rejected = [200]",
        'trunk_number = "1001"',
        "identity_retry_hours = 0",
    ],
)
def test_what_cannot_be_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError):
        snippets(wrong)


def test_ladder_goes_down_only() -> None:
    assert Identity(trunk_number="+441134960000").rungs == (Rung.CALLER, Rung.DID, Rung.TRUNK)
    assert Identity(first=Rung.DID).rungs == (Rung.DID,)
    with pytest.raises(SiteValueError):
        Identity(first=Rung.TRUNK)
