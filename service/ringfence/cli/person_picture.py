"""One person for a terminal: every field with its origins, the numbers masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ringfence.cli.invocation import print_lines
from ringfence.cli.tables import show_table
from ringfence.cli.times import local

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+\d\d:\d\d")

_PRESS: Final = {None: "", True: ", press 1", False: ", no press 1"}

if TYPE_CHECKING:
    from rich.console import Console


def show_people(out: Console, people: list[dict[str, Any]]) -> None:
    rows = [(one["key"], one["name"], one["standing"], ", ".join(did["did"] for did in one["dids"])) for one in people]
    show_table(out, ("key", "name", "stands", "DIDs"), rows)


def show_person(out: Console, person: dict[str, Any]) -> None:
    """All of it."""
    print_lines(out, _headline(person))
    claims = [
        (field.replace("_", " ") if first else "", *_claim(claim))
        for field, origins in person["fields"].items()
        for first, claim in _with_first(origins)
    ]
    show_table(out, ("field", "value", "from", "when", ""), claims)
    show_table(
        out, ("", "default number", "use", "rings", "consent", "confirmed", "purpose", "in an outage"), _numbers(person)
    )
    if not person["numbers"]:
        out.print("No default number is known.")


def _headline(person: dict[str, Any]) -> Iterator[str]:
    # The dates are those of the employment, whatever the standing is: nobody is away since their first day.
    since = f" from {local(person['since'])}" if person["since"] else ""
    until = f" until {local(person['until'])}" if person["until"] else ""
    standing = person["standing"]
    if since or until:
        word = " was employed" if standing == "left" else " employed"
        standing = f"employed{since}{until}" if standing == "employed" else f"{standing},{word}{since}{until}"
    yield f"{person['name']} ({person['key']}): {standing}"
    for did in person["dids"]:
        held_since = f" since {local(did['since'])}" if did["since"] else ""
        hold = f": {did['hold']}" if did["hold"] else ""
        yield f"  DID {did['did']}{held_since}{hold}"


def _with_first(origins: list[dict[str, Any]]) -> Iterator[tuple[bool, dict[str, Any]]]:
    return ((place == 0, claim) for place, claim in enumerate(origins))


def _claim(claim: dict[str, Any]) -> tuple[str, str, str, str]:
    origin = f"{claim['origin']} ({claim['who']})" if claim["who"] else claim["origin"]
    counts = "counts" if claim["in_force"] else "HELD until somebody decides" if claim["held"] else ""
    return _value(claim["value"]), origin, local(claim["at"]) or "-", counts


def _value(text: str) -> str:
    """A moment as the other moments of the picture, in this machine's zone."""
    return local(text) if _MOMENT.fullmatch(text) else text


def _numbers(person: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for number in person["numbers"]:
        given = f" {number['consent_on']}" if number["consent_on"] else ""
        yield (
            str(number["position"]),
            number["number"],
            number["use"],
            f"{number['ring_seconds']} s, {number['hours'] or 'at any time'}{_PRESS[number['press_one']]}",
            f"{number['consent'].replace('_', ' ')}{given}",
            number["confirmed_on"] or "never",
            number["purpose"],
            "rings" if number["rings"] else f"does not ring: {number['why_not']}",
        )
