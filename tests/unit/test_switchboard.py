"""Which channels are legs, the order in which waiting ones are told, and whom a leg is for."""

from __future__ import annotations

from typing import cast

import pytest

from ringfence.app.ports import Leg
from ringfence.asterisk.ami import Reply
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient, ChannelInfo
from ringfence.asterisk.switchboard import AsteriskSwitchboard

DID = "+441134960012"
CHANNELS = [
    ChannelInfo("b", "PJSIP/uc-00000009", "Down", "2030-01-15T12:00:02.000+0000", "s"),
    ChannelInfo("x", "PJSIP/other-00000001", "Down", "2030-01-15T11:00:00.000+0000"),
    ChannelInfo("c", "PJSIP/uc-00000010", "Ringing", "2030-01-15T12:00:03.000+0000", "1001"),
    ChannelInfo("a", "PJSIP/uc-00000008", "Down", "2030-01-15T12:00:01.000+0000", DID),
    ChannelInfo("caller", "PJSIP/uc-00000007", "Ring", "2030-01-15T12:00:00.000+0000", DID),
]


class FakeAri:
    """Lists its channels in no order, as Asterisk does."""

    async def channels(self) -> list[ChannelInfo]:
        return CHANNELS

    async def channel(self, channel_id: str) -> ChannelInfo | None:
        return next((found for found in CHANNELS if found.channel_id == channel_id), None)


class FakeAmi:
    """Does whatever it is told, and keeps it."""

    def __init__(self) -> None:
        self.hung_up: list[str] = []

    async def ask(self, action: str, fields: dict[str, str]) -> Reply:
        self.hung_up.append(fields["Channel"])
        return Reply(True, "Channel Hungup")


def board(ami: FakeAmi | None = None) -> AsteriskSwitchboard:
    return AsteriskSwitchboard(cast(AriClient, FakeAri()), cast(AmiLink, ami))


async def test_whoever_has_waited_longest_comes_first_and_who_called_in_is_no_leg() -> None:
    assert [leg.channel for leg in await board().platform_legs("uc")] == ["a", "b", "c"]


async def test_a_leg_tells_the_did_it_was_dialled_for_where_there_is_one() -> None:
    assert [leg.did for leg in await board().platform_legs("uc")] == [DID, "", ""]


@pytest.mark.parametrize(("channel", "freed"), [("caller", []), ("a", ["PJSIP/uc-00000008"])])
async def test_a_caller_of_the_same_endpoint_is_never_hung_up(channel: str, freed: list[str]) -> None:
    ami = FakeAmi()
    assert await board(ami).free(Leg(channel, "uc", answered=False, ringing=False)) is bool(freed)
    assert ami.hung_up == freed
