"""The legs to a platform, and freeing the callers who wait on them: the port `Switchboard`.

Legs are read over ARI, for AMI's fields can be forged by a caller's name; freeing is AMI's `Hangup` of the platform's
leg, because ARI's cannot give cause 34 to a leg whose caller has to go on. An answered leg is never hung up: its state
is read again just before. What remains is the moment between that answer and the hang-up, about a millisecond.

One endpoint may carry calls both ways, and a channel's name does not tell which. Its state does: a call that came in is
`Ring` until it is answered, a leg we dialled never is. The application it is in does not: after a subroutine that ran
on the leg before it was dialled, ARI goes on naming that one.
"""

from __future__ import annotations

from collections.abc import Container

from ringfence.app.ports import AsteriskRefused, Leg
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient, ChannelInfo
from ringfence.asterisk.event_fields import DID
from ringfence.asterisk.events import endpoint_of
from ringfence.asterisk.vocabulary import AMI_NO_CHANNEL, CAUSE_NO_CIRCUIT, ChannelState


class AsteriskSwitchboard:
    """`Leg.channel` is the channel's unique id. `put_through`: ids of legs known to ring or play something, which a
    channel's state does not always show (183 leaves it as it was); `AriLink.legs` is one."""

    def __init__(self, ari: AriClient, ami: AmiLink, put_through: Container[str] = ()) -> None:
        self._ari = ari
        self._ami = ami
        self._put_through = put_through

    async def platform_legs(self, endpoint: str) -> list[Leg]:
        channels = [found for found in await self._ari.channels() if _is_leg(found, endpoint)]
        channels.sort(key=lambda found: found.created_at)
        return [self._leg(found, endpoint) for found in channels]

    async def free(self, leg: Leg) -> bool:
        found = await self._ari.channel(leg.channel)
        if found is None or found.state == ChannelState.UP or not _is_leg(found, leg.endpoint):
            return False
        # By its name, which AMI compares exactly; an id that began with a slash would be a pattern.
        reply = await self._ami.ask("Hangup", {"Channel": found.name, "Cause": str(CAUSE_NO_CIRCUIT)})
        if not reply.success and reply.message.lower() != AMI_NO_CHANNEL:
            raise AsteriskRefused(f"Asterisk refused to hang up a leg: {reply.message[:100]}")
        return reply.success

    def _leg(self, found: ChannelInfo, endpoint: str) -> Leg:
        rings = found.state == ChannelState.RINGING or found.channel_id in self._put_through
        did = found.exten if DID.fullmatch(found.exten) else ""
        return Leg(found.channel_id, endpoint, answered=found.state == ChannelState.UP, ringing=rings, did=did)


def _is_leg(found: ChannelInfo, endpoint: str) -> bool:
    return endpoint_of(found.name) == endpoint and found.state != ChannelState.RING
