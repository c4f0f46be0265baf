"""What a row of the audit record can be about. By itself: the command line loads it at every start."""

from __future__ import annotations

from enum import StrEnum


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
    BACKUP = "backup"
