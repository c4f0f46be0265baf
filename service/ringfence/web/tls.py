"""TLS by our own certificate: read with clear errors, taken up anew when it was renewed, told before it expires.

One context serves every connection. A renewed certificate is loaded into it: connections that are open go on, new ones
see the new one. Without one that can be used every connection is refused until there is one: failover must not wait for
a certificate.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pyasn1.codec.der import decoder
from pyasn1.error import PyAsn1Error
from pyasn1.type.univ import Sequence, SequenceOf
from pyasn1.type.useful import GeneralizedTime, UTCTime

from ringfence.app.ports import Clock, RingfenceError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
WARN_DAYS: Final = 30
_LOGGED_EVERY: Final = timedelta(days=1)
# Forward secrecy and authenticated encryption alone; of TLS 1.3 every suite is so.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class CertificateFault(RingfenceError):
    """The certificate or its key cannot be used."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What shows that a file is another one now."""

    inode: int
    size: int
    changed_ns: int


class ServerCertificate:
    """`load` it first. `run` keeps it fresh, and `tell` is called there with each new `warning`."""

    def __init__(
        self, certificate: Path, private_key: Path, clock: Clock, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._certificate, self._key = certificate, private_key
        self._clock = clock
        self._tell = tell
        self._asked = asyncio.Event()
        self._looks = self._look()
        self._logged: datetime | None = None
        self._fault = ""
        self.context = _context()
        self.expires: datetime | None = None

    @property
    def days_left(self) -> int | None:
        """Whole days; below 0: it has expired. None: there is none that can be used."""
        return None if self.expires is None else (self.expires - self._clock.now().wall) // timedelta(days=1)

    @property
    def warning(self) -> str:
        """For the status and the log, empty while there is nothing to say."""
        if self._fault:
            kept = "nobody can connect" if self.expires is None else "the one before is still used"
            return f"{self._fault} Until then {kept}."
        days = self.days_left
        if days is None or days >= WARN_DAYS:
            return ""
        if days < 0:
            assert self.expires is not None
            return f"the certificate of [http] expired on {self.expires.date()}: browsers refuse it"
        return f"the certificate of [http] expires in {days} days"

    def load(self) -> None:
        """Raises CertificateFault; then the one before, if there is one, goes on being used."""
        try:
            self.expires = self._load()
        except CertificateFault as fault:
            self._fault = str(fault)
            raise
        self._fault = ""
        self._logged = None

    def reload(self) -> None:
        """On SIGHUP: `run` looks at once, and loads whether or not the files look changed."""
        self._asked.set()

    async def run(self) -> None:
        """Looks for a renewed certificate every half minute."""
        told = ""
        while True:
            await asyncio.to_thread(self.look_again, asked=self._asked.is_set())
            self._asked.clear()
            if (words := self.warning) != told:
                told = words
                self._tell(words)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._asked.wait()

    def look_again(self, *, asked: bool = False) -> None:
        """Loads what has changed. One that cannot be used is logged, once for each change, and the old one kept."""
        looks = self._look()
        if asked or looks != self._looks:
            self._looks = looks
            try:
                self.load()
            except CertificateFault as fault:
                log.error("the certificate cannot be used", extra={"reason": str(fault)})
                return
            assert self.expires is not None
            log.info("certificate loaded", extra={"expires": self.expires.isoformat()})
        self._log_expiry()

    def _load(self) -> datetime:
        """Tried on a context of its own first: half a pair must never be served."""
        expires = _read(self._certificate, self._key)
        try:
            self.context.load_cert_chain(self._certificate, self._key, password=_no_passphrase(self._key))
        except (OSError, ssl.SSLError) as error:
            self._looks = (None, None)  # to be tried again, and soon
            raise CertificateFault("[http] certificate: it changed while it was read.", "It is tried again.") from error
        return expires

    def _log_expiry(self) -> None:
        now = self._clock.now().wall
        if (words := self.warning) and (self._logged is None or now - self._logged >= _LOGGED_EVERY):
            self._logged = now
            log.warning(words)

    def _look(self) -> tuple[_Look | None, _Look | None]:
        return _look_at(self._certificate), _look_at(self._key)


def _read(certificate: Path, key: Path) -> datetime:
    """When it expires, if the pair can be used. Raises CertificateFault naming the setting."""
    chain = _content(certificate, "certificate")
    _content(key, "private_key")
    try:
        _context().load_cert_chain(certificate, key, password=_no_passphrase(key))
    except ssl.SSLError as error:
        raise _fault(error, certificate, key) from None
    return _expiry(chain, certificate)


def _content(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CertificateFault(f"[http] {setting}: {path}: there is no such file.", "Correct the path.") from None
    except OSError as error:
        raise CertificateFault(
            f"[http] {setting}: {path} may not be read ({error.strerror}).", "Let the service's account read it."
        ) from None


def _fault(error: ssl.SSLError, certificate: Path, key: Path) -> CertificateFault:
    if error.reason == "KEY_VALUES_MISMATCH":
        return CertificateFault(
            f"[http] private_key: {key} is not the key of {certificate}.",
            "Give the key it was asked for with; the server's own certificate comes first in its file.",
        )
    if error.reason in ("EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"):
        return CertificateFault(
            f"[http] certificate: {certificate} is too weak to be served.", "Ask for one with a longer key."
        )
    return CertificateFault(
        f"[http] certificate, private_key: {certificate} and {key} are no pair in PEM form.",
        "Convert them to PEM; the certificate's file begins with the server's own.",
    )


def _no_passphrase(key: Path) -> Callable[[], str]:
    def ask() -> str:
        raise CertificateFault(
            f"[http] private_key: {key} needs a passphrase, and nobody is there to give it.",
            "Store the key without one, readable by the service alone.",
        )

    return ask


def _expiry(chain: bytes, certificate: Path) -> datetime:
    """Of the first certificate, the server's own."""
    found = _PEM.search(chain)
    try:
        if found is not None:
            decoded, _ = decoder.decode(ssl.PEM_cert_to_DER_cert(found[0].decode()))
            times = next(times for part in _parts(decoded[0]) if len(times := _times(part)) == 2)
            return times[1].astimezone(UTC)
    except (PyAsn1Error, ValueError, LookupError, StopIteration):
        pass
    raise CertificateFault(f"[http] certificate: {certificate} holds no certificate in PEM form.", "Convert it to PEM.")


def _times(part: Any) -> list[datetime]:
    """Of a certificate's validity: from, and until. Of its other parts: none."""
    return [inner.asDateTime for inner in _parts(part) if isinstance(inner, UTCTime | GeneralizedTime)]


def _parts(whole: Any) -> list[Any]:
    return [whole[place] for place in range(len(whole))] if isinstance(whole, Sequence | SequenceOf) else []


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def _look_at(path: Path) -> _Look | None:
    try:
        # Through links: certbot and Kubernetes renew by pointing a link elsewhere.
        found = path.stat()
    except OSError:
        return None
    return _Look(found.st_ino, found.st_size, found.st_mtime_ns)
