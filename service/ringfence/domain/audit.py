"""The record of every change and every reveal, as a chain: each row's digest covers the row before it, so that a row
that was changed, removed or moved is found by whoever knows the last digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class AuditKind(StrEnum):
    """What a row is about."""

    MODE = "mode"
    OVERRIDE = "override"
    DIRECTORY = "directory"
    HR = "hr"
    PERSON = "person"
    SELF_SERVICE = "self_service"
    REVEAL = "reveal"
    EXPORT = "export"
    ACCESS = "access"
    INCIDENT = "incident"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class AuditFact:
    """One thing that was done. `who` is a name, or `ringfence` for what the machine did by itself; `by` is how they had
    signed in, empty for the machine. `about` is what it was done to (a scope, a DID, a person's key), `detail` the
    rest, with numbers masked: nothing private is ever in here."""

    at: datetime
    kind: AuditKind
    action: str
    about: str
    who: str
    why: str = ""
    by: str = ""
    detail: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
