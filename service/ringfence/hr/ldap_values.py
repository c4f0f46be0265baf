"""What a directory's attributes hold, as texts that a field mapping reads. Pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

ACCOUNT_ACTIVE: Final = "accountActive"
"""The column that no directory has: `true` or `false`, from what this file knows of disabled accounts."""

_GUIDS: Final = frozenset({"objectguid", "ms-ds-consistencyguid"})
_SIDS: Final = frozenset({"objectsid"})
MADE_BY_THE_DIRECTORY: Final = frozenset({*_GUIDS, *_SIDS, "entryuuid", "nsuniqueid", "ipauniqueid", "guid"})
"""Attributes of which no two objects have the same value: found twice, the object was moved while we read."""

_ACCOUNT_DISABLED: Final = 0x2  # ADS_UF_ACCOUNTDISABLE


class ValueFault(ValueError):
    """An attribute's value that is no text. `attribute` is its name, the message is for people and quotes nothing."""

    def __init__(self, attribute: str, message: str) -> None:
        super().__init__(message)
        self.attribute = attribute


@dataclass(frozen=True, slots=True)
class Entry:
    """One object. `values` is by attribute in small letters; an attribute without values is not there."""

    dn: str
    values: Mapping[str, tuple[bytes, ...]]

    def texts(self, attribute: str) -> list[str]:
        """Its values in an order of their own: a directory keeps none. Raises ValueFault."""
        return sorted(text_of(attribute, raw) for raw in self.values.get(attribute.lower(), ()))

    def text(self, attribute: str) -> str:
        """The first value; empty when there is none. Raises ValueFault."""
        found = self.texts(attribute)
        return found[0] if found else ""


def text_of(attribute: str, raw: bytes) -> str:
    """`objectGUID` as people write it (the first three groups are stored back to front), `objectSid` as S-1-5-...,
    anything else as the UTF-8 it is. Raises ValueFault."""
    name = attribute.lower()
    if name in _GUIDS:
        if len(raw) != 16:
            raise ValueFault(attribute, f"has {len(raw)} bytes; an {attribute} has 16")
        return str(UUID(bytes_le=raw))
    if name in _SIDS:
        return _sid(attribute, raw)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ValueFault(attribute, "holds bytes that are no text; map an attribute that holds text") from None


def raw_id(attribute: str, text: str) -> bytes:
    """The other way round, for a search by it. Raises ValueError for what is no GUID."""
    return UUID(text).bytes_le if attribute.lower() in _GUIDS else text.encode()


def is_disabled(entry: Entry, disabled_when: Mapping[str, str]) -> bool | None:
    """Active Directory's own flag, or any attribute that `disabled_when` names with the value that it names (`*`: any
    value). None: nothing is said of it. Raises ValueFault."""
    found = [_matches(entry.texts(name), wanted) for name, wanted in disabled_when.items()]
    flags = entry.text("userAccountControl")
    if flags:
        try:
            found.append(bool(int(flags) & _ACCOUNT_DISABLED))
        except ValueError:
            raise ValueFault("userAccountControl", "is no number") from None
    return any(found) if found else None


def _matches(values: Sequence[str], wanted: str) -> bool:
    if wanted == "*":
        return bool(values)
    return any(value.casefold() == wanted.casefold() for value in values)


def _sid(attribute: str, raw: bytes) -> str:
    """MS-DTYP section 2.4.2.2: revision, count, six bytes of authority, then the numbers, smallest byte first."""
    if len(raw) < 8 or len(raw) != 8 + 4 * raw[1]:
        raise ValueFault(attribute, f"has {len(raw)} bytes, which is no SID")
    numbers = struct.unpack(f"<{raw[1]}I", raw[8:])
    return "-".join(["S", str(raw[0]), str(int.from_bytes(raw[2:8], "big")), *map(str, numbers)])
