"""What is wrong with a decision as it was filled in, said at the field it is about and in words that help on a page:
the use cases name the fields and commands of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from ringfence.app.operator import NotNow, NotOurs, OrderRefused
from ringfence.app.ports import RingfenceError
from ringfence.web.pages.texts import N_

FIELDS: Final = ("what", "dids", "mode", "length", "until", "reason")
"""The fields of the form, in its order."""

_PLACE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scope": "what",
        "site": "what",
        "team": "what",
        "did": "dids",
        "from": "dids",
        "to": "dids",
        "for": "length",
        "why": "reason",
    }
)
"""Field of an error -> field of the form, where they differ."""

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "what": N_("Choose what is to be moved, or write DIDs in the field beside it."),
        "dids": N_(
            "Something in it is no DID of ours, or the range holds none. Write them again: what was here is not shown, "
            "for it may be somebody's private number."
        ),
        "mode": N_("Only platforms and everything can be frozen. Choose one of the others, or freeze the platform."),
        "length": N_("Choose one of the lengths of the list."),
        "until": N_("This is no time, or it is over, or more than 31 days ahead. Choose another, or empty the field."),
        "reason": N_("Say in a few words why, at most 300 characters in one line: it is what the others will read."),
    }
)

LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "what": N_("What is to be moved"),
        "dids": N_("DIDs"),
        "mode": N_("Where its calls go"),
        "length": N_("For how long"),
        "until": N_("Until"),
        "reason": N_("Reason"),
    }
)
"""What each field is called where its fault is told apart from it."""

GONE: Final = N_("No DID belongs to what was chosen, or it is not there any more. Choose again.")
STANDS: Final = N_("A person's decision stands there, and freezing would end it and move its calls. Release it first.")


def faults_of(checks: Iterable[Callable[[], object]]) -> tuple[dict[str, str], RingfenceError | None]:
    """What each check says, by field, and the first error as it was raised; none: nothing is wrong. All are asked, so
    that nobody is sent back once for each fault. Errors that are about no field are not caught."""
    faults: dict[str, str] = {}
    first: RingfenceError | None = None
    for check in checks:
        try:
            check()
        except (OrderRefused, NotOurs) as error:
            place = _PLACE.get(error.field, error.field)
            if place not in FIELDS:
                raise
            faults.setdefault(place, _words(error, place))
            first = first or error
    return {field: faults[field] for field in FIELDS if field in faults}, first


def _words(error: OrderRefused | NotOurs, place: str) -> str:
    if place == "mode" and isinstance(error, NotNow):
        return STANDS
    return GONE if place == "what" and error.field != "what" else _WORDS[place]
