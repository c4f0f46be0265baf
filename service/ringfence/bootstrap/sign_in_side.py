"""How people come in by browser: the sign-in providers, and the certificate that the door shows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from ringfence.app.access.desk import AccessDesk
from ringfence.app.access.leavers import LeftAmong, end_leavers
from ringfence.app.ports import Clock
from ringfence.app.supervisor import Part
from ringfence.config import ConfigError, Settings, load_client_secrets
from ringfence.domain.directory import Directory
from ringfence.web.oidc.provider import Provider
from ringfence.web.sign_in_door import SignInDoor

if TYPE_CHECKING:
    from ringfence.web.tls import ServerCertificate

log = logging.getLogger(__name__)


class SignInSide:
    """Wired, not yet running. Nothing in here keeps the daemon from starting: what cannot be used is told."""

    def __init__(
        self,
        settings: Settings,
        config: Path,
        desk: AccessDesk,
        clock: Clock,
        directory: Callable[[], Directory | None],
        warn: Callable[[str], None],
        left: LeftAmong,
    ) -> None:
        """`config` is the configuration's file: client secrets lie beside it. `warn` shows in the status what is wrong
        with the certificate, empty when nothing is. `left` tells who has left."""
        secrets = _client_secrets(config, settings)
        providers = [
            Provider(
                one, secrets[one.name].get_secret_value() if one.name in secrets else None, _address(settings), clock
            )
            for one in settings.sign_in
        ]

        def person_of(key: str) -> str | None:
            known = directory()
            return key if known is not None and known.person(key) is not None else None

        self._clock = clock
        self.door = SignInDoor(desk, clock, providers, person_of, left)
        self.certificate = _certificate(settings, clock, warn)

    def parts(self) -> tuple[Part, ...]:
        """What runs for as long as the node, each by its name."""
        certificate = () if self.certificate is None else (("certificate", self.certificate.run),)
        watch = partial(end_leavers, self.door.desk, self.door.left, self._clock)
        return (("sign-ins of leavers", watch), *certificate)

    def reload(self) -> None:
        """On SIGHUP."""
        if self.certificate is not None:
            self.certificate.reload()


def _certificate(settings: Settings, clock: Clock, warn: Callable[[str], None]) -> ServerCertificate | None:
    http = settings.http
    if http.certificate is None or http.private_key is None:
        return None
    from ringfence.web.tls import CertificateFault, ServerCertificate  # reads ASN.1: only who has one needs that

    found = ServerCertificate(http.certificate, http.private_key, clock, warn)
    try:
        found.load()
    except CertificateFault as fault:
        log.critical("nobody can connect by HTTPS", extra={"reason": str(fault)})
    return found


def _client_secrets(config: Path, settings: Settings) -> dict[str, SecretStr]:
    try:
        return load_client_secrets(config, settings)
    except ConfigError as error:
        # The providers will refuse us, and the sign-in page says so; the sealed accounts still work.
        log.error("client secrets cannot be used", extra={"reason": "; ".join(error.faults)})
        return {}


def _address(settings: Settings) -> str:
    """Where browsers reach us; with providers the configuration has to name it."""
    return settings.http.public_url or f"http://{settings.http.host}:{settings.http.port}"
