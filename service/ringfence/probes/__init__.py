"""Probes that ask a target themselves. To add one: its file, one line here, one test, one heading in the docs."""

from __future__ import annotations

from typing import Final

from ringfence.domain.health import EvidenceKind
from ringfence.probes.sip_options import SipOptionsProbe

PROBES: Final = {EvidenceKind.SIP_OPTIONS: SipOptionsProbe}
"""By the kind of evidence they give; each takes its own configuration."""
