"""Every SIP message that leaves towards the caller's side, the carrier and the platform, read for a private number; and
every one towards a telephone, read for a number that its caller withheld."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.call_result import CallResult
from tests.lab.waiting import wait_until
from tests.scenarios.fickle import TELLING, AnswerThenReinvite, in_place_of
from tests.scenarios.site import MOBILE, QUICK, CallSite
from tests.scenarios.site_files import TRUNK_NUMBER

CALLER = "+441619960444"
WITHHELD = [("Privacy", "id"), ("P-Asserted-Identity", f"<sip:{CALLER}@carrier.example>")]
SENT = re.compile(
    r"<--- Transmitting SIP \w+ \(\d+ bytes\) to UDP:127\.0\.0\.1:(\d+) --->\n(.*?)(?=\n\[20|\Z)", re.DOTALL
)
PERSON = f"p:{MOBILE}:3,a:unavailable:0"
ASKED = f"p:{MOBILE}:3::1,a:unavailable:0"
TALKATIVE = replace(QUICK, response_headers=TELLING, press="1", press_after_ms=0)
BEHAVIOURS = {
    "answers by ringing": TALKATIVE,
    "answers with early media": replace(TALKATIVE, ring_status=183),
    "is forwarded": replace(TALKATIVE, ring_status=181),
    "declines by key": replace(TALKATIVE, press="2"),
    "hangs up when asked": replace(TALKATIVE, press="", hang_up_after_ms=100),
    "rings for ever": replace(TALKATIVE, manner=Manner.RING_FOR_EVER),
    **{
        f"refuses with {status}": replace(
            TALKATIVE,
            manner=Manner.REFUSE,
            status=status,
            response_headers=(*TELLING, ("Contact", f"<sip:{MOBILE}@elsewhere.example>")),
        )
        for status in (302, 403, 404, 486, 503, 603)
    },
    "lets only our DIDs through": replace(TALKATIVE, takes_from=("+441134969999", TRUNK_NUMBER), status=403),
}


@dataclass(slots=True)
class Wire:
    """What Asterisk has sent since the test began, by the port it went to."""

    site: CallSite
    begun: int

    def sent_to(self, *ports: int) -> list[str]:
        with self.site.asterisk.log_path.open() as log:
            log.seek(self.begun)
            messages = SENT.findall(log.read())
        return [text for port, text in messages if int(port) in ports]

    def to_callers_side(self) -> list[str]:
        return self.sent_to(self.site.carrier.port, self.site.platform.port)

    def to_telephones(self) -> list[str]:
        return self.sent_to(self.site.network_a.port, self.site.network_b.port)


@pytest_asyncio.fixture
async def wire(site: CallSite) -> AsyncIterator[Wire]:
    await site.asterisk.cli("pjsip set logger on")
    yield Wire(site, site.asterisk.log_path.stat().st_size)
    await site.asterisk.cli("pjsip set logger off")


def assert_in_none(messages: Sequence[str], number: str, *words: str) -> None:
    """No form of it: the last nine digits are in each."""
    for secret in (number[-9:], *words):
        assert [text for text in messages if secret in text] == [], secret


def assert_callers_side_knows_nothing(wire: Wire, call: CallResult) -> None:
    told = wire.to_callers_side()
    assert len(told) >= len({(response.status) for response in call.responses})
    assert_in_none(told, MOBILE, "Mob Name")
    assert not call.mentions(MOBILE[-9:])


@pytest.mark.parametrize(
    ("plan", "behaviour"),
    [*((ASKED, name) for name in BEHAVIOURS), *((PERSON, name) for name in BEHAVIOURS if name.startswith("answers "))],
)
async def test_callers_side_never_sees_a_private_number(wire: Wire, plan: str, behaviour: str) -> None:
    site = wire.site
    did = site.did()
    await site.record(did, plan=plan, undeliverable_plan=PERSON)
    for network in (site.network_a, site.network_b):
        await network.behave(BEHAVIOURS[behaviour])
    # On its platform first, which fails; what the platform is told of the call's end is read, too.
    await site.platform.behave(Behaviour(manner=Manner.REFUSE, status=503, ring_delay_ms=0))
    call = await site.carrier.call(did, from_=CALLER, hold_seconds=0.3, give_up_seconds=2)
    assert call.responses
    assert any(MOBILE[-9:] in text for text in wire.to_telephones())
    assert_callers_side_knows_nothing(wire, call)


class AnswerThenUpdate(AnswerThenReinvite):
    """The same news without a new offer."""

    def _request(self, method: str) -> bytes:
        return super()._request("UPDATE" if method == "INVITE" else method)


@pytest.mark.parametrize("kind", [AnswerThenReinvite, AnswerThenUpdate])
async def test_callers_side_sees_nothing_of_news_in_mid_call(wire: Wire, kind: type[AnswerThenReinvite]) -> None:
    site, talkative = wire.site, kind(TELLING[:2])
    did = site.did()
    await site.record(did, plan=PERSON, forced="divert")
    async with in_place_of(site.network_a, talkative):
        over = asyncio.Event()
        calling = asyncio.create_task(site.carrier.call(did, from_=CALLER, hold_seconds=20, hold_until=over))
        await wait_until(lambda: 200 in talkative.reinvite_statuses, what="the news", deadline_seconds=15)
        over.set()
        call = await calling
    assert call.answered
    assert talkative.reinvite_statuses[-1] == 200
    assert_callers_side_knows_nothing(wire, call)


@pytest.mark.parametrize("strategy", ["all", "order", "rotation"])
async def test_callers_side_sees_nothing_of_a_team(wire: Wire, strategy: str) -> None:
    site = wire.site
    did = site.did()
    await site.put("ringfence/team/7", "0a1b2c3d", f"1|{strategy}|3|0|0|1|000000a1,000000a2")
    for slot, number in (("000000a1", MOBILE), ("000000a2", "+447700900124")):
        await site.put("ringfence/team/7", f"0a1b2c3d.{slot}", f"1|p:{number}:3::1")
    await site.record(did, plan="t:7/0a1b2c3d:4,a:unavailable:0", forced="divert")
    await site.network_a.behave(replace(TALKATIVE, press="2"), number=MOBILE)
    await site.network_a.behave(replace(TALKATIVE, press_after_ms=600), number="+447700900124")
    call = await site.carrier.call(did, from_=CALLER, hold_seconds=0.3)
    assert call.answered
    assert_callers_side_knows_nothing(wire, call)
    assert_in_none(wire.to_callers_side(), "+447700900124")


@pytest.mark.parametrize("takes", [(), (TRUNK_NUMBER,)], ids=["first rung", "last rung"])
@pytest.mark.parametrize("plan", [PERSON, ASKED], ids=["not asked", "asked"])
async def test_telephone_never_sees_a_withheld_number(wire: Wire, plan: str, takes: tuple[str, ...]) -> None:
    site = wire.site
    did = site.did()
    await site.record(did, plan=plan, forced="divert")
    await site.network_a.behave(replace(QUICK, press="1", press_after_ms=0, takes_from=takes, status=403))
    call = await site.carrier.call(did, from_=CALLER, headers=WITHHELD, hold_seconds=0.3)
    assert call.answered
    await wait_until(
        lambda: any(text.startswith("BYE") for text in wire.to_telephones()), what="a BYE", deadline_seconds=20
    )
    assert_in_none(wire.to_telephones(), CALLER)


async def test_platform_never_sees_a_withheld_number(wire: Wire) -> None:
    site = wire.site
    did = site.did()
    await site.record(did)
    call = await site.carrier.call(did, from_=CALLER, headers=WITHHELD)
    assert call.answered
    assert_in_none(wire.sent_to(site.platform.port), CALLER)
