"""The guard: what a batch says is taken in, what is safe or small enough is accepted, the rest is held."""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """What kind of change a held item is."""

    JOINER = "joiner"
    RETURN = "return"
    TERM = "term"
    DID_MOVE = "did_move"
    NUMBER_CHANGE = "number_change"
    DETAIL = "detail"
    ABSENCE = "absence"
    KEY_CHANGE = "key_change"
