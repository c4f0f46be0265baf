"""Probes that ask a target themselves. To add one: its file, one line here, one test, one heading in the docs."""

from __future__ import annotations

from typing import Final

from ringfence.domain.health import EvidenceKind
from ringfence.probes.certificates import CertificateProbe
from ringfence.probes.http import HttpProbe
from ringfence.probes.registration import RegistrationProbe
from ringfence.probes.sip_options import SipOptionsProbe
from ringfence.probes.tcp import TcpProbe

PROBES: Final = {
    EvidenceKind.SIP_OPTIONS: SipOptionsProbe,
    EvidenceKind.REGISTRATION: RegistrationProbe,
    EvidenceKind.TCP: TcpProbe,
    EvidenceKind.HTTP: HttpProbe,
    EvidenceKind.CERTIFICATE: CertificateProbe,
}
"""By the kind of evidence they give; each takes its own configuration."""
