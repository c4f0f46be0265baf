"""What is wrong with a form of `/me`, said at its field in everyday words. What was written stays, but for numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ringfence.app.operator import OrderRefused
from ringfence.web.pages.texts import N_

_PLACES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "add": {"number": "number-new", "ring_seconds": "ring-new"},
        "hours": {"hours": "hours-{position}"},
        "today": {"number": "number-today", "ring_seconds": "ring-today", "until": "until-today"},
        "away": {"from": "from", "until": "until-away", "deputy": "deputy"},
    }
)
"""Form -> field of an error -> the id of the field on the page."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "number-new": N_("This number cannot be taken. Write it again: what was here is not shown."),
        "number-today": N_("This number cannot be taken. Write it again: what was here is not shown."),
        "ring-new": N_("Give 5 to 120 seconds."),
        "ring-today": N_("Give 5 to 120 seconds."),
        "hours-{position}": N_("These are no hours. Write 07:00-22:00 or mon-fri 08:00-18:00, or leave it empty."),
        "until-today": N_("Give a moment that is still to come, at most 31 days ahead."),
        "from": N_("Give the first day of the absence."),
        "until-away": N_("Give a last day that is not before the first, or leave it empty."),
        "deputy": N_("Nobody else has this key. Ask the helpdesk for that of your deputy, or leave it empty."),
    }
)

_KEPT: Final = ("use", "ring_seconds", "consent", "hours", "until", "from", "deputy")


@dataclass(frozen=True, slots=True)
class OwnFault:
    """`place` is the id of the field, `words` is translated where it is shown, `detail` is not. `written` is what stood
    in the form; numbers are left out, for they are shown in clear to nobody."""

    form: str
    place: str
    words: str
    detail: str
    written: Mapping[str, str]


def own_fault(form: str, error: OrderRefused, fields: Mapping[str, str], tell: Callable[[str], str]) -> OwnFault | None:
    """None: it is about no field of the form. `tell` masks what may be somebody's number."""
    place = _PLACES.get(form, {}).get(error.field.rpartition(".")[2])
    if place is None:
        return None
    position = fields.get("position", "")
    if "{position}" in place and not position.isdecimal():
        return None
    # A number in the wrong field is somebody's number all the same.
    written = {name: text for name in _KEPT if (text := fields.get(name, "")) and tell(text) == text}
    detail = tell(error.message).partition(": ")[2]
    return OwnFault(form, place.format(position=position), _WORDS[place], detail, {**written, "position": position})
