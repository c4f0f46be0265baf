"""The quick ways through `numbers` and `policy` give the library's own answers: for every calling code, never a more
permissive one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import phonenumbers
import pytest
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from ringfence.domain.numbers import NumberError, NumberKind, classify, is_e164, parse_e164, parse_number
from ringfence.domain.policy import EgressGate, EgressPolicy, Refusal, why_not

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
RANDOM = Random(20261122)
KINDS = {getattr(PhoneNumberType, kind.name): kind for kind in NumberKind if kind is not NumberKind.UNKNOWN}


def texts() -> Iterator[str]:
    """Of every calling code: its examples of each type and their neighbours, numbers of every length behind every first
    digit and behind what is dialled before national numbers there."""
    for code in CODES:
        for regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
            for kind in KINDS:
                example = phonenumbers.example_number_for_type(regions, kind)
                if example is not None:
                    text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
                    yield from (text, text[:-3] + f"{RANDOM.randrange(1000):03d}", text[:-1])
        for first in ("", *"0123456789", "00", "011", "112", "15", "80", "911", "999"):
            for length in (6, 8, 9, 10, 11):
                yield f"+{code}{first}{RANDOM.randrange(10**length):0{length}d}"
    yield from (f"+447{RANDOM.randrange(10**9):09d}" for _ in range(500))
    yield from (f"+447700{number}" for number in range(900_000, 901_000, 7))


TEXTS = [text for text in texts() if is_e164(text)]


def read(text: str) -> PhoneNumber | None:
    """As the library reads it; None: it does not, or not as a possible number, or it reads its own E.164 as another."""
    try:
        parsed = phonenumbers.parse(text, "ZZ")
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return None
    whole = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return parsed if not is_e164(whole) or phonenumbers.parse(whole, "ZZ") == parsed else None


def test_a_number_in_e164_is_read_as_the_library_reads_it() -> None:
    same = 0
    for text in TEXTS:
        parsed = read(text)
        if parsed is None:
            with pytest.raises(NumberError):
                parse_e164(text, "GB")
            continue
        whole = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
        if is_e164(whole):
            assert parse_e164(text, "GB") == whole
            assert parse_number(text, "GB").e164 == whole
            same += whole == text
    # Both kinds are among them: those that are read as they stand, and those of which something is taken away.
    assert len(TEXTS) > 10_000 > same > 5_000


@pytest.mark.parametrize("text", ["+4900441003", "+49 00 441003", "+860115693172101"])
def test_a_number_that_would_be_another_when_it_is_read_again_is_refused(text: str) -> None:
    with pytest.raises(NumberError, match=r"a dialling prefix too many .*; write it as"):
        parse_e164(text, "GB")


def test_a_number_is_classified_as_by_the_library_and_the_gate_judges_by_that() -> None:
    policy = EgressPolicy(frozenset({"GB", "DE", "FR", "US"}), denied_prefixes=("+4415",))
    gate, refusals = EgressGate(policy), set[Refusal | None]()
    for text in TEXTS:
        parsed = read(text)
        if parsed is None or not is_e164(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)):
            assert gate.why_not(text, ()) is Refusal.NOT_A_NUMBER
            continue
        number = classify(text)
        region = phonenumbers.region_code_for_number(parsed)
        code, national = parsed.country_code, phonenumbers.national_significant_number(parsed)
        assert code is not None
        assert number.kind is KINDS.get(phonenumbers.number_type(parsed), NumberKind.UNKNOWN)
        assert number.region == (region or phonenumbers.region_code_for_country_code(code))
        assert number.valid is (number.kind is not NumberKind.UNKNOWN)
        reaches = phonenumbers.is_valid_short_number(parsed) or any(
            phonenumbers.connects_to_emergency_number(national, region)
            for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
        )
        assert number.emergency_or_short is (not number.valid and reaches)
        assert gate.why_not(text, ()) is gate.why_not(text, ()) is why_not(number, policy, ())
        refusals.add(why_not(number, policy, ()))
    of_the_number = {refusal for refusal in Refusal if not refusal.comes_back}
    assert refusals == {None, *of_the_number} - {Refusal.NOT_A_NUMBER}
