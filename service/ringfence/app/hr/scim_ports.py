"""What the SCIM service keeps and where: `hr/scim` speaks the protocol, `store/scim_store` has the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from ringfence.app.ports import RingfenceError


class ScimKind(StrEnum):
    """What a resource is; the values are SCIM's own."""

    USER = "User"
    GROUP = "Group"


@dataclass(frozen=True, slots=True)
class ScimResource:
    """One resource as it is stored. `body` is its JSON without `id` and `meta`; it holds private numbers, so it is in
    no repr. `name` (userName, displayName) and `external_id` are in the form in which they are compared, empty if there
    is none. `version` is another one after every change."""

    kind: ScimKind
    id: str
    version: str
    created: datetime
    modified: datetime
    name: str = field(repr=False)
    external_id: str = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)


class ScimNameTaken(RingfenceError):
    """Another user has this userName."""


class ScimStore(Protocol):
    """The resources that one source has been given. May raise StoreError."""

    async def get(self, kind: ScimKind, id_: str) -> ScimResource | None: ...

    async def find(
        self, kind: ScimKind, *, name: str | None = None, external_id: str | None = None
    ) -> list[ScimResource]:
        """Those with this name and this external id, oldest first. By an index."""
        ...

    async def page(
        self, kinds: Sequence[ScimKind], limit: int, *, offset: int = 0, after: ScimResource | None = None
    ) -> list[ScimResource]:
        """Oldest first, so that what is created meanwhile comes at the end. `after`: those behind this one."""
        ...

    async def count(self, kinds: Sequence[ScimKind]) -> int: ...

    async def add(self, resource: ScimResource) -> None:
        """Raises ScimNameTaken."""
        ...

    async def replace(self, resource: ScimResource, version: str) -> bool:
        """Instead of what is stored under this id in `version`; False when that is no longer so. Raises
        ScimNameTaken."""
        ...

    async def remove(self, resource: ScimResource) -> bool:
        """False when it is no longer stored in this version."""
        ...
