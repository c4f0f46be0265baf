"""The library's storage on ours: its resources are models, ours are rows.

Runs in the thread of the SCIM service (`door`); what touches the database is done in the daemon's event loop.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from scim2_models import (
    InvalidValueException,
    Meta,
    NotFoundException,
    Path,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    ScimProvider,
    SearchRequest,
    UniquenessException,
)
from scim2_server.storage import AsyncScimStorage, SearchPage
from scim2_server.utils import parametrize

from ringfence.app.hr.scim_ports import ScimKind, ScimNameTaken, ScimResource
from ringfence.app.ports import Clock, RingfenceError
from ringfence.hr.scim.keeper import ScimKeeper, new_version
from ringfence.hr.scim.search import search

MAX_NAME_CHARACTERS: Final = 300
MAX_MEMBERS: Final = 50_000  # whoever reads a list of groups reads all of theirs

_NAMES: Final = {ScimKind.USER: "userName", ScimKind.GROUP: "displayName"}
_NOT_STORED: Final = ("id", "meta", "password")

T = TypeVar("T")
OnMain = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]
"""Runs a coroutine in the daemon's event loop and waits for it."""


class TryLater(SCIMException):
    """The change was not stored, or not taken in; the identity provider is to repeat it."""

    status = 503
    _default_detail = "This cannot be stored now; try again"


class KeptStorage(AsyncScimStorage):
    """Implements the library's storage."""

    def __init__(self, keeper: ScimKeeper, provider: ScimProvider, on_main: OnMain, clock: Clock) -> None:
        self._keeper = keeper
        self._provider = provider
        self._on_main = on_main
        self._clock = clock

    async def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        return self._model(await self._stored(resource_type, resource_id))

    async def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        kinds = list(dict.fromkeys(_kind(resource_type) for resource_type in resource_types))
        return await search(kinds, search_request, self._keeper.store, self._do, self._model)

    async def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        now = self._clock.now().wall
        blank = ScimResource(_kind(resource_type), uuid.uuid4().hex, new_version(), now, now, "", "", {})
        new = self._row(blank, resource)
        await self._do(self._keeper.create(new))
        return self._model(new)

    async def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        before = await self._stored(resource_type, resource.id or "", expected_version)
        moved = replace(before, version=new_version(), modified=self._clock.now().wall)
        after = self._row(moved, resource)
        if not await self._do(self._keeper.change(before, after)):
            raise PreconditionFailedException
        return self._model(after)

    async def delete(
        self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None
    ) -> None:
        before = await self._stored(resource_type, resource_id, expected_version)
        if not await self._do(self._keeper.remove(before)):
            raise PreconditionFailedException

    async def settle(self) -> None:
        """Before a request is answered: see `ScimKeeper.settle`."""
        if self._keeper.is_in_doubt:
            await self._do(self._keeper.settle())

    async def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """In the daemon's event loop, with our errors as the library's."""
        try:
            return cast(T, await self._on_main(work))
        except ScimNameTaken:
            raise UniquenessException from None
        except RingfenceError:
            raise TryLater from None

    async def _stored(self, resource_type: ResourceType, id_: str, expected: str | None = None) -> ScimResource:
        found = await self._do(self._keeper.store.get(_kind(resource_type), id_))
        if found is None:
            raise NotFoundException(detail=f"There is no {resource_type.name} with this id")
        if expected is not None and expected != _etag(found):
            raise PreconditionFailedException
        return found

    def _row(self, place: ScimResource, resource: Resource[Any]) -> ScimResource:
        """`place` with the resource's content. A password is never stored."""
        body = {name: value for name, value in resource.model_dump().items() if name not in _NOT_STORED}
        if len(body.get("members") or ()) > MAX_MEMBERS:
            raise InvalidValueException(detail=f"A group has more than {MAX_MEMBERS} members")
        return replace(
            place,
            name=_comparable(resource, _NAMES[place.kind]),
            external_id=_comparable(resource, "externalId"),
            body=body,
        )

    def _model(self, stored: ScimResource) -> Resource[Any]:
        model = cast(type[Resource[Any]], self._provider.model_for(stored.kind.value))
        resource = model.model_validate(stored.body)
        resource.id = stored.id
        resource.meta = Meta(
            resource_type=stored.kind.value,
            created=stored.created,
            last_modified=stored.modified,
            version=_etag(stored),
        )
        return resource


def _kind(resource_type: ResourceType) -> ScimKind:
    return ScimKind(str(resource_type.name))


def _etag(stored: ScimResource) -> str:
    return f'W/"{stored.version}"'


def _comparable(resource: Resource[Any], attribute: str) -> str:
    """In the form in which the library compares this attribute; empty if there is none."""
    path = parametrize(Path, type(resource))(attribute)
    binding = path.resolve()
    assert binding is not None
    text = str(binding.comparable(path.get(resource)) or "")
    if len(text) > MAX_NAME_CHARACTERS or "\0" in text:
        fault = f"{attribute} is longer than {MAX_NAME_CHARACTERS} characters, or holds a NUL"
        raise InvalidValueException(detail=fault)
    return text
