"""What a check has found: four states, of which "cannot tell" is one of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`unknown` is no failure: nobody could be asked, and the words say why."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `fix` says what to do, and is empty only when there is nothing to do."""

    check: str
    state: State
    words: str
    fix: str = ""


def ok(words: str) -> Finding:
    """The runner fills in which check it was."""
    return Finding("", State.OK, words)


def warn(words: str, fix: str) -> Finding:
    return Finding("", State.WARN, words, fix)


def fail(words: str, fix: str) -> Finding:
    return Finding("", State.FAIL, words, fix)


def unknown(words: str, fix: str = "") -> Finding:
    return Finding("", State.UNKNOWN, words, fix)
