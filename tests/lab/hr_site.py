"""The lab's HR department: a folder that feeds are put into, and an identity provider that pushes by SCIM."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp

from tests.lab.node import RingfenceNode, write_private
from tests.lab.people import SITES, Organisation

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
preset = "plain"
stable_seconds = 0
every_minutes = 10000

[[hr_source]]
name = "entra"
type = "scim"
token_file = "{directory}/scim_token"
"""
COLUMNS = ("key", "name", "site", "did", "private_number", "starts", "ends", "ends_at", "active")


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

    def __init__(self, node: RingfenceNode, organisation: Organisation) -> None:
        self._node = node
        self._organisation = organisation
        self._fed = 0
        self.folder = node.directory / "feeds"

    async def feed(self, employees: Iterable[Employee]) -> dict[str, Any]:
        """Puts a complete export into the folder and has it read; what its run came to."""
        lines = [",".join(COLUMNS)]
        for employee in employees:
            row = employee.row(self._organisation)
            lines.append(",".join(row.get(column, "") for column in COLUMNS))
        self._fed += 1
        target = self.folder / f"people-{self._fed:04}.csv"
        aside = target.with_suffix(".part")
        aside.write_text("\n".join(lines) + "\n")
        os.rename(aside, target)
        done = await self._node.must("POST", "/v1/hr/sync", {"source": "payroll", "dry_run": False})
        run = done["runs"][0]["run"]
        assert isinstance(run, dict)
        return run

    async def approve(self, plan: int, **chosen: object) -> dict[str, Any]:
        answer = await self._node.must(
            "POST", f"/v1/hr/plans/{plan}/decision", {"approve": True, "reason": "looked at it", **chosen}
        )
        assert isinstance(answer, dict)
        return answer

    async def scim(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request of the identity provider."""
        url = f"http://127.0.0.1:{self._node.http_port}/scim/v2{path}"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.request(method, url, json=body) as answer,
        ):
            text = await answer.text()
            assert answer.status < 300, (answer.status, text)
            return {} if not text else await answer.json(content_type=None)

    async def push(self, number: int) -> str:
        """Provisions one of the organisation's people; the SCIM id."""
        user = {
            "schemas": [CORE],
            "externalId": f"p{number}",
            "userName": f"p{number}@example.org",
            "displayName": f"Person {number}",
            "active": True,
        }
        return str((await self.scim("POST", "/Users", user))["id"])

    async def deactivate(self, scim_id: str) -> None:
        """As Entra ID sends it."""
        operation = {"op": "Replace", "path": "active", "value": "False"}
        await self.scim("PATCH", f"/Users/{scim_id}", {"schemas": [PATCH], "Operations": [operation]})


def moment(unix_time: float) -> str:
    """As an export states an exact moment."""
    return datetime.fromtimestamp(unix_time, UTC).isoformat(timespec="milliseconds")
