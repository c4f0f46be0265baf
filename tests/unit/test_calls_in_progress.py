"""What is asked of Asterisk for a rescue, and what its answers mean."""

from __future__ import annotations

from typing import cast

import pytest

from ringfence.app.ports import AsteriskRefused, Leg
from ringfence.app.rescue import Caller
from ringfence.asterisk.ami import Reply
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.ari import AriClient
from ringfence.asterisk.calls_in_progress import AsteriskCallsInProgress
from ringfence.asterisk.switchboard import AsteriskSwitchboard

LEG = Leg("1.2", "uc", answered=True, ringing=True)
CALLER = "PJSIP/carrier-00000001"


class FakeAri:
    def __init__(self, **variables: str) -> None:
        self._variables = variables

    async def variable(self, channel: str, name: str) -> str | None:
        return self._variables.get(name.partition("(")[2].rstrip(")").replace(",", "_") or name)


class FakeAmi:
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.asked: list[dict[str, str]] = []

    async def ask(self, action: str, fields: dict[str, str]) -> Reply:
        self.asked.append({"Action": action, **fields})
        return self._reply


def calls(ari: FakeAri | None = None, ami: FakeAmi | None = None) -> AsteriskCallsInProgress:
    return AsteriskCallsInProgress(
        cast(AsteriskSwitchboard, None), cast(AriClient, ari or FakeAri()), cast(AmiLink, ami)
    )


@pytest.mark.parametrize(("told", "packets"), [("812", 812), ("", None), ("-1", None), ("none", None)])
async def test_packets_are_a_number_or_nothing_is_known(told: str, packets: int | None) -> None:
    assert await calls(FakeAri(rtcp_rxcount=told)).packets(LEG) == packets


async def test_hold_is_read_from_the_leg() -> None:
    assert await calls(FakeAri(rtp_hold="1")).held(LEG)
    assert not await calls(FakeAri(rtp_hold="0")).held(LEG)
    assert not await calls().held(LEG)


async def test_only_a_caller_of_ours_is_one() -> None:
    ours = FakeAri(BRIDGEPEER=CALLER, RF_SCOPE="uc", RF_DID="+441134960012")
    assert await calls(ours).caller(LEG, "uc") == Caller(CALLER, "+441134960012")
    assert await calls(ours).caller(LEG, "other") is None
    assert await calls(FakeAri(BRIDGEPEER=CALLER)).caller(LEG, "uc") is None, "the site's own dialplan"
    assert await calls().caller(LEG, "uc") is None
    unclean = FakeAri(BRIDGEPEER=CALLER, RF_SCOPE="uc", RF_DID="1001")
    assert await calls(unclean).caller(LEG, "uc") == Caller(CALLER, "")


@pytest.mark.parametrize(
    ("reply", "moved"),
    [
        (Reply(True, "Redirect successful"), True),
        (Reply(False, f"Channel does not exist: {CALLER}"), False),
        (Reply(False, "Redirect failed, channel not up."), False),
    ],
)
async def test_a_caller_is_moved_or_has_gone(reply: Reply, moved: bool) -> None:
    ami = FakeAmi(reply)
    assert await calls(ami=ami).rescue(Caller(CALLER)) == moved
    assert ami.asked == [
        {"Action": "Redirect", "Channel": CALLER, "Context": "ringfence-rescue", "Exten": "s", "Priority": "1"}
    ]


async def test_any_other_refusal_is_an_error() -> None:
    with pytest.raises(AsteriskRefused):
        await calls(ami=FakeAmi(Reply(False, "Permission denied"))).rescue(Caller(CALLER))
