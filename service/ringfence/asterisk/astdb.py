"""AstDB over AMI: the port `AstDb`.

Make one of these per purpose, each on a link of its own: modes; table writes; reading back. AstDB is locked while
Asterisk writes the answer to `DBGetTree`, and the scan grows with the whole table (measured: 0.2 ms at 1,000 records,
0.9 ms at 10,000, 9 ms at 100,000), whatever is asked for; the answer itself takes 2 us a row. So a tree is read ten
buckets at a time and never on the modes' link. Answers of 10,000 rows still fit in the socket's buffers, so that a
reader that stands still locks nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from ringfence.app.ports import AsteriskRefused, Put
from ringfence.asterisk.ami import AmiSession, Reply, Sent
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.vocabulary import AMI_NOT_DELETED, AMI_NOT_FOUND, FAMILY

# A window is about 1 ms of our event loop; a mode write on its own link waits for two of them at most.
WINDOW: Final = 50
WINDOW_DEADLINE_SECONDS: Final = 3.0
TREE_DEADLINE_SECONDS: Final = 3.0


class AmiAstDb:
    """Family `ringfence` of AstDB. `reads` is the link for `read_tree`; the same as `writes` when left out."""

    def __init__(self, writes: AmiLink, reads: AmiLink | None = None) -> None:
        self._writes = writes
        self._reads = reads or writes

    async def put(self, key: str, value: str) -> None:
        """Raises AsteriskRefused for a value that would not come back as it was sent."""
        _done("DBPut", await self._writes.ask("DBPut", _put_fields(key, value)))

    async def get(self, key: str) -> str | None:
        reply = await self._writes.ask("DBGet", {"Family": FAMILY, "Key": key})
        if _absent(reply):
            return None
        _done("DBGet", reply)
        return next((row["val"] for row in reply.rows if "val" in row), None)

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        """In windows of 50 with a yield after each; all on one session, so that a reconnect in between is an error
        and not a gap."""
        session = self._writes.session()
        async for reply in _answers(session, "DBPut", (_put_fields(put.key, put.value) for put in puts)):
            _done("DBPut", reply)
        async for reply in _answers(session, "DBDel", ({"Family": FAMILY, "Key": key} for key in deletes)):
            if not _absent(reply):
                _done("DBDel", reply)

    async def read_tree(self, key: str) -> dict[str, str]:
        """By whole path below the family. An entry whose value cannot be read back whole is given as empty, so that
        it differs from whatever is wanted there."""
        # Asterisk matches with LIKE, where `_` and case are loose; only what truly lies below is ours.
        below = f"/{FAMILY}/{key}/"
        loose = len(below) - 2 if key.endswith("_") else len(below)
        begins, ends = below[:loose], below[loose + 1 :]
        reply = await self._reads.ask("DBGetTree", {"Family": f"{FAMILY}/{key}"}, TREE_DEADLINE_SECONDS)
        if _absent(reply):
            return {}
        _done("DBGetTree", reply)
        left = len(FAMILY) + 2
        return {
            path[left:]: row.get("val", "")
            for row in reply.rows
            if (path := row.get("key", "")).startswith(begins) and path.startswith(ends, loose + 1)
        }


def _put_fields(key: str, value: str) -> dict[str, str]:
    if not key or key != key.strip():
        raise AsteriskRefused("DBPut: a key must not be empty nor begin or end with a space.")
    if not value or value != value.strip():
        # AMI strips spaces and calls an empty entry absent: what is read back would never equal what was written.
        raise AsteriskRefused("DBPut: a value must not be empty nor begin or end with a space.")
    return {"Family": FAMILY, "Key": key, "Val": value}


async def _answers(session: AmiSession, name: str, actions: Iterable[dict[str, str]]) -> AsyncIterator[Reply]:
    """To each action in turn. Asterisk works at one window while we write the next: either would wait half the time."""
    before: Sequence[Sent] = ()
    for window in chain(_windows(actions), ((),)):
        sent = session.send_all(name, window) if window else ()
        if before:
            for reply in await session.answers(before, WINDOW_DEADLINE_SECONDS):
                yield reply
        before = sent
        await asyncio.sleep(0)


def _windows(actions: Iterable[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    rest = iter(actions)
    while window := list(islice(rest, WINDOW)):
        yield window


def _absent(reply: Reply) -> bool:
    return not reply.success and reply.message.lower() in (AMI_NOT_FOUND, AMI_NOT_DELETED)


def _done(action: str, reply: Reply) -> None:
    if not reply.success:
        raise AsteriskRefused(f"Asterisk refused {action}: {reply.message[:100]}")
