"""What far ends are assumed to do in a simulated call: a module of its own, because the command line reads it and loads
nothing that knows numbers."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class PlatformDoes(StrEnum):
    """What the platform is assumed to do. But for two these are the dialplan's words for how a leg ends."""

    ANSWERS = "answers"
    SILENT = "silent"
    """Nothing at all comes from it."""
    FAILURE = "failure"
    UNDELIVERABLE = "undeliverable"
    BUSY = "busy"
    DECLINED = "declined"
    UNANSWERED = "unanswered"


class AssumedPlatform(StrEnum):
    """The same as people ask for it, in the API and on the command line."""

    UP = "up"
    DOWN = "down"
    REFUSING = "refusing"
    UNDELIVERABLE = "undeliverable"
    BUSY = "busy"
    DECLINED = "declined"
    UNANSWERED = "unanswered"

    @property
    def does(self) -> PlatformDoes:
        return _DOES.get(self) or PlatformDoes(self.value)


_DOES: Final = {
    AssumedPlatform.UP: PlatformDoes.ANSWERS,
    AssumedPlatform.DOWN: PlatformDoes.SILENT,
    AssumedPlatform.REFUSING: PlatformDoes.FAILURE,
}


class FarEnd(StrEnum):
    """What a number that is rung is assumed to do."""

    ANSWERS = "answers"
    """And presses 1 where that is asked for."""
    UNANSWERED = "unanswered"
    BUSY = "busy"
    DECLINED = "declined"
    OFF = "off"
    VOICEMAIL = "voicemail"
    """Answers, and presses nothing."""
    REFUSES = "refuses"
    """Answers, and presses 2 where it is asked to press 1."""
