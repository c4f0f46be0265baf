"""Every target that somebody asks something, and by what: one list for the probes, the judge and the promises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.config.asked_settings import AskedSettings, ProbeRegisterSettings
from ringfence.config.settings import Settings
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole


@dataclass(frozen=True, slots=True)
class AskedTarget:
    """`options`: whether our own SIP OPTIONS are sent. `qualified`: whether Asterisk asks, too. `register`: the account
    that we show it. `registration`: the name of Asterisk's own registration there, empty: none."""

    target: TargetId
    host_port: str
    profile: str
    how: AskedSettings
    options: bool
    qualified: bool = False
    egress: bool = False
    register: ProbeRegisterSettings | None = None
    registration: str = ""

    @property
    def host(self) -> str:
        return self.host_port.rpartition(":")[0]

    @property
    def sip_port(self) -> int:
        return self.how.probe_port or int(self.host_port.rpartition(":")[2])

    @property
    def kinds(self) -> tuple[EvidenceKind, ...]:
        """The evidence there is about it."""
        registers = self.register is not None and bool(self.register.user)
        asks_sip = self.options or registers
        shown = (asks_sip and self.how.probe_transport == "tls") or self.how.probe_http.url.startswith("https:")
        there = {
            EvidenceKind.CONTACT_STATUS: self.qualified,
            EvidenceKind.SIP_OPTIONS: self.options,
            EvidenceKind.REGISTRATION: registers or bool(self.registration),
            EvidenceKind.TCP: self.how.probe_tcp_port is not None,
            EvidenceKind.HTTP: bool(self.how.probe_http.url),
            EvidenceKind.CERTIFICATE: shown,
            EvidenceKind.CALL_OUTCOMES: self.egress,
        }
        return tuple(kind for kind, is_there in there.items() if is_there)


def asked_targets(settings: Settings) -> Iterator[AskedTarget]:
    """Platforms first."""
    for platform in settings.platform:
        yield AskedTarget(
            TargetId(TargetRole.PLATFORM, platform.name),
            platform.host_port,
            platform.profile,
            platform,
            options=platform.probe,
            qualified=True,
            register=platform.probe_register,
        )
    for trunk in settings.trunk:
        if trunk.host_port is not None or trunk.registration:
            yield AskedTarget(
                TargetId(TargetRole.TRUNK, trunk.name),
                trunk.host_port or "",
                trunk.profile,
                trunk,
                options=trunk.host_port is not None,
                registration=trunk.registration,
            )
    for egress in settings.egress_trunk:
        yield AskedTarget(
            TargetId(TargetRole.TRUNK, egress.name),
            egress.host_port,
            egress.profile,
            egress,
            options=egress.probe,
            qualified=True,
            egress=True,
            registration=egress.registration,
        )
    for control in settings.control:
        yield AskedTarget(
            TargetId(TargetRole.CONTROL, control.name),
            control.host_port,
            control.profile,
            control,
            options=control.probe,
        )
