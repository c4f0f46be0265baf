"""Finds values in parsed JSON by a path such as `work.phone`, `phones[0].number` or `phones[type=mobile].number`. Pure.

A name may hold dots and brackets itself (`@odata.nextLink`): the longest name that is there wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_SELECTOR: Final = re.compile(r"\[(?:(?P<place>\d{1,6})|(?P<every>\*)|(?P<name>[^\]=]+)=(?P<value>[^\]]*))\]\.?")
MAX_PATH_CHARACTERS: Final = 200


class PathFault(ValueError):
    """At the path there is no text. `path` is where, the message quotes nothing."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def found_at(value: object, path: str) -> list[object]:
    """Everything at the path: `[*]` and a selector may find several, a name that is not there finds nothing."""
    if not path:
        return [value]
    if isinstance(value, dict):
        for end in _ends(path):
            if path[:end] in value:
                rest = path[end:]
                return found_at(value[path[:end]], rest.removeprefix("."))
        return []
    selector = _SELECTOR.match(path)
    if not isinstance(value, list) or selector is None:
        return []
    return [one for item in _selected(value, selector) for one in found_at(item, path[selector.end() :])]


def texts_at(value: object, path: str) -> list[str]:
    """The texts at the path, in their order; a list of texts counts as its texts. Raises PathFault for an object."""
    found: list[str] = []
    for one in found_at(value, path):
        for item in one if isinstance(one, list) else [one]:
            if isinstance(item, dict | list):
                kind = "an object" if isinstance(item, dict) else "a list in a list"
                raise PathFault(path, f"holds {kind}; name what is in it, as {path}.name or {path}[0]")
            found.append(_text(item))
    return found


def text_at(value: object, path: str) -> str:
    """The one text at the path; empty when there is none. Raises PathFault."""
    return "".join(texts_at(value, path)[:1])


def why_not_path(path: str) -> str | None:
    """What keeps this text from being a path; None: nothing."""
    if len(path) > MAX_PATH_CHARACTERS:
        return f"is longer than {MAX_PATH_CHARACTERS} characters"
    if path.count("[") != path.count("]"):
        return f"{path!r} has a bracket without its other half; write phones[0].number or phones[type=mobile].number"
    return None


def _ends(path: str) -> Iterator[int]:
    """Where a name at the beginning may end, the longest first."""
    yield len(path)
    for place in range(len(path) - 1, 0, -1):
        if path[place] in ".[":
            yield place


def _selected(items: list[object], selector: re.Match[str]) -> list[object]:
    if selector["every"]:
        return items
    if selector["place"]:
        place = int(selector["place"])
        return items[place : place + 1]
    wanted = selector["value"].strip().strip("\"'").casefold()
    return [item for item in items if any(_is(one, wanted) for one in found_at(item, selector["name"].strip()))]


def _is(value: object, wanted: str) -> bool:
    return not isinstance(value, dict | list) and _text(value).casefold() == wanted


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
