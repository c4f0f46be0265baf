"""A SCIM user as one flat row of texts, the form in which a mapping reads every source.

`name.givenName` is a part of a complex attribute, `phoneNumbers[mobile]` the value of that type, and
`addresses[work].locality` another part of it. The enterprise extension's attributes begin with `enterprise.`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def flat_row(body: Mapping[str, Any]) -> dict[str, str]:
    """What is empty is left out. Of several entries of one type the primary one counts, else the first."""
    row: dict[str, str] = {}
    for name, value in body.items():
        for column, text in _columns("enterprise" if name == ENTERPRISE else name, value):
            row.setdefault(column, text)
    return row


def _columns(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for part, inner in value.items():
            if isinstance(inner, Mapping):  # a complex attribute of an extension: its value stands for it
                inner = inner.get("value")
            yield from _columns(f"{name}.{part}", inner)
    elif isinstance(value, list):
        entries = [entry for entry in value if isinstance(entry, Mapping)]
        for entry in sorted(entries, key=lambda entry: entry.get("primary") is not True):
            yield from _entry(name, entry)
    elif (text := _text(value)) is not None:
        yield name, text


def _entry(name: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    of_type = f"{name}[{str(entry.get('type') or '').lower()}]"
    for part, inner in entry.items():
        if (text := _text(inner)) is not None and part != "type":
            yield (of_type if part == "value" else f"{of_type}.{part}"), text


def _text(value: Any) -> str | None:
    """None for nothing, and for what is no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value) or None
    return None
