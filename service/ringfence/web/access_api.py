"""Who is let in: who I am, API keys, sessions, the break-glass accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from ringfence.app.access.desk import AccessDesk
from ringfence.app.operator import check_words
from ringfence.domain.access import Caller
from ringfence.web.access_models import (
    KeyMade,
    KeyOrder,
    KeyOut,
    KeysOut,
    MeOut,
    PermissionOut,
    RenewedOut,
    SealedAccountsOut,
    SessionsEnded,
    SessionsOut,
    key_out,
    sealed_out,
    session_out,
)
from ringfence.web.callers import caller
from ringfence.web.errors import declared
from ringfence.web.order_models import Why
from ringfence.web.paging import Limit

Asking = Annotated[Caller, Depends(caller)]
Id = Annotated[str, Path(alias="id", max_length=64)]
Reason = Annotated[Why, Query()]


def routes(desk: AccessDesk, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["access"], prefix="/access")
    _me(router)
    _keys(router, desk, now)
    _sessions(router, desk)
    _sealed(router, desk)
    return router


def _me(router: APIRouter) -> None:
    @router.get("/me", responses=declared(), operation_id="access_me")
    async def me(asking: Asking) -> MeOut:
        """Who asks, and what they may do. For anybody who is signed in."""
        return MeOut(
            name=asking.name,
            by=asking.by,
            roles=sorted(asking.roles),
            permissions=[PermissionOut(permission=p, words=p.words) for p in sorted(asking.permissions)],
            person=asking.person,
            session=asking.session,
        )


def _keys(router: APIRouter, desk: AccessDesk, now: Callable[[], datetime]) -> None:
    @router.get("/keys", responses=declared(503), operation_id="access_keys")
    async def keys(limit: Limit = 100) -> KeysOut:
        """The API keys with their last use, also those that were revoked or have expired."""
        rows = desk.keys()
        return KeysOut(keys=[key_out(row, now()) for row in rows[:limit]], in_all=len(rows))

    @router.post("/keys", responses=declared(413, 503), operation_id="create_access_key")
    async def create(order: KeyOrder, asking: Asking) -> KeyMade:
        """Make an API key. It is shown in this answer and never again: only its SHA-256 is stored. A key makes no
        keys. One made in a break-glass session ends with that session at the latest: see `expires`."""
        expires = now() + timedelta(days=order.days)
        new = await desk.create_key(order.name, frozenset(order.permissions), expires, asking)
        return KeyMade(key=key_out(new.row, now()), token=new.token)

    @router.delete("/keys/{id}", responses=declared(404, 503), operation_id="revoke_access_key")
    async def revoke(id_: Id, reason: Reason, asking: Asking) -> KeyOut:
        """Revoke a key: it is of no use any more when this answers, also when the answer is that it could not be
        stored (503; it is tried again by itself)."""
        check_words(asking.name, reason)
        return key_out(await desk.revoke_key(id_, asking, reason), now())


def _sessions(router: APIRouter, desk: AccessDesk) -> None:
    @router.get("/sessions", responses=declared(503), operation_id="access_sessions")
    async def sessions(
        limit: Limit = 100,
        name: Annotated[str | None, Query(max_length=200, description="only of this name")] = None,
    ) -> SessionsOut:
        """Who is signed in."""
        rows = [row for row in desk.sessions() if name is None or row.name == name]
        return SessionsOut(sessions=[session_out(row) for row in rows[:limit]], in_all=len(rows))

    @router.delete("/sessions/{id}", responses=declared(404, 503), operation_id="revoke_access_session")
    async def revoke(id_: Id, reason: Reason, asking: Asking) -> SessionsEnded:
        """End one session: it is over when this answers, also when the answer is that it could not be stored (503; it
        is tried again by itself)."""
        check_words(asking.name, reason)
        await desk.end_session(id_, asking, reason)
        return SessionsEnded(ended=1)

    @router.delete("/sessions", responses=declared(503), operation_id="revoke_access_sessions_of")
    async def revoke_of(
        name: Annotated[str, Query(min_length=1, max_length=200, description="whose")],
        reason: Reason,
        asking: Asking,
    ) -> SessionsEnded:
        """End all sessions of one name. Whoever still has a role at the identity provider can sign in again."""
        check_words(asking.name, reason)
        return SessionsEnded(ended=await desk.end_sessions_of(name, asking, reason))


def _sealed(router: APIRouter, desk: AccessDesk) -> None:
    @router.get("/break-glass", responses=declared(503), operation_id="sealed_accounts")
    async def accounts() -> SealedAccountsOut:
        """The break-glass accounts: when each was renewed and last used, and whether it is locked."""
        return SealedAccountsOut(accounts=[sealed_out(view) for view in await desk.sealed_accounts()])

    @router.post("/break-glass/renewed", responses=declared(503), operation_id="note_renewed_accounts")
    async def renewed(asking: Asking) -> RenewedOut:
        """Read the file of the break-glass accounts again, after passwords in it were renewed: ends the sessions begun
        with the old ones, undoes locks, and notes who says that they did it. It is noticed within a minute anyway, but
        then nobody knows who it was."""
        return RenewedOut(renewed=await desk.note_renewed(asking))
