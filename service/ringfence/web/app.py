"""The application: one set of operations for all doors, and what stands around it at each of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp

from ringfence.app.operator import OrderRefused
from ringfence.web import (
    access_api,
    audit_api,
    call_api,
    coverage_api,
    dids_api,
    directory_api,
    errors,
    health_api,
    hr_api,
    incident_api,
    me_api,
    notice_api,
    override_api,
    people_api,
    reveal_api,
    shadow_api,
    simulation_api,
    status_api,
    teams_api,
)
from ringfence.web.audit_metrics import AuditCollector
from ringfence.web.metrics import registry_of
from ringfence.web.notice_metrics import NoticeCollector
from ringfence.web.noting import Noting
from ringfence.web.openapi import Api
from ringfence.web.outgoing_metrics import OutgoingCollector
from ringfence.web.pages import site
from ringfence.web.permissions import permitted
from ringfence.web.ports import Services
from ringfence.web.protection import Protection
from ringfence.web.security import GUARDED, Auth

MAX_BODY_BYTES: Final = 64 * 1024

_DESCRIPTION: Final = """
Failover routing beside Asterisk: what is decided, why, and a person's word about it.

Everything under `/v1` needs `Authorization: Bearer <key>`: an API key, or the token that `ringfence init` wrote, with
which `X-Ringfence-Who` names the person an order comes from. Which operation asks for which permission stands in
docs/reference/permissions.md. Private numbers are masked.
"""

# Only declares the scheme in OpenAPI; `Guard` has checked it long before.
_declared_scheme = HTTPBearer(auto_error=False, scheme_name="token", description="an API key, or the token")


def create_app(services: Services, auth: Auth, protection: Protection | None = None) -> ASGIApp:
    """Everything behind one door of its own."""
    return at_door(operations(services), auth, protection)


def at_door(app: FastAPI, auth: Auth, protection: Protection | None = None) -> ASGIApp:
    """The operations behind one door. `protection`: what else stands around them; None: no limits of rate, no proxy."""
    mounts = [route.path for route in app.routes if isinstance(route, Mount)]

    def max_body_bytes(path: str) -> int | None:
        return None if any(path.startswith(f"{place}/") for place in mounts) else _max_body_bytes(path)

    return (protection or Protection()).around(app, auth, max_body_bytes)


def operations(
    services: Services,
    default_country: str = "GB",
    metrics: CollectorRegistry | None = None,
    mounts: Mapping[str, ASGIApp] = MappingProxyType({}),
) -> FastAPI:
    """All of them, for every door: some 7 MB of routes and schemas. Nobody is asked here who they are.

    `default_country` (ISO 3166) is that of DIDs written without a plus. `metrics`: a registry to which the
    daemon has added measures of its own, begun with `metrics.registry_of(operator)`; None: the snapshot's alone.
    `mounts`: path -> an application with a guard of its own, which looks at the token and at the body's length."""
    operator, roster = services.operator, services.roster
    app = Api(
        title="Ringfence",
        version=_version(),
        description=_DESCRIPTION,
        docs_url=None,  # the usual page loads its scripts from the internet
        redoc_url=None,
        openapi_url=None,  # `Api` has its own
        redirect_slashes=False,
    )
    # First of all: routes are looked through in their order, and pages that watch ask more often than anything else.
    site.add_to(app, services, default_country)
    guarded = APIRouter(
        prefix=GUARDED,
        dependencies=[Depends(_declared_scheme), Depends(permitted), Depends(known_query)],
        max_body_size=MAX_BODY_BYTES,
    )
    guarded.include_router(status_api.routes(operator))
    guarded.include_router(override_api.failback_routes(operator))
    if services.words is not None:
        guarded.include_router(override_api.routes(operator, services.words, default_country))
    guarded.include_router(call_api.routes(operator, default_country))
    guarded.include_router(teams_api.routes(operator))
    guarded.include_router(dids_api.routes(operator))
    auditor = None if services.audit is None else services.audit.auditor
    guarded.include_router(directory_api.routes(services.importer, auditor, operator.now))
    noting = Noting(auditor, operator.now)
    if services.audit is not None:
        guarded.include_router(audit_api.routes(services.audit.book, operator.now))
        if services.audit.revealer is not None:
            guarded.include_router(reveal_api.routes(services.audit.revealer))
    if services.access is not None:
        guarded.include_router(access_api.routes(services.access, operator.now))
    if roster is not None:
        guarded.include_router(hr_api.routes(roster, noting))
        guarded.include_router(people_api.routes(roster, operator.now))
        guarded.include_router(me_api.routes(roster, operator, operator.now))
        guarded.include_router(coverage_api.routes(roster))
    if services.notices is not None:
        guarded.include_router(notice_api.routes(services.notices, noting))
    if services.simulator is not None:
        guarded.include_router(simulation_api.routes(services.simulator, operator, default_country))
    if services.shadow is not None:
        guarded.include_router(shadow_api.routes(services.shadow))
    if services.incidents is not None:
        guarded.include_router(incident_api.routes(services.incidents))
    app.include_router(guarded)
    registry = metrics or _registry(services)
    app.include_router(health_api.routes(operator, registry))
    for place, mounted in mounts.items():
        app.mount(place, mounted)

    def is_our_did(number: str) -> bool:
        directory = None if roster is None else roster.directory()
        return directory is not None and directory.assignment(number) is not None

    errors.add_to(app, is_our_did)
    return app


def _registry(services: Services) -> CollectorRegistry:
    registry = registry_of(services.operator)
    if services.notices is not None:
        registry.register(NoticeCollector(services.notices, services.operator.now))
    if services.audit is not None and services.audit.anchors is not None:
        registry.register(AuditCollector(services.audit.anchors))
    if services.outgoing is not None:
        registry.register(OutgoingCollector(services.outgoing))
    return registry


async def known_query(request: Request) -> None:
    """A misspelt parameter is refused, as a misspelt field is: `?scpe=uc` must not pass for "everything"."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    for name in request.query_params:
        if name not in known:
            wrong = name.encode(errors="backslashreplace").decode()[: errors.MAX_NAME_CHARACTERS]
            fix = f"Known here: {', '.join(sorted(known))}." if known else "There are none here."
            raise OrderRefused(wrong, "is no parameter of this operation", fix)


def _max_body_bytes(path: str) -> int:
    return directory_api.MAX_IMPORT_BYTES if path == f"{GUARDED}/import" else MAX_BODY_BYTES


def _version() -> str:
    try:
        return version("ringfence")
    except PackageNotFoundError:
        return "unpackaged"
