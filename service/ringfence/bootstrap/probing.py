"""The probes of every configured target, scheduled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from ringfence.app.judge import Judge
from ringfence.app.monitor import LoopLateness, Monitor, Scheduled
from ringfence.app.ports import Clock
from ringfence.config import Settings
from ringfence.config.asked import AskedTarget, asked_targets
from ringfence.domain.health import EvidenceKind
from ringfence.domain.schedule import CERTIFICATES, PROFILES, REGISTER_PROFILES, WEAK_PROFILES
from ringfence.probes.certificates import CertificateProbe
from ringfence.probes.http import HttpConfig, HttpProbe
from ringfence.probes.registration import RegistrationConfig, RegistrationProbe
from ringfence.probes.sip_options import SipOptionsConfig, SipOptionsProbe
from ringfence.probes.sip_transport import Peer, Transport
from ringfence.probes.tcp import TcpConfig, TcpProbe
from ringfence.probes.tls import TlsConfig


def monitor(
    settings: Settings, clock: Clock, lateness: LoopLateness, judge: Judge, submit: Callable[[Any], None]
) -> Monitor:
    """Asks each target at its own cadence, and oftener while the judge is in doubt."""
    scheduled = [probe for asked in asked_targets(settings) for probe in probes_of(asked)]
    return Monitor(scheduled, clock, lateness, submit, lambda probe: judge.undecided(probe.target), Random())  # noqa: S311


def probes_of(asked: AskedTarget) -> Iterator[Scheduled]:
    """What asks this target."""
    how = asked.how
    certificates = CertificateProbe(asked.target)
    peer = Peer(
        asked.host,
        asked.sip_port if asked.host else 0,
        Transport(how.probe_transport),
        _tls(asked, asked.host),
        note=certificates.note("SIP"),
    )
    if asked.options:
        yield Scheduled(SipOptionsProbe(SipOptionsConfig(asked.target, peer)), PROFILES[asked.profile])
    register = asked.register
    if register is not None and register.user and register.password_file is not None:
        account = RegistrationConfig(asked.target, peer, register.user, register.password_file, register.domain)
        yield Scheduled(RegistrationProbe(account), REGISTER_PROFILES[asked.profile])
    if how.probe_tcp_port is not None:
        yield Scheduled(TcpProbe(TcpConfig(asked.target, asked.host, how.probe_tcp_port)), WEAK_PROFILES[asked.profile])
    if how.probe_http.url:
        page, tls = how.probe_http, _tls(asked, asked.host)
        config = HttpConfig(asked.target, page.url, page.status, page.text, tls, certificates.note("HTTPS"))
        yield Scheduled(HttpProbe(config), WEAK_PROFILES[asked.profile])
    if EvidenceKind.CERTIFICATE in asked.kinds:
        yield Scheduled(certificates, CERTIFICATES)


def _tls(asked: AskedTarget, host: str) -> TlsConfig:
    """`host`: whose name its certificate has to hold where no other is configured."""
    tls = asked.how.probe_tls
    return TlsConfig(
        tls.server_name or host,
        tls.ca_file,
        tls.certificate,
        tls.private_key,
        tls.expiry_days,
        strict=tls.asterisk_verifies,
    )
