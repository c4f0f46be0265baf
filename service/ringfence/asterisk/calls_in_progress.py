"""The answered calls of a platform, and taking a caller out of one: the port `CallsInProgress`.

A caller is moved by AMI's `Redirect`, which tears a connected caller out of the bridge: variables and hang-up handler
stay, and the platform's leg goes as after any hang-up. Nothing else ever leads to the rescue's context, so that no
ordinary end of a call can be taken for a dead leg.
"""

from __future__ import annotations

from ringfence.app.ports import AsteriskRefused, Leg
from ringfence.app.rescue import Caller
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient
from ringfence.asterisk.event_fields import DID
from ringfence.asterisk.switchboard import AsteriskSwitchboard
from ringfence.asterisk.vocabulary import AMI_CHANNEL_GONE, RESCUE_CONTEXT


class AsteriskCallsInProgress:
    """`Leg.channel` is the channel's unique id, `Caller.channel` its name."""

    def __init__(self, switchboard: AsteriskSwitchboard, ari: AriClient, ami: AmiLink) -> None:
        self._switchboard = switchboard
        self._ari = ari
        self._ami = ami

    async def platform_legs(self, endpoint: str) -> list[Leg]:
        return await self._switchboard.platform_legs(endpoint)

    async def packets(self, leg: Leg) -> int | None:
        count = await self._ari.variable(leg.channel, "CHANNEL(rtcp,rxcount)")
        return int(count) if count is not None and count.isdecimal() else None

    async def held(self, leg: Leg) -> bool:
        return await self._ari.variable(leg.channel, "CHANNEL(rtp,hold)") == "1"

    async def caller(self, leg: Leg, scope: str) -> Caller | None:
        peer = await self._ari.variable(leg.channel, "BRIDGEPEER")
        # The site's own dialplan may use the same endpoint: those calls are not ours to move.
        if not peer or await self._ari.variable(peer, "RF_SCOPE") != scope:
            return None
        did = await self._ari.variable(peer, "RF_DID") or ""
        return Caller(peer, did if DID.fullmatch(did) else "")

    async def rescue(self, caller: Caller) -> bool:
        target = {"Channel": caller.channel, "Context": RESCUE_CONTEXT, "Exten": "s", "Priority": "1"}
        reply = await self._ami.ask("Redirect", target)
        if not reply.success and not reply.message.lower().startswith(AMI_CHANNEL_GONE):
            raise AsteriskRefused(f"Asterisk refused to move a caller: {reply.message[:100]}")
        return reply.success
