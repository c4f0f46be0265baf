"""What the newest TLS handshakes said of a target's certificates, as evidence of its own.

It asks nobody: the probes that speak TLS tell it what they saw.
"""

from __future__ import annotations

from collections.abc import Callable

from ringfence.domain.health import EvidenceKind, TargetId
from ringfence.probes.tls import CertificateSeen


class CertificateProbe:
    """The port `Probe`. One for a target, whatever of it speaks TLS."""

    kind = EvidenceKind.CERTIFICATE

    def __init__(self, target: TargetId) -> None:
        self.target = target
        self._seen: dict[str, CertificateSeen] = {}
        self._news = False

    def note(self, service: str) -> Callable[[CertificateSeen], None]:
        """Where the probe of `service` (`sip`, `https`) tells what it saw."""

        def take(seen: CertificateSeen) -> None:
            self._seen[service] = seen
            self._news = True

        return take

    async def probe(self, timeout_seconds: float) -> tuple[bool | None, str]:
        if not self._seen:
            return None, "no certificate has been shown yet"
        words = "; ".join(f"{service}: {seen.words}" for service, seen in sorted(self._seen.items()))
        if not self._news:
            return None, words  # nobody has shown one since: that is no new answer
        self._news = False
        return all(seen.passed for seen in self._seen.values()), words
