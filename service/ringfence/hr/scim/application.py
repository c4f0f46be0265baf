"""The SCIM library's application, set up for what Entra ID and Okta send.

Imported only where a SCIM source is configured, and then by the first request: the library and its models take 10 MB.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import MutableMapping
from typing import Any, Final, Union

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    BulkRequest,
    BulkResponse,
    ChangePassword,
    ETag,
    External,
    Filter,
    InvalidFilterException,
    ListResponse,
    Patch,
    PatchOp,
    Reference,
    ResponseParameters,
    SCIMException,
    ScimPolicy,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    Sort,
)
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.utils import load_default_resource_types, load_default_schemas, parametrize

from ringfence.app.ports import Clock
from ringfence.hr.scim.guard import MAX_BODY_BYTES
from ringfence.hr.scim.keeper import ScimKeeper
from ringfence.hr.scim.lenient import put_filter_right, put_right
from ringfence.hr.scim.storage import KeptStorage, OnMain, TryLater

log = logging.getLogger(__name__)

MAX_RESULTS: Final = 200
MAX_BULK_OPERATIONS: Final = 1_000
MAX_FILTER_CHARACTERS: Final = 4_096
MAX_SEARCH_BYTES: Final = 64 << 10  # a body that asks, and says nothing
RETRY_AFTER_SECONDS: Final = 10


def make_application(keeper: ScimKeeper, on_main: OnMain, clock: Clock, public_url: str) -> ScimApplication:
    provider = make_provider()
    return ScimApplication(KeptStorage(keeper, provider, on_main, clock), provider, public_url)


def make_provider() -> ScimProvider:
    """Users with the enterprise extension, and groups, as RFC 7643 has them. What is unknown is ignored: both providers
    send attributes that nobody declared."""
    policy = ScimPolicy(
        unknown=ScimPolicy.Unknown.ignore,
        remove_value_as_filter=ScimPolicy.RemoveValue.apply,
        unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
    )
    bearer = AuthenticationScheme(
        type=AuthenticationScheme.Type.oauthbearertoken,
        name="Bearer token",
        description="Authorization: Bearer <token>",
        spec_uri=Reference[External]("https://www.rfc-editor.org/info/rfc6750"),
        primary=True,
    )
    config = ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=MAX_BULK_OPERATIONS, max_payload_size=MAX_BODY_BYTES),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=False),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[bearer],
    )
    schemas, types = load_default_schemas().values(), load_default_resource_types().values()
    return ScimProvider.from_discovery(schemas, types, config=config, policy=policy)


class ScimApplication(ASGIApplication):
    """Behind `door.ScimDoor`, which has looked at the token and the size."""

    storage: KeptStorage

    def __init__(self, storage: KeptStorage, provider: ScimProvider, public_url: str) -> None:
        super().__init__(storage, provider, _Service(provider))
        self._public_url = public_url
        self._kept = _generic_models(self.service)

    def get_base_url(self, scope: MutableMapping[str, Any]) -> str:  # type: ignore[override]  # a static one there
        return self._public_url or super().get_base_url(dict(scope))

    async def dispatch_request(self, request: ScimRequest) -> ScimResponse:
        await self.storage.settle()
        if request.path.rstrip("/").endswith("/.search") and len(request.body) > MAX_SEARCH_BYTES:
            raise InvalidFilterException(detail=f"A search is longer than {MAX_SEARCH_BYTES >> 10} KB")
        request.body = put_right(request.body)
        if (text := request.query.get("filter")) is not None:
            if len(text) > MAX_FILTER_CHARACTERS:
                raise InvalidFilterException(detail=f"The filter is longer than {MAX_FILTER_CHARACTERS} characters")
            request.query = {**request.query, "filter": put_filter_right(text)}
        return await super().dispatch_request(request)

    def handle_exception(self, request: ScimRequest, exception: Exception) -> ScimResponse:
        """The library's own would log the text of the error, which names people and numbers."""
        _log(exception)
        return self.service.error_response(exception)


def _generic_models(service: ScimService) -> tuple[type, ...]:
    """The messages for our resources. The library asks for them by name at each request and keeps none: held here, they
    are not built anew, which takes 5 ms each."""
    models = service.get_models()
    anything: Any = Union[tuple(models)]  # noqa: UP007
    of_all = [parametrize(message, anything) for message in (ListResponse, BulkRequest, BulkResponse, SearchRequest)]
    of_one = [
        parametrize(message, model) for message in (PatchOp, SearchRequest, ResponseParameters) for model in models
    ]
    return (*of_all, *of_one)


class _Service(ScimService):
    def bulk_failure(self, outcome: dict[str, Any], exception: Exception) -> dict[str, Any]:
        _log(exception)
        return super().bulk_failure(outcome, exception)

    def error_response(self, exception: Exception) -> ScimResponse:
        response = super().error_response(exception)
        if isinstance(exception, TryLater):
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _log(exception: Exception) -> None:
    if not isinstance(exception, SCIMException):
        where = "".join(traceback.format_tb(exception.__traceback__))
        log.error("a SCIM request failed", extra={"error": type(exception).__name__, "where": where})
    elif exception.status not in (404, 409):  # what is asked for before it is made, and made twice
        log.info("a SCIM request is refused", extra={"status": exception.status, "reason": exception.scim_type})
