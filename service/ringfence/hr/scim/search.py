"""Finds resources: by an index where the filter names one thing exactly, else by the library's filter over all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, TypeVar, Union

from scim2_models import Resource, ScimFilter, SearchRequest
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator
from scim2_server.storage import SearchPage
from scim2_server.utils import parametrize

from ringfence.app.hr.scim_ports import ScimKind, ScimResource, ScimStore

SCANNED_ROWS: Final = 200
MAX_START: Final = 1 << 31  # beyond every list, and within what a database can count

_BY_NAME: Final = {(ScimKind.USER, "username"), (ScimKind.GROUP, "displayname")}

T = TypeVar("T")
ToModel = Callable[[ScimResource], Resource[Any]]


class Doing(Protocol):
    """Runs the store's work where it belongs, with its errors as SCIM's."""

    def __call__(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]: ...


async def search(
    kinds: Sequence[ScimKind], request: SearchRequest[Any], store: ScimStore, do: Doing, to_model: ToModel
) -> SearchPage:
    """One page of what matches, and how many match. Oldest first, where nothing else is asked for."""
    start = min(request.start_index_0 or 0, MAX_START)
    if request.filter is None and request.sort_by is None:
        total = await do(store.count(kinds))
        limit = total if request.count is None else request.count
        rows = await do(store.page(kinds, limit, offset=start)) if limit else []
        return SearchPage(total, [to_model(row) for row in rows])
    found = [resource async for resource in _matching(kinds, request, store, do, to_model)]
    if request.sort_by is not None:
        found = request.sort(found)
    stop = None if request.count is None else start + request.count
    return SearchPage(len(found), found[start:stop])


async def _matching(
    kinds: Sequence[ScimKind], request: SearchRequest[Any], store: ScimStore, do: Doing, to_model: ToModel
) -> AsyncIterator[Resource[Any]]:
    bound: ScimFilter[Any] | None = None
    async for row in _candidates(kinds, request.filter, store, do):
        resource = to_model(row)
        if request.filter is not None and bound is None:
            bound = _bound(request.filter, resource)
        if bound is None or bound.match(resource):
            yield resource


def _bound(scim_filter: ScimFilter[Any], resource: Resource[Any]) -> ScimFilter[Any]:
    """A filter has to know the models that it is about; one that came over HTTP does."""
    if scim_filter.models:
        return scim_filter
    return parametrize(ScimFilter, Union[(type(resource),)])(str(scim_filter))  # noqa: UP007


async def _candidates(
    kinds: Sequence[ScimKind], scim_filter: ScimFilter[Any] | None, store: ScimStore, do: Doing
) -> AsyncIterator[ScimResource]:
    """Everything that may match, and as little else as an index allows."""
    if scim_filter is not None and len(kinds) == 1:
        for comparison in _all_needed(scim_filter.ast):
            rows = await _by_index(kinds[0], scim_filter, comparison, store, do)
            if rows is not None:
                for row in rows:
                    yield row
                return
    last: ScimResource | None = None
    while page := await do(store.page(kinds, SCANNED_ROWS, after=last)):
        for row in page:
            yield row
        last = page[-1]


def _all_needed(node: FilterNode) -> list[Comparison]:
    """Comparisons each of which has to hold for the filter to hold."""
    if isinstance(node, Comparison):
        return [node] if node.op is CompareOperator.eq else []
    if isinstance(node, LogicalExpr) and node.op is LogicalOperator.and_:
        return [found for term in node.terms for found in _all_needed(term)]
    return []


async def _by_index(
    kind: ScimKind, scim_filter: ScimFilter[Any], comparison: Comparison, store: ScimStore, do: Doing
) -> list[ScimResource] | None:
    """None where no index helps."""
    path = comparison.attr_path
    if path.uri is not None or path.sub_attr is not None or not isinstance(comparison.value, str):
        return None
    if len(scim_filter.models) != 1 or (binding := scim_filter.resolve_comparison(path, strict=False)) is None:
        return None
    name, value = path.attr.lower(), str(binding.comparable(comparison.value))
    if not value:
        return None
    if name == "id":
        row = await do(store.get(kind, comparison.value))
        return [row] if row else []
    if name == "externalid":
        return await do(store.find(kind, external_id=value))
    if (kind, name) in _BY_NAME:
        return await do(store.find(kind, name=value))
    return None
