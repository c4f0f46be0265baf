"""SCIM resources in memory, with a database that can be made to fail."""

from __future__ import annotations

from collections.abc import Sequence

from ringfence.app.hr.scim_ports import ScimKind, ScimNameTaken, ScimResource
from ringfence.app.ports import StoreUnavailable


class FakeScimStore:
    """Implements `scim_ports.ScimStore`. `fails`: so many writes are refused, after `fails_after` more that are
    done."""

    def __init__(self) -> None:
        self.rows: dict[str, ScimResource] = {}
        self.fails = 0
        self.fails_after = 0

    async def get(self, kind: ScimKind, id_: str) -> ScimResource | None:
        row = self.rows.get(id_)
        return row if row is not None and row.kind is kind else None

    async def find(
        self, kind: ScimKind, *, name: str | None = None, external_id: str | None = None
    ) -> list[ScimResource]:
        return [
            row for row in self._sorted([kind]) if name in (None, row.name) and external_id in (None, row.external_id)
        ]

    async def page(
        self, kinds: Sequence[ScimKind], limit: int, *, offset: int = 0, after: ScimResource | None = None
    ) -> list[ScimResource]:
        rows = self._sorted(kinds)
        if after is not None:
            rows = [row for row in rows if (row.created, row.id) > (after.created, after.id)]
        return rows[offset : offset + limit]

    async def count(self, kinds: Sequence[ScimKind]) -> int:
        return len(self._sorted(kinds))

    async def add(self, resource: ScimResource) -> None:
        self._write()
        self._check_name(resource)
        self.rows[resource.id] = resource

    async def replace(self, resource: ScimResource, version: str) -> bool:
        self._write()
        before = self.rows.get(resource.id)
        if before is None or before.version != version:
            return False
        self._check_name(resource)
        self.rows[resource.id] = resource
        return True

    async def remove(self, resource: ScimResource) -> bool:
        self._write()
        before = self.rows.get(resource.id)
        if before is None or before.version != resource.version:
            return False
        del self.rows[resource.id]
        return True

    def _sorted(self, kinds: Sequence[ScimKind]) -> list[ScimResource]:
        return sorted((row for row in self.rows.values() if row.kind in kinds), key=lambda row: (row.created, row.id))

    def _write(self) -> None:
        if self.fails_after:
            self.fails_after -= 1
        elif self.fails:
            self.fails -= 1
            raise StoreUnavailable("The database is locked.")

    def _check_name(self, resource: ScimResource) -> None:
        taken = any(row.name == resource.name and row.id != resource.id for row in self._sorted([ScimKind.USER]))
        if resource.kind is ScimKind.USER and taken:
            raise ScimNameTaken("Another user has this userName.")
