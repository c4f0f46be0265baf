"""The order in which waiting legs are told: the sweep frees them in it."""

from __future__ import annotations

from typing import cast

from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient, ChannelInfo
from ringfence.asterisk.switchboard import AsteriskSwitchboard


class FakeAri:
    """Lists its channels in no order, as Asterisk does."""

    async def channels(self) -> list[ChannelInfo]:
        return [
            ChannelInfo("b", "PJSIP/uc-00000009", "Down", "2030-01-15T12:00:02.000+0000"),
            ChannelInfo("x", "PJSIP/other-00000001", "Down", "2030-01-15T11:00:00.000+0000"),
            ChannelInfo("c", "PJSIP/uc-00000010", "Down", "2030-01-15T12:00:03.000+0000"),
            ChannelInfo("a", "PJSIP/uc-00000008", "Down", "2030-01-15T12:00:01.000+0000"),
        ]


async def test_whoever_has_waited_longest_comes_first() -> None:
    board = AsteriskSwitchboard(cast(AriClient, FakeAri()), cast(AmiLink, None))
    assert [leg.channel for leg in await board.platform_legs("uc")] == ["a", "b", "c"]
