"""`/`: where calls go now, why, what has to be done, and the big decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from starlette.requests import Request

from ringfence.app.snapshot import Snapshot
from ringfence.domain.health import TargetId, TargetRole
from ringfence.web.order_models import PendingOut
from ringfence.web.order_view import pending_out
from ringfence.web.pages.evidence_words import KIND_WORDS, ROLE_WORDS, SPEAKS_WORDS, VERDICT_WORDS
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.order_form import LENGTHS, OrderForm, choices_of
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.state_words import (
    DECISION_WORDS,
    MODE_WORDS,
    OVERRIDE_WORDS,
    alarms_of,
)
from ringfence.web.ports import Services

WORDS: Mapping[str, Mapping[Any, str]] = {
    "modes": MODE_WORDS,
    "decisions": DECISION_WORDS,
    "kinds": OVERRIDE_WORDS,
    "verdicts": VERDICT_WORDS,
    "evidence": KIND_WORDS,
    "speaks": SPEAKS_WORDS,
    "roles": ROLE_WORDS,
}


def routes(frame: Frame, services: Services) -> APIRouter:
    router = page_router(frame)

    @router.get("/", operation_id="page_start")
    async def start(request: Request) -> Response:
        """The state of everything."""
        snapshot = frame.operator.status()

        async def context() -> Mapping[str, Any]:
            return state_of(snapshot) | order_context(snapshot, services) | {"pending": _pending(services)}

        return await frame.shared(request, "start.html", context)

    return router


def _pending(services: Services) -> list[PendingOut]:
    """What waits for a second person."""
    words = services.words
    return [] if words is None else [pending_out(one, words.desk) for one in words.desk.pending()]


def state_of(snapshot: Snapshot) -> dict[str, Any]:
    """What the templates show of the state."""
    platforms = [
        (name, view, snapshot.targets.get(TargetId(TargetRole.PLATFORM, name)))
        for name, view in sorted(snapshot.scopes.items())
    ]
    others = sorted(
        (view for target, view in snapshot.targets.items() if target.role is not TargetRole.PLATFORM),
        key=lambda view: (view.target.role != TargetRole.TRUNK, view.target.name),
    )
    return {
        "platforms": platforms,
        "others": others,
        "identities": {learnt.trunk: learnt for learnt in snapshot.identities},
        "alarms": list(alarms_of(snapshot)),
        "overrides": sorted(snapshot.overrides, key=lambda word: word.set_at, reverse=True),
        "table": snapshot.table,
        "backup": snapshot.backup,
        "words": WORDS,
    }


def order_context(snapshot: Snapshot, services: Services, order: OrderForm | None = None) -> dict[str, Any]:
    """What the form of the big decision needs; `order` is what stands in it already."""
    directory = None if services.roster is None else services.roster.directory()
    return {
        "order": order or OrderForm(),
        "faults": {},
        "scopes": sorted(snapshot.scopes),
        "choices": choices_of(directory),
        "lengths": LENGTHS,
    }
