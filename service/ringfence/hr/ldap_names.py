"""Distinguished names and filters as text: compared, escaped, checked. Pure; needs no LDAP library."""

from __future__ import annotations

import re
from typing import Final

DnParts = tuple[str, ...]
"""A name from the entry up to the root, each part in a form that compares equal however it was written."""

_PART: Final = re.compile(r"[^=]+=.*", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,100}")
_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
_BACKSLASH, _COMMA, _SPACE = ord("\\"), ord(","), ord(" ")


def dn_parts(dn: str) -> DnParts:
    """`OU=Left\\, gone , DC=x` and `ou=left\\2C gone,dc=X` are the same. An empty text has no parts."""
    if not dn.strip():
        return ()
    raw = dn.encode()
    parts: list[bytearray] = [bytearray()]
    kept = 0  # up to here the part is not stripped: an escaped space belongs to it
    at = 0
    while at < len(raw):
        byte = raw[at]
        at += 1
        if byte == _BACKSLASH and at < len(raw):
            pair = raw[at : at + 2]
            is_hex = len(pair) == 2 and set(pair) <= _HEX_DIGITS
            parts[-1].append(int(pair, 16) if is_hex else raw[at])
            at += 2 if is_hex else 1
            kept = len(parts[-1])
        elif byte == _COMMA:
            _strip_end(parts[-1], kept)
            parts.append(bytearray())
            kept = 0
        elif byte != _SPACE or parts[-1]:
            parts[-1].append(byte)
    _strip_end(parts[-1], kept)
    return tuple(_written(part) for part in parts)


def is_at_or_below(parts: DnParts, base: DnParts) -> bool:
    """Whether the entry is the base or lies in its subtree. Everything is below the empty base."""
    return not base or parts[-len(base) :] == base


def domain_of(parts: DnParts) -> str:
    """The domain's own name: the `dc=` parts at the end; empty where there are none."""
    found: list[str] = []
    for part in reversed(parts):
        if not part.startswith("dc="):
            break
        found.append(part)
    return ",".join(reversed(found))


def why_not_dn(dn: str) -> str | None:
    """What keeps this text from being a distinguished name; None: nothing."""
    if all(_PART.fullmatch(part) for part in dn_parts(dn)):
        return None
    return f"{dn!r} is no distinguished name; write it as OU=Staff,DC=example,DC=com"


def why_not_filter(text: str) -> str | None:
    """What keeps this text from being one whole filter: joined with another it must stay what it is."""
    depth = 0
    for place, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth <= 0 and (place == 0 or place < len(text) - 1):
            break
    else:
        if text and depth == 0:
            return None
    return f"{text!r} is not one whole filter in brackets; write it as (&(objectClass=user)(employeeID=*))"


def why_not_attribute(name: str) -> str | None:
    """What keeps this text from being an attribute's name; None: nothing."""
    return (
        None if _ATTRIBUTE.fullmatch(name) else f"{name!r} is no attribute of a directory; write it as telephoneNumber"
    )


def escaped(value: bytes) -> str:
    """Any value as a filter takes it: every byte escaped, so that none can be part of the filter."""
    return "".join(f"\\{byte:02x}" for byte in value)


def _strip_end(part: bytearray, kept: int) -> None:
    while len(part) > kept and part[-1] == _SPACE:
        del part[-1]


def _written(part: bytearray) -> str:
    name, equals, value = part.decode(errors="replace").casefold().partition("=")
    return f"{name.strip()}{equals}{value.removeprefix(' ') if value.strip() else value}"
