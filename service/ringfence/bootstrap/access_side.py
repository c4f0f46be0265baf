"""The access side of the daemon: the desk with its store, its sealed accounts and who is told of their use."""

from __future__ import annotations

import logging
from pathlib import Path

from ringfence.app.access.desk import AccessDesk
from ringfence.app.access.ports import Tell
from ringfence.app.access.sessions import SessionLimits
from ringfence.app.ports import Clock
from ringfence.app.supervisor import Part
from ringfence.bootstrap.passwords import Argon2Passwords
from ringfence.bootstrap.sealed_file import NoSealedAccounts, SealedFile, place_beside
from ringfence.config import Secrets, Settings
from ringfence.domain.notice import Notice
from ringfence.store.access_store import SqlAccessStore
from ringfence.store.database import Database
from ringfence.web.csrf import Csrf
from ringfence.web.protection import Protection
from ringfence.web.rates import Rates

log = logging.getLogger(__name__)


class AccessSide:
    """Wired, not yet running."""

    def __init__(
        self, settings: Settings, config: Path, database: Database, clock: Clock, tell: Tell | None = None
    ) -> None:
        """`config` is the configuration's file: the sealed accounts' lies beside it. `tell` None: the log alone."""
        access = settings.access
        self._clock = clock
        self._settings = settings
        self.desk = AccessDesk(
            SqlAccessStore(database),
            SealedFile(place_beside(config)) if access.break_glass else NoSealedAccounts(),
            Argon2Passwords(),
            clock,
            tell or _log_alone,
            SessionLimits(access.session_hours * 60, access.idle_minutes, access.break_glass_hours * 60),
        )

    def parts(self) -> tuple[Part, ...]:
        """What runs for as long as the node, each by its name."""
        return (("access", self.desk.run),)

    def protection(self, secrets: Secrets, form_origins: frozenset[str] = frozenset()) -> Protection:
        """For a door that strangers reach."""
        access, clock = self._settings.access, self._clock
        return Protection(
            Csrf(secrets.http_token.get_secret_value()),
            Rates(access.requests_per_second, access.requests_burst, lambda: clock.now().monotonic),
            self._settings.http.trusted_proxies,
            form_origins,
            self._settings.http.metrics_from,
        )


async def _log_alone(notice: Notice) -> None:
    log.critical(notice.title, extra={"reason": notice.text})
