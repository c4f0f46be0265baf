"""TLS to a target: whose certificates are believed, and what a handshake said of one.

A certificate is judged apart from the answer that comes through the connection. What does not verify is told as
evidence of its own; then the question is asked over an unverified connection, for it holds no secret, and whether the
target answers is another matter than whether its certificate is good.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

SECONDS_A_DAY: Final = 86_400
# OpenSSL's numbers (X509_V_ERR_...): what is wrong in words that a person can act on.
_WORDS: Final = {
    9: "its certificate is not valid yet: is the clock right, there and here?",
    10: "its certificate has expired",
    18: "its certificate is self-signed, and not in `ca_file`",
    19: "its certificate leads to a CA that is not trusted: give its PEM file as `ca_file`",
    20: "its certificate is of a CA that is not trusted: give its PEM file as `ca_file`",
    21: "its certificate is of a CA that is not trusted: does it send its intermediate certificates?",
    62: "its certificate is for another name: set `server_name` to one that stands in it",
    64: "its certificate is for another address: set `server_name` to a name that stands in it",
}
# What a far side says that does not like ours, or wants one and got none.
_OUR_CERTIFICATE: Final = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """`ca_file`: PEM, None: the system's CAs. `server_name` has to stand in the certificate. `certificate` and
    `private_key`: ours, where the far side wants one. `expiry_days`: a certificate that ends sooner is told. `strict`:
    over a connection that does not verify no answer counts, because Asterisk takes none either."""

    server_name: str
    ca_file: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    expiry_days: int = 14
    strict: bool = False

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.ca_file, self.certificate, self.private_key) if path is not None)


class TlsUnusable(Exception):
    """Our own side cannot begin: a file is missing, or holds something else. The text is for people."""


class Tls:
    """The contexts of one configuration, made when first used and anew when a file has changed."""

    def __init__(self, config: TlsConfig) -> None:
        self.config = config
        self._seen: tuple[object, ...] = ()
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def context(self, *, verified: bool) -> ssl.SSLContext:
        """Raises TlsUnusable."""
        seen = tuple(_signature(path) for path in self.config.files)
        if seen != self._seen:
            self._seen, self._contexts = seen, {}
        if verified not in self._contexts:
            # The system's CAs take some 20 ms to read.
            self._contexts[verified] = await asyncio.to_thread(self._make, verified)
        return self._contexts[verified]

    def _make(self, verified: bool) -> ssl.SSLContext:
        config = self.config
        try:
            if verified:
                context = ssl.create_default_context(cafile=config.ca_file)
            else:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        except (OSError, ValueError) as error:
            raise TlsUnusable(f"`ca_file` {config.ca_file} cannot be used: {_reason(error)}") from None
        if config.certificate is not None:
            try:
                context.load_cert_chain(config.certificate, config.private_key)
            except (OSError, ValueError) as error:
                words = f"our `certificate` {config.certificate} or its `private_key` cannot be used: {_reason(error)}"
                raise TlsUnusable(words) from None
        return context


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """What one handshake said of the certificate: good, or what is wrong."""

    passed: bool
    words: str


Note = Callable[[CertificateSeen], None]


def accepted(socket_of: ssl.SSLObject, expiry_days: int, now: datetime) -> CertificateSeen:
    """Of a certificate that verified: whether it lasts."""
    ends = str((socket_of.getpeercert() or {}).get("notAfter", ""))
    try:
        end = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC)
    except ValueError:
        return CertificateSeen(True, "its certificate verifies")
    days = int((end - now).total_seconds() // SECONDS_A_DAY)
    words = f"its certificate is good until {end:%Y-%m-%d} ({days} day{'' if days == 1 else 's'})"
    if days < expiry_days:
        return CertificateSeen(False, f"{words}: renew it")
    return CertificateSeen(True, words)


def refused(error: ssl.SSLCertVerificationError) -> CertificateSeen:
    """Of one that did not verify: why."""
    plain = (error.verify_message or "unknown reason").rstrip(".")
    return CertificateSeen(False, _WORDS.get(error.verify_code, f"its certificate does not verify: {plain}"))


def handshake_fault(error: ssl.SSLError) -> tuple[bool | None, str]:
    """Of a handshake that failed otherwise. That the far side refuses *our* certificate says nothing of calls."""
    reason = error.reason or type(error).__name__
    if "ALERT" in reason and any(word in reason for word in _OUR_CERTIFICATE):
        words = reason.partition("ALERT_")[2].replace("_", " ").lower()
        return None, f"it refuses our certificate, or wants one: {words}"
    return False, f"no TLS: {reason.replace('_', ' ').lower()}"


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", "") or str(error) or type(error).__name__).splitlines()[0][:200]
