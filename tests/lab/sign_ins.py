"""People who are signed in at a real daemon, without a provider to sign in at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from ringfence.app.access.ports import AccessChange, SessionRow
from ringfence.app.access.tokens import new_session_token
from ringfence.domain.access import Role, SignedInBy
from ringfence.store.access_store import SqlAccessStore
from ringfence.store.database import Database
from ringfence.web.sessions import COOKIE
from tests.lab.node import READY_SECONDS, RingfenceNode
from tests.lab.waiting import LabError


@dataclass(frozen=True, slots=True)
class Somebody:
    """`person` is the key under which the directory knows them."""

    name: str
    roles: frozenset[Role]
    person: str | None = None


async def sign_in(
    node: RingfenceNode,
    people: Iterable[Somebody],
    deadline_seconds: float = READY_SECONDS,
    *,
    now: datetime | None = None,
    lasting: timedelta = timedelta(hours=1),
) -> list[str]:
    """The token of each. Their sessions are put where a provider's sign-ins are kept, and the daemon is started
    again: it reads them at its start alone. `now` is by the daemon's clock, where that is not the machine's."""
    await node.process.stop()
    now, tokens, rows = now or datetime.now(UTC), list[str](), list[SessionRow]()
    until = now + lasting
    for one in people:
        made = new_session_token()
        rows.append(SessionRow(made.id, made.digest, one.name, one.roles, SignedInBy.OIDC, one.person, now, now, until))
        tokens.append(made.token)
    database = await Database.open(node.state_dir / "ringfence.db")
    try:
        await SqlAccessStore(database).commit(AccessChange(begun=tuple(rows)))
    finally:
        await database.close()
    await node.start(ready=False)
    await node.wait_ready(deadline_seconds)
    return tokens


async def order_as(
    node: RingfenceNode, token: str, page: str, method: str, path: str, body: Mapping[str, Any] | None = None
) -> Any:
    """What a script on `page` of somebody who is signed in may order. Raises LabError when it is refused."""
    address, cookie = f"http://localhost:{node.http_port}", {"Cookie": f"{COOKIE}={token}"}
    async with aiohttp.ClientSession(headers=cookie) as browser:
        async with browser.get(f"{address}{page}") as answer:
            found = re.search(r'name="csrf_token" value="([^"]+)"', await answer.text())
        if found is None:
            raise LabError(f"{page} holds no form ({answer.status})")
        headers = {"X-CSRF-Token": found[1]}
        async with browser.request(method, f"{address}{path}", json=body, headers=headers) as answer:
            said = await answer.json()
            if answer.status != 200:
                raise LabError(f"{method} {path}: {answer.status} {said}")
            return said
