"""What Ringfence says to callers and to its own people: the prompts' names, and how their files are called. Pure.

The words themselves lie in `ringfence/voice/texts`, one file a language.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

FOLDER: Final = "ringfence"
"""Below the language's folder of Asterisk's sounds: `sounds/<language>/ringfence/<prompt>`."""

LANGUAGES: Final = ("en", "de", "fr", "es", "pl", "cy")
"""Those with a text for every prompt, called as Asterisk calls them."""

DEFAULT_LANGUAGE: Final = "en"

MAX_WORDS: Final = 600
"""Characters; about three quarters of a minute."""

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_ANNOUNCEMENT_PREFIX: Final = "announcement-"


class Prompt(StrEnum):
    """One thing that is said. The value is the file's name, which the dialplan plays as `ringfence/<value>`."""

    # To whoever answers a diverted call.
    ACCEPT = "accept"
    CALL_FROM = "call-from"
    WITHHELD = "withheld"
    # To a caller who waits.
    POSITION = "position"
    IN_QUEUE = "in-queue"
    ALL_BUSY = "all-busy"
    # To a caller at the end.
    UNAVAILABLE = "unavailable"
    LEAVE_MESSAGE = "leave-message"
    OUT_OF_HOURS = "out-of-hours"
    HOLIDAY = "holiday"
    GOODBYE = "goodbye"
    # To the site's own phones.
    EMERGENCY_ONLY = "emergency-only"


SHIPPED_ANNOUNCEMENTS: Final = (Prompt.UNAVAILABLE, Prompt.OUT_OF_HOURS, Prompt.HOLIDAY, Prompt.ALL_BUSY)
"""There on every site that names no announcements of its own; the first one is everybody's last resort."""


def sound_of(prompt: Prompt) -> str:
    """The sound's name as Asterisk wants it, without language and ending."""
    return f"{FOLDER}/{prompt}"


def announcement_name(prompt: Prompt) -> str:
    """A prompt as a plan's announcement: those names have no hyphen."""
    return prompt.replace("-", "_")


def announcement_stem(name: str) -> str:
    """The file of an announcement whose words are a site's own. No prompt is ever called so."""
    return f"{_ANNOUNCEMENT_PREFIX}{name}"


def is_language(text: str) -> bool:
    """Whether Asterisk may be told this: `en`, `de_CH`. It may be one that we have no texts for."""
    return _LANGUAGE.fullmatch(text) is not None


def why_no_words(text: str) -> str | None:
    """What keeps a text from being spoken: nothing in it, more than a caller would listen to, or what a synthesiser
    takes for commands."""
    if not text.strip():
        return "has no words"
    if len(text) > MAX_WORDS:
        return f"is longer than {MAX_WORDS} characters: no caller would listen to it"
    if not text.isprintable() or "<" in text or "[[" in text:
        return "has characters that are not spoken: line breaks, < and [[ are not"
    return None
