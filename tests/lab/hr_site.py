"""The lab's HR department: a folder that feeds are put into, and an identity provider that pushes by SCIM."""

from __future__ import annotations

import os
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import aiohttp

from tests.lab.node import RingfenceNode, write_private
from tests.lab.people import SITES, Organisation
from tests.lab.waiting import LabError

TOKEN = "lab-scim-token-0123456789abcdef0123"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

SOURCES = """
[hr]
time_zone = "Europe/London"
private_hours = ""

[[hr_source]]
name = "payroll"
type = "folder"
path = "{directory}/feeds"
stable_seconds = 0
every_minutes = 10000
[hr_source.fields]
key = "key"
name = "name"
site = "site"
did = "did"
private_number = "private_number"
starts = "starts"
ends = "ends"
ends_at = "ends_at"
active = "active"

[[hr_source]]
name = "entra"
type = "scim"
token_file = "{directory}/scim_token"
"""
COLUMNS = ("key", "name", "site", "did", "private_number", "starts", "ends", "ends_at", "active")

ABSENCES = ("away_from", "away_until", "deputy")
SOURCES_WITH_ABSENCES = SOURCES.replace(
    'active = "active"\n', "".join(f'{column} = "{column}"\n' for column in ("active", *ABSENCES))
)
"""Apart, so that the great feeds stay what has been measured."""


@dataclass(frozen=True, slots=True)
class Employee:
    """One row of the payroll's export. `more` are further columns by name."""

    number: int
    more: dict[str, str] = field(default_factory=dict)

    def row(self, organisation: Organisation) -> dict[str, str]:
        return {
            "key": f"p{self.number}",
            "name": f"Person {self.number}",
            "site": SITES[self.number % 2],
            "did": organisation.did(self.number),
            "private_number": organisation.mobile(self.number),
            "active": "true",
            **self.more,
        }


def prepare(node: RingfenceNode) -> None:
    """Before the daemon starts: the folder and the token."""
    (node.directory / "feeds").mkdir(parents=True, exist_ok=True)
    write_private(node.directory / "scim_token", TOKEN)


class HrSite:
    """What HR and the identity provider do."""

    def __init__(self, node: RingfenceNode, organisation: Organisation, columns: tuple[str, ...] = COLUMNS) -> None:
        self._node = node
        self._organisation = organisation
        self._columns = columns
        self._fed = 0
        self.folder = node.directory / "feeds"

    async def feed(self, employees: Iterable[Employee]) -> dict[str, Any]:
        """Puts a complete export into the folder and has it read; what its run came to."""
        lines = [",".join(self._columns)]
        for employee in employees:
            row = employee.row(self._organisation)
            lines.append(",".join(row.get(column, "") for column in self._columns))
        self._fed += 1
        target = self.folder / f"people-{self._fed:04}.csv"
        aside = target.with_suffix(".part")
        aside.write_text("\n".join(lines) + "\n")
        os.rename(aside, target)
        done = await self._node.must("POST", "/v1/hr/sync", {"source": "payroll", "dry_run": False})
        run = done["runs"][0]["run"]
        assert isinstance(run, dict)
        if run["outcome"] in ("failed", "refused", "unchanged"):
            raise LabError(f"the feed was not taken: {run}")
        return run

    def stop(self) -> None:
        """No feed comes any more."""
        for file in self.folder.glob("*.csv"):
            file.unlink()

    async def approve(self, plan: int, **chosen: object) -> dict[str, Any]:
        shown = await self._node.must("GET", f"/v1/hr/plans/{plan}")
        order = {"approve": True, "reason": "looked at it", "fingerprint": shown["fingerprint"], **chosen}
        answer = await self._node.must("POST", f"/v1/hr/plans/{plan}/decision", order)
        assert isinstance(answer, dict)
        return answer

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[Provider]:
        """The identity provider, over one connection."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            yield Provider(session, f"http://127.0.0.1:{self._node.http_port}/scim/v2")

    async def push(self, number: int) -> str:
        async with self.provider() as provider:
            return await provider.push(number)

    async def deactivate(self, scim_id: str) -> None:
        async with self.provider() as provider:
            await provider.deactivate(scim_id)


@dataclass(frozen=True, slots=True)
class Provider:
    """Entra ID, as far as the lab needs it."""

    session: aiohttp.ClientSession
    url: str

    async def push(self, number: int) -> str:
        """Provisions one of the organisation's people; the SCIM id."""
        user = {
            "schemas": [CORE],
            "externalId": f"p{number}",
            "userName": f"p{number}@example.org",
            "displayName": f"Person {number}",
            "active": True,
        }
        return str((await self._ask("POST", "/Users", user))["id"])

    async def deactivate(self, scim_id: str) -> None:
        operation = {"op": "Replace", "path": "active", "value": "False"}
        await self._ask("PATCH", f"/Users/{scim_id}", {"schemas": [PATCH], "Operations": [operation]})

    async def _ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        async with self.session.request(method, self.url + path, json=body) as answer:
            if answer.status >= 300:
                raise LabError(f"{method} {path}: {answer.status} {await answer.text()}")
            found = await answer.json(content_type=None)  # a PATCH may be answered without a body
            return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Midnight:
    """The first moment of `day` in a time zone made for it, `at` seconds since 1970 (whole, within 24 hours of that
    midnight in UTC): HR states days of a start or an absence, and no test waits for a night."""

    day: date
    at: int

    def write_zone(self, path: Path) -> None:
        """A compiled time zone (RFC 8536, version 1) of one offset and no transitions."""
        in_utc = datetime.combine(self.day, time.min, UTC)
        name = b"LAB\0"
        header = struct.pack(">4s16x6I", b"TZif", 0, 0, 0, 0, 1, len(name))
        path.write_bytes(header + struct.pack(">i2B", int(in_utc.timestamp()) - self.at, 0, 0) + name)


def moment(unix_time: float) -> str:
    """As an export states an exact moment."""
    return datetime.fromtimestamp(unix_time, UTC).isoformat(timespec="milliseconds")
