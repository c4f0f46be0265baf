"""Which Ringfence publishes into this Asterisk: a claim in AstDB, kept fresh while we live.

Two daemons that publish different tables into one AstDB would undo each other's work for ever. A node that is started
again after a crash takes its own claim over at once; anybody else's must have gone stale.
"""

from __future__ import annotations

from typing import Final

from ringfence.app.ports import AstDb, AsteriskError, Clock, RingfenceError
from ringfence.domain.record_text import RecordError
from ringfence.domain.records import NodeRecord, decode_node, encode_node

CLAIM_KEY: Final = "node"
FRESH_SECONDS: Final = 15.0
REFRESH_SECONDS: Final = 4.0
FIRST_REFRESH_SECONDS: Final = 1.0  # of two that start in the same moment one finds out soon


class NodeHeld(RingfenceError):
    """Another Ringfence publishes into this Asterisk."""


def read_claim(value: str | None) -> NodeRecord | None:
    """None for a claim that is absent or cannot be read: it then binds nobody."""
    try:
        return decode_node(value or "")
    except RecordError:
        return None


class NodeClaim:
    """Our claim. `take` once at start, then `keep` running."""

    def __init__(self, astdb: AstDb, clock: Clock, node_id: str, node_name: str) -> None:
        self._astdb = astdb
        self._clock = clock
        self._node_id = node_id
        self._node_name = node_name

    async def take(self) -> None:
        """Raises NodeHeld while another node's claim is fresh, and AsteriskError."""
        now = self._clock.now().wall.timestamp()
        held = read_claim(await self._astdb.get(CLAIM_KEY))
        if held is not None and held.node_id != self._node_id and abs(now - held.unix_time) < FRESH_SECONDS:
            raise NodeHeld(
                f"Ringfence '{held.node_name}' (id {held.node_id}) already publishes into this Asterisk; its claim is "
                f"{abs(now - held.unix_time):.0f} s old.",
                f"Stop it, or wait {FRESH_SECONDS:.0f} s after it has ended, then start this one again.",
            )
        await self._astdb.put(CLAIM_KEY, encode_node(NodeRecord(self._node_id, self._node_name, int(now))))

    async def keep(self) -> None:
        """Refreshes the claim until cancelled. Raises NodeHeld when somebody else has taken it: we must have been
        stopped for long, and have to stop publishing."""
        await self._clock.sleep(FIRST_REFRESH_SECONDS)
        while True:
            try:
                await self.take()
            except AsteriskError:
                pass  # the link tells its own edge; without Asterisk nobody publishes
            await self._clock.sleep(REFRESH_SECONDS)
