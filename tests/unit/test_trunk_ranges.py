"""A trunk's ranges in the configuration, and the context of the dialplan that they become."""

from __future__ import annotations

import tomllib

import pytest

from ringfence.asterisk.dialplan import render_dialplan
from ringfence.asterisk.site import SiteValueError, Trunk
from ringfence.config import ConfigError, parse
from ringfence.config.snippets import site_dialplan
from ringfence.domain.received_number import BareNumber, NumberRules
from tests.unit.test_config import GOOD

TRUNK = 'name = "carrier"\n'


def with_trunk(lines: str) -> str:
    return GOOD.replace(TRUNK, f"{TRUNK}{lines}\n", 1)


def test_ranges_become_patterns_that_say_most_first() -> None:
    lines = 'bare = "extension"\nextension_length = 4\nranges = ["+441134960xxx", "+441134971xxx"]'
    text = render_dialplan(site_dialplan(parse(tomllib.loads(with_trunk(lines)))))
    context = text.partition("[ringfence-range-carrier]")[2].partition("\n[")[0]
    assert "exten => _0XXX,1,Set(RF_DID=+44113496${RF_RAW})" in context
    assert "exten => _1XXX,1,Set(RF_DID=+44113497${RF_RAW})" in context
    assert "RF_T_carrier_RANGES)=1" in text


def test_a_prefix_and_a_length_are_a_range_too() -> None:
    lines = 'bare = "extension"\nextension_length = 2\nrange_prefix = "+4411349600"'
    text = render_dialplan(site_dialplan(parse(tomllib.loads(with_trunk(lines)))))
    assert "exten => _XX,1,Set(RF_DID=+4411349600${RF_RAW})" in text


def test_a_trunk_without_last_digits_has_no_such_context() -> None:
    text = render_dialplan(site_dialplan(parse(tomllib.loads(with_trunk('ranges = ["+441134960xxx"]')))))
    assert "[ringfence-range-" not in text


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('bare = "extension"', "set range_prefix and extension_length"),
        ('bare = "extension"\nranges = ["0113496xxx"]', "is no range"),
        ('bare = "extension"\nranges = ["+441134960xxx", "+441134971xxx"]', "cannot be told apart"),
    ],
)
def test_what_cannot_be_read_is_a_fault_of_the_configuration(lines: str, words: str) -> None:
    text = with_trunk(lines)
    with pytest.raises(ConfigError, match=words):
        parse(tomllib.loads(text), "it", text)


def test_a_range_that_would_add_a_line_to_the_dialplan_is_refused() -> None:
    with pytest.raises(SiteValueError, match="is no range"):
        Trunk("carrier", "uc", number=NumberRules(bare=BareNumber.EXTENSION, ranges=("+44113xxx\nexten => x",)))
