"""What the dialplan refuses by a number's beginning, against what the policy says of whole numbers."""

from __future__ import annotations

import random
import re
import tomllib

import phonenumbers
import pytest

from ringfence.config import parse
from ringfence.config.snippets import site_dialplan
from ringfence.domain.denied_starts import INTERNATIONAL_NETWORKS, denied_starts
from ringfence.domain.numbers import NumberError, NumberKind, classify
from ringfence.domain.policy import DENIED_BY_DEFAULT, EgressPolicy, Refusal, why_not
from tests.unit.test_config import GOOD

COUNTRIES = [{"GB"}, {"US"}, {"GB", "US"}, {"DE", "AT", "FR"}, {"GB", "JE"}, {"IT", "KZ"}]


def numbers_of(countries: set[str], seed: int, count: int = 3000) -> list[str]:
    """Of every range there is under their calling codes: the library's examples with other digits at the end."""
    chance = random.Random(seed)
    found = []
    for country in sorted(countries):
        code = phonenumbers.country_code_for_region(country)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
            for kind in range(11):
                example = phonenumbers.example_number_for_type(region, kind)
                if example is None:
                    continue
                text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                for _ in range(max(1, count // 600)):
                    tail = chance.randint(3, 7)
                    found.append(text[:-tail] + "".join(chance.choices("0123456789", k=tail)))
    return found


@pytest.mark.parametrize("countries", COUNTRIES, ids=lambda countries: "-".join(sorted(countries)))
def test_no_allowed_number_has_a_denied_beginning_and_most_of_the_denied_have(countries: set[str]) -> None:
    policy = EgressPolicy(frozenset(countries))
    starts = denied_starts(frozenset(countries), DENIED_BY_DEFAULT)
    caught = missed = 0
    for text in numbers_of(countries, 7):
        try:
            number = classify(text)
        except NumberError:
            continue
        refusal = why_not(number, policy, ())
        if refusal is None and number.valid:
            assert not text.startswith(starts), text
        elif refusal in (Refusal.KIND_DENIED, Refusal.COUNTRY_NOT_ALLOWED) and number.valid:
            caught += text.startswith(starts)
            missed += not text.startswith(starts)
    assert caught > 2 * missed, (caught, missed)


@pytest.mark.parametrize(
    "number",
    [
        "+447911123456",  # Guernsey
        "+447797700123",  # Jersey
        "+447624300123",  # Isle of Man
        "+447012345678",  # a personal number
        "+449098790123",  # premium rate
        "+448712345678",  # shared cost
        "+18095551234",  # the Dominican Republic
        "+18765551234",  # Jamaica
        "+881612345678",  # a satellite telephone
        "+870773111632",
        "+882164123456",
        "+979123456789",
    ],
)
def test_what_fraud_reaches_for_is_denied_by_its_beginning(number: str) -> None:
    assert number.startswith(denied_starts(frozenset({"GB", "US"}), DENIED_BY_DEFAULT))
    assert why_not(classify(number), EgressPolicy(frozenset({"GB", "US"})), ()) is not None


def test_the_drama_ranges_of_examples_are_not_denied() -> None:
    starts = denied_starts(frozenset({"GB"}), DENIED_BY_DEFAULT)
    for number in ("+447700900123", "+441134960000", "+442079460123", "+443069990123"):
        assert not number.startswith(starts)


def test_no_country_has_a_code_that_begins_as_an_international_network() -> None:
    codes = {f"+{code}" for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    for start in INTERNATIONAL_NETWORKS:
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(start[1:]), ("001",))
        assert regions == ("001",)
        assert not any(start.startswith(code) for code in codes - {start})


def test_every_allowed_kind_leaves_nothing_denied_but_other_countries() -> None:
    starts = denied_starts(frozenset({"DE"}), frozenset())
    assert starts == INTERNATIONAL_NETWORKS
    assert len(denied_starts(frozenset({"DE"}), frozenset({NumberKind.PREMIUM_RATE}))) > len(starts)


def test_the_dialplan_has_them_and_the_platforms_ranges() -> None:
    text = GOOD.replace('name = "uc"', 'name = "uc"\nranges = ["+44113497"]', 1)
    denied = site_dialplan(parse(tomllib.loads(text))).egress.denied_prefixes
    assert {"+4479111", "+881", "+44113497"} <= set(denied)
    assert sum(map(len, denied)) < 2000, "Asterisk's buffer for an expression"
    assert all(re.fullmatch(r"\+[1-9][0-9]{0,13}", prefix) for prefix in denied)
