"""The region and type of a number, as `phonenumbers` finds them: by its own patterns, those of a region joined in one.

The library asks some thirty patterns one after the other, in Python. At each import and at each start all numbers of a
directory are classified, and of 100,000 DIDs that was half of reading their files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

MANY_REGIONS: Final = 1_000
"""More than there are, by far."""

_FIRST: Final = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
)
"""In the library's order: the first that matches counts, and before the fixed line and the mobile."""


def region_and_type(code: int, national: str) -> tuple[str | None, int]:
    """As the library's `region_code_for_number` and `number_type`: a region of a calling code, None where the number is
    in none of its several regions' ranges, and a `PhoneNumberType`."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    for region in regions:
        leading = _leading_digits(region) if len(regions) > 1 else None
        if leading is not None and not leading.match(national):
            continue
        found = _type_in(code, region, national)
        if found != PhoneNumberType.UNKNOWN or leading is not None or len(regions) == 1:
            return region, found
    return None, PhoneNumberType.UNKNOWN


def may_reach_a_short_service(parsed: phonenumbers.PhoneNumber, code: int, national: str) -> bool:
    """Whether it is a short number, or a trunk that strips the country code would dial one with what is left: +1 911
    555 1234 then begins with 911."""
    lengths, emergency = _short_numbers(code)
    if (None in lengths or len(national) in lengths) and phonenumbers.is_valid_short_number(parsed):
        return True
    if emergency is None or not emergency.match(national):
        return False
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    return any(phonenumbers.connects_to_emergency_number(national, region) for region in regions)


def _type_in(code: int, region: str, national: str) -> int:
    pattern, types = _types(code, region)
    found = None if pattern is None else pattern.fullmatch(national)
    return PhoneNumberType.UNKNOWN if found is None or found.lastgroup is None else types[found.lastgroup]


@lru_cache(maxsize=MANY_REGIONS)
def _types(code: int, region: str) -> tuple[re.Pattern[str] | None, dict[str, int]]:
    """A pattern with a group for each type, and what each group stands for."""
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if metadata is None or not (general := _pattern(metadata.general_desc)):
        return None, {}
    fixed, mobile = _pattern(metadata.fixed_line), _pattern(metadata.mobile)
    either = fixed if metadata.same_mobile_and_fixed_line_pattern else fixed and mobile and rf"(?={mobile}\Z){fixed}"
    parts = [(_pattern(getattr(metadata, name)), kind) for name, kind in _FIRST]
    parts += [(either, PhoneNumberType.FIXED_LINE_OR_MOBILE), (fixed, PhoneNumberType.FIXED_LINE)]
    if not metadata.same_mobile_and_fixed_line_pattern:
        parts.append((mobile, PhoneNumberType.MOBILE))
    named = [(f"t{number}", part, kind) for number, (part, kind) in enumerate(parts) if part]
    groups = "|".join(f"(?P<{name}>{part})" for name, part, _ in named)
    return re.compile(rf"(?={general}\Z)(?:{groups})"), {name: kind for name, _, kind in named}


def _pattern(description: Any) -> str:
    """Of one of the library's descriptions, its lengths included; empty: it matches no number."""
    if description is None or not description.national_number_pattern:
        return ""
    lengths = [length for length in description.possible_length if length > 0]
    if description.possible_length and not lengths:
        return ""
    digits = "|".join(rf"\d{{{length}}}\Z" for length in lengths)
    return rf"(?:(?={digits})(?:{description.national_number_pattern}))"


@lru_cache(maxsize=MANY_REGIONS)
def _leading_digits(region: str) -> re.Pattern[str] | None:
    """What all numbers of a region begin with, where that alone tells them from its neighbours'."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    written = None if metadata is None else metadata.leading_digits
    return None if written is None else re.compile(written)


@lru_cache(maxsize=MANY_REGIONS)
def _short_numbers(code: int) -> tuple[frozenset[int | None], re.Pattern[str] | None]:
    """How long short numbers of a calling code's regions may be (None: of any length), and what emergency numbers begin
    with: whoever is neither need not ask the library."""
    lengths, emergency = set[int | None](), []
    for metadata in _short_metadata(code):
        if metadata.short_code is not None:
            lengths |= set(metadata.short_code.possible_length) or {None}
        if metadata.emergency is not None and metadata.emergency.national_number_pattern:
            emergency.append(f"(?:{metadata.emergency.national_number_pattern})")
    return frozenset(lengths), re.compile("|".join(emergency)) if emergency else None


def _short_metadata(code: int) -> Iterable[Any]:
    found = map(PhoneMetadata.short_metadata_for_region, phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ()))
    return (metadata for metadata in found if metadata is not None)
