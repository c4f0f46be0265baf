"""Incidents, the audit record, notices and access in words for the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.app.notify.ports import DeliveryState
from ringfence.domain.access import Role, SignedInBy
from ringfence.domain.audit_kind import AuditKind
from ringfence.domain.incident import EntryKind, GapReason
from ringfence.domain.incident_calls import Served
from ringfence.domain.missed_calls import CallBackState
from ringfence.domain.notice import NoticeKind, Severity
from ringfence.web.pages.texts import N_

ENTRIES: Final[Mapping[EntryKind, str]] = {
    EntryKind.OPENED: N_("begun"),
    EntryKind.MODE: N_("mode"),
    EntryKind.OVERRIDE: N_("a person's decision"),
    EntryKind.NOTE: N_("note"),
    EntryKind.GAP: N_("not heard"),
    EntryKind.CLOSED: N_("over"),
}

GAPS: Final[Mapping[GapReason, str]] = {
    GapReason.STOPPED: N_("Ringfence was not running"),
    GapReason.DISCONNECTED: N_("Ringfence was not connected to Asterisk"),
    GapReason.OVERFLOWED: N_("The database took no calls for too long"),
}

SERVED: Final[Mapping[str, str]] = {
    Served.PLATFORM: N_("the platform"),
    Served.DEFAULT_NUMBER: N_("a default number"),
    Served.RECEPTION: N_("the site's fallback"),
    Served.TEAM: N_("a member of the team"),
    Served.VOICEMAIL: N_("the voicemail"),
    Served.ANNOUNCEMENT: N_("an announcement"),
    Served.NOBODY: N_("nobody"),
}

CALL_BACKS: Final[Mapping[str, str]] = {
    CallBackState.OPEN: N_("waits for a call"),
    CallBackState.CALLING: N_("somebody is calling"),
    CallBackState.DONE: N_("called back"),
    CallBackState.NOT_NEEDED: N_("no call needed"),
    "reached_later": N_("got through later"),
}

AUDIT_KINDS: Final[Mapping[AuditKind, str]] = {
    AuditKind.MODE: N_("mode"),
    AuditKind.OVERRIDE: N_("decision of a person"),
    AuditKind.DIRECTORY: N_("directory"),
    AuditKind.HR: N_("HR change"),
    AuditKind.PERSON: N_("entry for a person"),
    AuditKind.SELF_SERVICE: N_("entry by the person"),
    AuditKind.REVEAL: N_("number revealed"),
    AuditKind.EXPORT: N_("export"),
    AuditKind.ACCESS: N_("access"),
    AuditKind.INCIDENT: N_("incident"),
    AuditKind.NOTIFICATION: N_("notification"),
    AuditKind.BACKUP: N_("backup"),
}

AUDIT_FAULTS: Final[Mapping[str, str]] = {
    "changed": N_("a row was changed"),
    "removed": N_("rows were removed"),
    "moved": N_("rows were put in another order"),
    "inserted": N_("a row was put in"),
    "cut_off": N_("the end was cut off"),
    "rewritten": N_("all from some row on was written anew"),
}

NOTICE_KINDS: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.MODE: N_("mode"),
    NoticeKind.OVERRIDE: N_("decision of a person"),
    NoticeKind.OVERRIDE_ENDS: N_("end of a decision"),
    NoticeKind.INCIDENT: N_("incident"),
    NoticeKind.ALARM: N_("alarm"),
    NoticeKind.HR: N_("HR change"),
    NoticeKind.ACCESS: N_("access"),
    NoticeKind.STAFF: N_("message to staff"),
    NoticeKind.TEST: N_("test"),
}

SEVERITIES: Final[Mapping[Severity, str]] = {
    Severity.INFO: N_("for information"),
    Severity.WARNING: N_("warning"),
    Severity.CRITICAL: N_("critical"),
}

WEIGHTS: Final[Mapping[Severity, str]] = {Severity.INFO: "", Severity.WARNING: "note", Severity.CRITICAL: "alarm"}
"""How a box of that severity looks."""

DELIVERIES: Final[Mapping[DeliveryState, str]] = {
    DeliveryState.WAITING: N_("waits"),
    DeliveryState.GROUPED: N_("waits for its summary"),
    DeliveryState.SUMMED_UP: N_("told in a summary"),
    DeliveryState.SENT: N_("told"),
    DeliveryState.REFUSED: N_("refused by the receiver"),
    DeliveryState.GIVEN_UP: N_("given up"),
}

ROLES: Final[Mapping[Role, str]] = {
    Role.STAFF: N_("staff"),
    Role.VIEWER: N_("viewer"),
    Role.HELPDESK: N_("helpdesk"),
    Role.ADMIN: N_("admin"),
    Role.AUDITOR: N_("auditor"),
}

WAYS_IN: Final[Mapping[str, str]] = {
    SignedInBy.SOCKET: N_("on the node itself"),
    SignedInBy.TOKEN: N_("with the token"),
    SignedInBy.KEY: N_("with an API key"),
    SignedInBy.OIDC: N_("by sign-in"),
    SignedInBy.BREAK_GLASS: N_("with a break-glass account"),
}
