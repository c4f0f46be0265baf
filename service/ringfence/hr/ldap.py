"""Active Directory, or another LDAP directory, as a source: searched whole at first and once a day, in between for what
has changed.

What says that somebody has left: a disabled account, `accountExpires`, an object in a place of leavers or moved away
from where the people are, a deleted object where the directory tells. An object that a full sweep does not find is
absent, no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ringfence.app.hr.ports import Feed, FeedRefused, Progress
from ringfence.domain.hr.field_mapping import FieldMapping, MappingError
from ringfence.domain.hr.record import Batch
from ringfence.hr.ldap_cursor import LdapCursor, ServerState, changes_since, highest, is_numbered, parse_cursor
from ringfence.hr.ldap_finding import Finding, LdapFinder
from ringfence.hr.ldap_names import why_not_attribute
from ringfence.hr.ldap_rows import LdapRows
from ringfence.hr.ldap_settings import LdapSettings
from ringfence.hr.ldap_values import ACCOUNT_ACTIVE, Entry
from ringfence.hr.secret_file import secret_line

if TYPE_CHECKING:
    from ringfence.hr.ldap_link import LdapLink

__all__ = ["LdapSettings", "LdapSource"]

_ALWAYS_READ: Final = ("userAccountControl",)


class LdapSource:
    """The port `HrSource`. `now` is the wall clock, aware. Raises MappingError for a mapping that cannot work."""

    def __init__(self, settings: LdapSettings, default_country: str, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._mapping = _mapping(settings, default_country)
        self._fingerprint = sha256(f"{settings.fingerprint} {default_country}".encode()).hexdigest()[:16]
        columns = [name for name in self._mapping.all_columns if name != ACCOUNT_ACTIVE]
        others = (*_ALWAYS_READ, settings.id_attribute, settings.changed_attribute, *settings.disabled_when)
        self._attributes = tuple(dict.fromkeys([*columns, *others]))

    @property
    def name(self) -> str:
        return self._settings.name

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        """Everything, or what has changed since the cursor; None: nothing has. `progress` is called from a thread."""
        from ringfence.hr.ldap_link import LdapLink  # here, so that nobody loads an LDAP library for nothing

        password = await asyncio.to_thread(secret_line, self._settings.password_file, f"{self.name}: password_file")
        link = LdapLink(self._settings, password)
        try:
            # The link looks at the time between two questions; who sends one byte at a time never ends an answer.
            async with asyncio.timeout(self._settings.read_minutes * 60):
                return await asyncio.to_thread(self._read, link, parse_cursor(cursor), progress)
        except TimeoutError:
            link.abort()
            raise link.took_too_long() from None
        except asyncio.CancelledError:
            link.abort()  # a thread cannot be cancelled, but what it waits for can be ended
            raise

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        """Reading leaves nothing behind at a directory."""

    def _read(self, link: LdapLink, cursor: LdapCursor | None, progress: Progress) -> Feed | None:
        settings, began_at = self._settings, self._now()
        try:
            link.open()
            server = _state_of(link.root())
            since = changes_since(
                cursor,
                self._fingerprint,
                server,
                settings.changed_attribute,
                timedelta(minutes=settings.overlap_minutes),
                timedelta(hours=settings.full_sweep_hours),
                began_at,
            )
            finder = LdapFinder(link, settings, self._attributes, progress)
            finder.check_bases()
            found = finder.find(since, cursor.known if cursor is not None else frozenset())
            if since is None and not found.entries:
                raise FeedRefused(
                    f"{settings.url} has no object below {settings.base} that matches the filter.",
                    f"Correct `filter`, or give {settings.bind_dn} the right to read them.",
                )
            if since is not None and not found.seen and not found.gone:
                return None
            batch = self._batch(link, finder, found, complete=since is None)
        finally:
            link.close()
        reached = self._reached(cursor if since is not None else None, server, found, began_at)
        what = "full sweep" if since is None else f"changes since {since}"
        return Feed(batch, f"{settings.host}, {what}", reached.text())

    def _batch(self, link: LdapLink, finder: LdapFinder, found: Finding, *, complete: bool) -> Batch:
        def look_up(dn: str) -> Entry | None:
            return link.read(dn, self._settings.filter, self._attributes) if finder.is_swept(dn) else None

        rows = LdapRows(self._settings, self._mapping, look_up).read(found, self._now(), complete=complete)
        return Batch(
            source=self.name,
            records=rows.records,
            complete=complete,
            gone=frozenset(found.gone) | rows.gone,
            repeated=frozenset(found.repeated),
            rejected=rows.rejected,
            rows=found.seen,
        )

    def _reached(
        self, before: LdapCursor | None, server: ServerState, found: Finding, began_at: datetime
    ) -> LdapCursor:
        """`before` is None after a full sweep."""
        attribute = self._settings.changed_attribute
        seen = [_plain(raw) for entry in found.entries.values() for raw in entry.values.get(attribute.lower(), ())]
        if is_numbered(attribute) and server.highest:
            # Of before the search: what changed during it is found again, rather than missed.
            changed = server.highest
        else:
            changed = highest(attribute, [*seen, before.changed] if before is not None else seen)
        known: frozenset[str] = frozenset()
        if self._settings.search_base_all:
            known = frozenset(found.entries) | (before.known if before is not None else frozenset())
        swept_at = began_at if before is None else before.swept_at
        return LdapCursor(self._fingerprint, server.name, changed, swept_at, known)


def _mapping(settings: LdapSettings, default_country: str) -> FieldMapping:
    fields = {**settings.fields, "id": settings.id_attribute}
    mapping = settings.model_copy(update={"fields": fields}).mapping(default_country)
    for mapped, columns in mapping.columns.items():
        for column in columns:
            if (fault := why_not_attribute(column)) is not None:
                raise MappingError(mapped, fault)
    return mapping


def _state_of(root: Entry) -> ServerState:
    def said(attribute: str) -> str:
        return "".join(_plain(raw) for raw in root.values.get(attribute.lower(), ()))

    return ServerState(said("dsServiceName") or said("dnsHostName"), said("highestCommittedUSN"))


def _plain(raw: bytes) -> str:
    return raw.decode(errors="replace")
