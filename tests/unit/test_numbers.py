"""Numbers as people and spreadsheets write them."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.numbers import (
    MAX_EMERGENCY_DIGITS,
    NumberError,
    NumberKind,
    classify,
    is_country,
    is_e164,
    mask,
    mask_text,
    parse_did,
    parse_e164,
    parse_number,
    spaced,
)


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+447700900123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("07700 900123", "+447700900123"),
        ("(0113) 496-0000", "+441134960000"),
        ("0044 113 496 0000", "+441134960000"),
        ("447700900123", "+447700900123"),  # a spreadsheet took the plus sign away
        ("7700900123", "+447700900123"),  # a spreadsheet took the leading zero away
        ("\u00a0+44\u00a07700\u00a0900123 ", "+447700900123"),
        ("+31 10 123 4567", "+31101234567"),
    ],
)
def test_reads_the_usual_ways_of_writing(text: str, e164: str) -> None:
    assert parse_number(text, "GB").e164 == e164


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4.47911E+11", "rounded by the spreadsheet"),
        ("4,47911E+11", "format the column as text"),
        ("4E11", "export again"),
        ("447911123456.0", "decimal number"),
        ("#N/A", "error mark"),
        ("", "is empty"),
        ("   ", "is empty"),
        ("999", "emergency"),
        ("112", "emergency"),
        ("118118", "too few digits"),
        ("+44999", "too few digits"),
        ("+44770090012345678", "too many digits"),
        ("+999 123 456 789", "country code"),
        ("+44 113 496 0000 ext 12", "no extension"),
        ("1001&1002", "characters that no number has"),
        ("+44113496\r\n0000", "characters that no number has"),
        ("${EXTEN}", "characters that no number has"),
        ("1001;phone-context=+44", "characters that no number has"),
        ("٠٧٧٠٠٩٠٠١٢٣", "characters that no number has"),
        ("()", "not a telephone number"),
        ("1" * 1000, "longer than 64"),
    ],
)
def test_names_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(NumberError, match=words):
        parse_number(text, "GB")


@pytest.mark.parametrize(
    ("text", "kind", "region", "valid"),
    [
        ("0113 496 0000", NumberKind.FIXED_LINE, "GB", True),
        ("07911 123456", NumberKind.MOBILE, "GG", True),  # Guernsey shares +44
        ("07700 900123", NumberKind.UNKNOWN, "GB", False),  # kept free for drama: possible, in no range
        ("0845 123 4567", NumberKind.PREMIUM_RATE, "GB", True),
        ("0870 123 4567", NumberKind.PREMIUM_RATE, "GB", True),
        ("070 1234 5678", NumberKind.PERSONAL_NUMBER, "GB", True),
        ("0300 123 4567", NumberKind.UAN, "GB", True),
        ("+882 133 00000", NumberKind.VOIP, "001", True),
    ],
)
def test_classifies_for_the_policy(text: str, kind: NumberKind, region: str, valid: bool) -> None:
    number = parse_number(text, "GB")
    assert (number.kind, number.region, number.valid) == (kind, region, valid)


def test_a_number_that_would_reach_an_emergency_service_without_its_country_code_is_marked() -> None:
    assert parse_number("+1 911 555 1234", "GB").emergency_or_short
    assert parse_number("+44 999 123 4567", "GB").emergency_or_short
    # Paris begins with 15, the French ambulance's number, and is an ordinary number all the same.
    assert not parse_number("+33 1 55 12 34 56", "GB").emergency_or_short


def test_masks_a_private_number() -> None:
    assert mask("+447700900123") == "+44*******123"
    assert mask("+12125550123") == "+1*******123"
    assert "7700" not in repr(parse_number("07700 900123", "GB"))


def test_masks_a_text_that_only_resembles_a_number() -> None:
    assert mask_text("07700 90012x") == "***** **012x"
    assert mask_text("a\x00b") == "a?b"
    assert len(mask_text("1" * 1000)) < 100


def test_classify_takes_e164_only() -> None:
    assert classify("+441134960000").region == "GB"
    with pytest.raises(NumberError, match="international form"):
        classify("01134960000")


def test_knows_countries() -> None:
    assert is_country("GB")
    assert not is_country("UK")


@given(st.text(max_size=80))
def test_any_text_is_a_number_or_an_error_that_does_not_repeat_it(text: str) -> None:
    try:
        number = parse_number(text, "GB")
    except NumberError as error:
        assert len(text) < 5 or text not in str(error)
    else:
        assert is_e164(number.e164)


@given(st.from_regex(r"\+44[127][0-9]{9}", fullmatch=True))
def test_what_we_write_for_spreadsheets_is_read_back(e164: str) -> None:
    assert parse_did(spaced(e164), "NL") == e164
    assert mask(e164)[3:-3] == "*" * 7


def test_no_emergency_number_is_longer_than_those_that_are_looked_at() -> None:
    lengths = [
        length
        for region in phonenumbers.SUPPORTED_SHORT_REGIONS
        if (known := phonenumbers.PhoneMetadata.short_metadata_for_region(region)) is not None
        and known.emergency is not None
        for length in known.emergency.possible_length
    ]
    assert 3 in lengths
    assert max(lengths) <= MAX_EMERGENCY_DIGITS


@given(st.text(alphabet="0123456789+ ()-.", max_size=18))
def test_the_short_reading_reads_the_same(text: str) -> None:
    try:
        number = parse_number(text, "GB")
    except NumberError as error:
        with pytest.raises(NumberError) as raised:
            parse_e164(text, "GB")
        assert str(raised.value) == str(error)
    else:
        assert parse_e164(text, "GB") == number.e164
