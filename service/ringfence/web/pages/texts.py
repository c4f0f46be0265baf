"""The pages' languages: English is written in the source, others are PO files beside it, compiled when first asked for.

Whoever adds a language adds a folder below `translations` and its own name to `LANGUAGES`; a tidy test says what is
missing in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = MappingProxyType({SOURCE_LANGUAGE: "English", "de": "Deutsch"})
"""Code -> the language's own name."""

LANGUAGE_COOKIE: Final = "ringfence-language"
TRANSLATIONS: Final = Path(__file__).parent / "translations"

_MAX_ACCEPTED: Final = 16


def N_(text: str) -> str:
    """Marks a text that is translated later, where it is shown."""
    return text


@cache
def texts_of(language: str) -> NullTranslations:
    """The catalogue of one of `LANGUAGES`."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / language / "messages.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def language_of(request: Request) -> str:
    """What was chosen by hand, else the browser's first wish that we have, else English."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    wishes = request.headers.get("accept-language", "").split(",")[:_MAX_ACCEPTED]
    ordered = sorted((_weighed(wish, place) for place, wish in enumerate(wishes)), reverse=True)
    return next((code for weight, _, code in ordered if code in LANGUAGES and weight > 0), SOURCE_LANGUAGE)


def _weighed(wish: str, place: int) -> tuple[float, int, str]:
    """`de-AT;q=0.8` as (0.8, -place, "de"): the earlier of equal weight comes first."""
    tag, _, parameter = wish.partition(";")
    name, _, value = parameter.strip().partition("=")
    try:
        weight = float(value) if name == "q" else 1.0
    except ValueError:
        weight = 0.0
    return weight, -place, tag.strip().partition("-")[0].lower()
