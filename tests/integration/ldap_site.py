"""A real slapd with people as Active Directory has them, and LDAP sources that read it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from ringfence.app.hr.ports import Feed
from ringfence.domain.hr.record import HrRecord
from ringfence.hr.ldap import LdapSettings, LdapSource
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports
from tests.lab.slapd import READER, SUFFIX, Slapd

STAFF, LEFT, ELSEWHERE = f"ou=Staff,{SUFFIX}", f"ou=Left,{SUFFIX}", f"ou=Elsewhere,{SUFFIX}"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FIELDS = {"private_number": "mobile", "site": "l"}
GROUPS = [
    f"dn: {dn}\nobjectClass: organizationalUnit\nou: {dn[3:].partition(',')[0]}\n" for dn in (STAFF, LEFT, ELSEWHERE)
]


def guid(n: int) -> UUID:
    return UUID(int=0x5EED_0000_0000_4000_8000_0000_0000_0000 + n)


def dn_of(n: int) -> str:
    return f"cn=Person {n},{STAFF}"


def person(n: int, **more: str) -> str:
    """Everybody's manager is person 0; the later the number, the later the change."""
    changed = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
    attributes = {
        "sn": str(n),
        "displayName": f"Person {n}",
        "employeeID": f"e{n}",
        "userAccountControl": "512",
        "accountExpires": "9223372036854775807",
        "l": "Leeds",
        "manager": dn_of(0),
        "telephoneNumber": f"+44 113 {4960000 + n:07}",
        "mobile": f"07700 {900000 + n:06}",
        "modifyTimestamp": f"{changed:%Y%m%d%H%M%SZ}",
    } | more
    lines = [f"dn: {dn_of(n)}", "objectClass: inetOrgPerson", "objectClass: adUser", f"cn: Person {n}"]
    lines.append(f"objectGUID:: {base64.b64encode(guid(n).bytes_le).decode()}")
    return "\n".join([*lines, *(f"{name}: {value}" for name, value in attributes.items() if value)]) + "\n"


class Site:
    """A directory, and sources that read it."""

    def __init__(self, slapd: Slapd, authority: CertificateAuthority, folder: Path) -> None:
        self.slapd = slapd
        self.authority = authority
        self.folder = folder
        self.now = NOW
        self.password_file = folder / "password"
        self.write_password(slapd.password)

    def write_password(self, text: str) -> None:
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(text)

    def settings(self, **changes: Any) -> LdapSettings:
        values = {
            "name": "ad",
            "type": "ldap",
            "preset": "active_directory",
            "fields": FIELDS,
            "url": f"ldaps://{HOST}:{self.slapd.tls_port}",
            "ca_file": self.authority.file,
            "bind_dn": READER,
            "password_file": self.password_file,
            "base": STAFF,
            "changed_attribute": "modifyTimestamp",
            "overlap_minutes": 0,
            "answer_seconds": 5,
        } | changes
        return LdapSettings.model_validate(values)

    def source(self, **changes: Any) -> LdapSource:
        return LdapSource(self.settings(**changes), "GB", lambda: self.now)

    async def read(self, cursor: str = "", **changes: Any) -> Feed | None:
        return await self.source(**changes).read(cursor, ignore)

    async def full(self, **changes: Any) -> Feed:
        feed = await self.read(**changes)
        assert feed is not None
        return feed


def ignore(done: int, total: int | None) -> None:
    """Nobody looks at the progress."""


def by_key(feed: Feed) -> dict[str, HrRecord]:
    assert feed.batch.rejected == ()
    return {record.key: record for record in feed.batch.records}


class SiteFactory(Protocol):
    """Starts a directory with these people; `names` and `days` are those of its certificate."""

    def __call__(self, *entries: str, names: tuple[str, ...] = ..., days: int = ...) -> Awaitable[Site]: ...


@asynccontextmanager
async def running_sites(ports: Ports, folder: Path) -> AsyncIterator[SiteFactory]:
    """Whatever was started ends with it."""
    running: list[Slapd] = []

    async def make(*entries: str, names: tuple[str, ...] = (HOST, "localhost"), days: int = 30) -> Site:
        authority = CertificateAuthority(folder / "ca")
        slapd = Slapd(ports, authority.certify(*names, days=days))
        running.append(slapd)
        slapd.load([*GROUPS, *entries])
        await slapd.start()
        return Site(slapd, authority, folder)

    try:
        yield make
    finally:
        for slapd in running:
            await slapd.close()
