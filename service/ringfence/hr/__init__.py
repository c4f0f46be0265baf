"""HR sources: each one small file behind `app.hr.ports.HrSource`. A source's libraries are imported with the source, so
that they cost nothing where none of its kind is configured; its settings are read without them.

A new kind needs its file, its line in `OPENERS`, and its settings in `config.hr_settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from ringfence.app.hr.ports import HrSource
from ringfence.app.ports import Clock


def open_source(settings: Any, default_country: str, clock: Clock) -> HrSource:
    """The source that these settings describe; nothing is read yet. `default_country` (ISO 3166) is that of numbers
    written without a plus. Raises MappingError for a mapping that cannot work."""
    return OPENERS[settings.type](settings, default_country, clock)


def _folder(settings: Any, default_country: str, clock: Clock) -> HrSource:
    from ringfence.hr.folder import FolderSource

    return FolderSource(settings, default_country, clock)


def _sftp(settings: Any, default_country: str, clock: Clock) -> HrSource:
    from ringfence.hr.sftp import SftpSource

    return SftpSource(settings, default_country, clock)


def _ldap(settings: Any, default_country: str, clock: Clock) -> HrSource:
    from ringfence.hr.ldap import LdapSource

    return LdapSource(settings, default_country, lambda: clock.now().wall)


def _json(settings: Any, default_country: str, clock: Clock) -> HrSource:
    from ringfence.hr.rest_api import RestSource

    return RestSource(settings, default_country, lambda: clock.now().wall)


OPENERS: Final[Mapping[str, Callable[[Any, str, Clock], HrSource]]] = MappingProxyType(
    {"folder": _folder, "sftp": _sftp, "ldap": _ldap, "json": _json}
)
"""Type in the configuration -> what opens it. SCIM is not among them: it pushes (`hr.scim`)."""
