"""What people say of pressing 1: a module of its own, because the command line reads it and reads no numbers."""

from __future__ import annotations

from enum import StrEnum


class AskedWord(StrEnum):
    """What people say of one default number: whether who answers has to press 1."""

    ASKED = "asked"
    NOT_ASKED = "not_asked"
    AS_CONFIGURED = "as_configured"
    """As the import says, or the kind of number."""

    @property
    def says(self) -> bool | None:
        return None if self is AskedWord.AS_CONFIGURED else self is AskedWord.ASKED
