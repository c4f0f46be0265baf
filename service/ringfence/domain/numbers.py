"""Telephone numbers as E.164 values: read strictly, classified once, masked wherever people look.

Everything that takes a number from a person (CSV, CLI, API, configuration) reads it here. A number is
compared, never repaired: what cannot be read exactly is an error that names the fault and the remedy. Numbers
are kept as short strings, because a daemon holds tens of thousands of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from sys import intern
from typing import Final, NewType

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult

from ringfence.domain.number_types import may_reach_a_short_service, region_and_type

Did = NewType("Did", str)
"""An inbound number of ours: E.164 with its plus sign."""

MAX_TEXT_LENGTH: Final = 64  # a number with every usual separator is far shorter; longer is not a number
MAX_EMERGENCY_DIGITS: Final = 8  # the longest that any country has is of 6; asking for every number costs a fifth
VISIBLE_DIGITS: Final = 3

# The patterns are bounded in number; `re` would look them up a hundred times for each telephone number.
phonenumbers.enable_pattern_cache()

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_ROUNDED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_DECIMAL = re.compile(r"[+-]?\d{6,}[.,]0+")
_ALLOWED = re.compile(r"\+?[0-9 ()./\u00a0\u2010-\u2013-]+")


class NumberError(ValueError):
    """A text that is not a usable number; says what is wrong and how to mend it, and never repeats the
    text."""


class NumberKind(StrEnum):
    """The numbering plan's own classes. 0845 and 0870 are `premium_rate`, 070 is `personal_number`."""

    FIXED_LINE = "fixed_line"
    MOBILE = "mobile"
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile"
    TOLL_FREE = "toll_free"
    PREMIUM_RATE = "premium_rate"
    SHARED_COST = "shared_cost"
    VOIP = "voip"
    PERSONAL_NUMBER = "personal_number"
    PAGER = "pager"
    UAN = "uan"
    VOICEMAIL = "voicemail"
    UNKNOWN = "unknown"


_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: NumberKind.FIXED_LINE,
    PhoneNumberType.MOBILE: NumberKind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
    PhoneNumberType.VOIP: NumberKind.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL_NUMBER,
    PhoneNumberType.PAGER: NumberKind.PAGER,
    PhoneNumberType.UAN: NumberKind.UAN,
    PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
}


@dataclass(frozen=True, slots=True)
class Number:
    """One number with what a policy asks of it.

    `region` is an ISO 3166 code, or `001` for a calling code of no country; a number outside every known
    range counts to the main region of its calling code. `valid` is false for numbers of the right length in
    no range known to the numbering plan (among them the ranges kept free for drama): a reason to warn, never
    to refuse.
    """

    e164: str
    kind: NumberKind
    region: str
    valid: bool
    emergency_or_short: bool

    def __repr__(self) -> str:
        return f"Number({mask(self.e164)}, {self.kind}, {self.region})"


def parse_number(text: str, default_country: str) -> Number:
    """Read a number as a person writes it; without a `+` it is national to `default_country` (ISO 3166, as
    `GB`).

    Raises NumberError.
    """
    return _classify(_read(text, default_country))


def parse_e164(text: str, default_country: str) -> str:
    """The same reading, kept only as the E.164 text, for feeds of 100,000 rows: what a policy asks of a number costs
    three times as much as the reading. Raises NumberError."""
    written = text.strip()
    if _plain(written) is not None:
        return intern(written)
    return intern(_checked_e164(_read(written, default_country)))


def parse_did(text: str, default_country: str) -> Did:
    """The same reading, kept only as the E.164 text. Raises NumberError."""
    return Did(parse_number(text, default_country).e164)


def classify(e164: str) -> Number:
    """What a policy asks of a number already in E.164. Raises NumberError."""
    if not is_e164(e164):
        raise NumberError("is not in international form, as +441134960000")
    return parse_number(e164, "ZZ")


def is_e164(text: str) -> bool:
    """True for a plus sign and 7 to 15 digits (ITU-T E.164, section 6.2.1), the only form AstDB and the store
    hold."""
    return _E164.fullmatch(text) is not None


def is_country(text: str) -> bool:
    """True for an ISO 3166 code, in capitals, that has a calling code."""
    return text in phonenumbers.SUPPORTED_REGIONS


def mask(e164: str) -> str:
    """A private number as people may see it: calling code and last three digits, `+44*******123`."""
    if not is_e164(e164):
        return mask_text(e164)
    code = _calling_code(e164)
    hidden = len(e164) - 1 - len(code) - VISIBLE_DIGITS
    return f"+{code}{'*' * hidden}{e164[-VISIBLE_DIGITS:]}"


def mask_text(text: str) -> str:
    """Any text that was meant to be a private number: every digit hidden but the last three."""
    digits_left = sum(character.isdigit() for character in text)
    shown: list[str] = []
    for character in text[:MAX_TEXT_LENGTH]:
        if character.isdigit():
            shown.append(character if digits_left <= VISIBLE_DIGITS else "*")
            digits_left -= 1
        else:
            shown.append(character if character.isprintable() else "?")
    return "".join(shown) + ("..." if len(text) > MAX_TEXT_LENGTH else "")


def spaced(e164: str) -> str:
    """The number with spaces, as `+44 113 496 0000`: a spreadsheet takes it for text and does not round
    it."""
    if not is_e164(e164):
        return e164
    parsed = phonenumbers.parse(e164, None)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _read(text: str, default_country: str) -> phonenumbers.PhoneNumber:
    written = text.strip()
    plain = _plain(written)
    if plain is not None:
        code, national = plain
        return phonenumbers.PhoneNumber(country_code=int(code), national_number=int(national))
    _refuse_unreadable(written)
    country = default_country.upper()
    digits = re.sub(r"\D", "", written)
    if len(digits) <= MAX_EMERGENCY_DIGITS and phonenumbers.is_emergency_number(digits, country):
        raise NumberError("is an emergency number; write the number that is meant")
    try:
        parsed = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException as error:
        raise NumberError(_parse_fault(error.error_type)) from None
    fault = _length_fault(phonenumbers.is_possible_number_with_reason(parsed))
    if fault is not None:
        raise NumberError(fault)
    return parsed


def _plain(written: str) -> tuple[str, str] | None:
    """Calling code and national number of a text that is E.164, of a possible length, and begins with nothing that the
    library would take away: reading it changes nothing, so it need not be read, which costs ten times as much. None:
    it has to be."""
    if len(written) <= 1 + MAX_EMERGENCY_DIGITS or not is_e164(written):
        return None
    code = _calling_code(written)
    national = written[1 + len(code) :]
    if not code or national[0] == "0" or not _is_possible(code, len(national)):
        return None
    prefix = _national_prefix(code)
    return None if prefix is not None and prefix.match(national) else (code, national)


@lru_cache(maxsize=10_000)
def _is_possible(code: str, national_digits: int) -> bool:
    """Whether numbers of a calling code may have so many digits: nothing else makes a number possible."""
    any_number = phonenumbers.PhoneNumber(country_code=int(code), national_number=int("1" * national_digits))
    return bool(phonenumbers.is_possible_number_with_reason(any_number) == ValidationResult.IS_POSSIBLE)


@lru_cache(maxsize=1_000)
def _national_prefix(code: str) -> re.Pattern[str] | None:
    """What is dialled before a national number (0, 1, 8...) and is taken away in the reading; None: nothing is."""
    region = phonenumbers.region_code_for_country_code(int(code))
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    written = None if metadata is None else metadata.national_prefix_for_parsing
    return re.compile(written) if written else None


def _checked_e164(parsed: phonenumbers.PhoneNumber) -> str:
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not is_e164(e164):
        raise NumberError("has too few or too many digits for an international number; check it")
    if _plain(e164) is None and not _is_read_as(e164, parsed):
        raise NumberError("has a dialling prefix too many behind the country code; write it as +441134960000")
    return str(e164)


def _is_read_as(e164: str, parsed: phonenumbers.PhoneNumber) -> bool:
    """False where the library has taken away one prefix and would take away another the next time, as of
    `+49 00 441003`: stored and read again, that would be another's number."""
    try:
        return bool(phonenumbers.parse(e164, None) == parsed)
    except phonenumbers.NumberParseException:
        return False


def _refuse_unreadable(written: str) -> None:
    if not written:
        raise NumberError("is empty; write a number, as +441134960000")
    if len(written) > MAX_TEXT_LENGTH:
        raise NumberError(f"is longer than {MAX_TEXT_LENGTH} characters; write one number only")
    if _ROUNDED.fullmatch(written):
        raise NumberError(
            "has been rounded by the spreadsheet, its last digits are lost; "
            "format the column as text, enter the number again and export again"
        )
    if _DECIMAL.fullmatch(written):
        raise NumberError(
            "has been made a decimal number by the spreadsheet; format the column as text and export again"
        )
    if written.startswith("#"):
        raise NumberError("is a spreadsheet's error mark; enter the number again as text and export again")
    if not _ALLOWED.fullmatch(written):
        raise NumberError(
            "holds characters that no number has; write digits, spaces and a leading + only, no extension"
        )


def _parse_fault(error_type: int) -> str:
    kinds = phonenumbers.NumberParseException
    if error_type == kinds.INVALID_COUNTRY_CODE:
        return "has no known country code; write it in international form, as +441134960000"
    if error_type == kinds.TOO_LONG:
        return "has too many digits; check it for a second number or a mistyped digit"
    if error_type in (kinds.TOO_SHORT_NSN, kinds.TOO_SHORT_AFTER_IDD):
        return "has too few digits; write it with its area code"
    return "is not a telephone number; write it in international form, as +441134960000"


def _length_fault(possible: int) -> str | None:
    if possible == ValidationResult.IS_POSSIBLE:
        return None
    if possible == ValidationResult.TOO_LONG:
        return "has too many digits for its country; check it for a mistyped digit"
    if possible in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return "has too few digits for its country (a short or local number?); write it with its area code"
    if possible == ValidationResult.INVALID_COUNTRY_CODE:
        return "has no known country code; write it in international form, as +441134960000"
    return "has a number of digits that its country does not use; check it for a mistyped digit"


def _classify(parsed: phonenumbers.PhoneNumber) -> Number:
    code = parsed.country_code or 0
    national = phonenumbers.national_significant_number(parsed)
    found, number_type = region_and_type(code, national)
    kind = _KINDS.get(number_type, NumberKind.UNKNOWN)
    region = found or phonenumbers.region_code_for_country_code(code)
    valid = kind is not NumberKind.UNKNOWN
    e164 = _checked_e164(parsed)
    short = not valid and may_reach_a_short_service(parsed, code, national)
    return Number(intern(e164), kind, intern(str(region)), valid, short)


def _calling_code(e164: str) -> str:
    for length in (1, 2, 3):
        code = e164[1 : 1 + length]
        if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return code
    return ""
