"""What speaks for a target and what against it, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.domain.health import EvidenceKind, TargetRole
from ringfence.domain.verdict import Speaks, VerdictState
from ringfence.web.pages.texts import N_

VERDICT_WORDS: Final[Mapping[VerdictState, str]] = {
    VerdictState.UP: N_("up"),
    VerdictState.DEGRADED: N_("degraded"),
    VerdictState.DOWN: N_("down"),
    VerdictState.UNKNOWN: N_("unknown"),
}

ROLE_WORDS: Final[Mapping[TargetRole, str]] = {
    TargetRole.PLATFORM: N_("platform"),
    TargetRole.TRUNK: N_("trunk"),
    TargetRole.CONTROL: N_("control target"),
}

SPEAKS_WORDS: Final[Mapping[Speaks, str]] = {
    Speaks.FOR: N_("speaks for it"),
    Speaks.AGAINST: N_("speaks against it"),
    Speaks.NEITHER: N_("proves nothing"),
}

KIND_WORDS: Final[Mapping[EvidenceKind, str]] = {
    EvidenceKind.CONTACT_STATUS: N_("Asterisk's own check"),
    EvidenceKind.SIP_OPTIONS: N_("our probe"),
    EvidenceKind.REGISTRATION: N_("registration"),
    EvidenceKind.TCP: N_("open port"),
    EvidenceKind.HTTP: N_("web page"),
    EvidenceKind.CERTIFICATE: N_("TLS certificate"),
    EvidenceKind.CALL_OUTCOMES: N_("real calls"),
    EvidenceKind.ANSWER_RATIO: N_("share of answered calls"),
    EvidenceKind.SHORT_CALLS: N_("short calls"),
    EvidenceKind.INBOUND_SILENCE: N_("no calls coming in"),
    EvidenceKind.ENDLESS_RINGING: N_("calls that ring and are never answered"),
    EvidenceKind.ANNOUNCING: N_("calls answered by an announcement"),
}
