"""Hours in which a number may ring, asked by the dialplan at the moment of the call."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringfence.domain.ring_hours import EVERY_DAY, RingHours
from ringfence.domain.step_text import encode_hours
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, CallSite

# Asks the shipped context of every RF_HOURS laid down under lab/hours, and lays its answers beside them.
ASKED = """
[lab-hours]
exten => s,1,Set(I=0)
 same => n(next),Set(I=$[${I} + 1])
 same => n,Set(RF_HOURS=${DB(lab/hours/${I})})
 same => n,GotoIf(${LEN(${RF_HOURS})}?:done)
 same => n,Gosub(ringfence-hours,s,1)
 same => n,Set(DB(lab/answers/${I})=${GOSUB_RETVAL})
 same => n,Goto(next)
 same => n(done),Set(DB(lab/answers/done)=yes)
 same => n,Hangup()
"""
ZONES = ("Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "Etc/GMT+11", "UTC")


def around(zone: str, *, begins_in_hours: int, ends_in_hours: int) -> RingHours:
    local = datetime.now(ZoneInfo(zone)).replace(second=0)
    begins, ends = (local + timedelta(hours=hours) for hours in (begins_in_hours, ends_in_hours))
    return RingHours(begins.hour * 60 + begins.minute, ends.hour * 60 + ends.minute or 24 * 60, zone)


def plan(hours: str) -> str:
    return f"p:{MOBILE}:5:{hours},s:{FALLBACK}:5,a:unavailable:0"


@pytest.mark.parametrize("zone", ["Europe/London", "Pacific/Auckland"])
async def test_number_rings_within_its_hours_and_not_outside(site: CallSite, zone: str) -> None:
    await site.mode("divert")
    within, outside = site.did(), site.did()
    await site.record(within, plan=plan(encode_hours(around(zone, begins_in_hours=-2, ends_in_hours=2))))
    await site.record(outside, plan=plan(encode_hours(around(zone, begins_in_hours=2, ends_in_hours=4))))
    assert (await site.carrier.call(within, from_=within)).answered
    assert site.rang(site.network_a, caller=within) == [MOBILE]
    assert (await site.carrier.call(outside, from_=outside)).answered
    assert site.rang(site.network_a, caller=outside) == [FALLBACK]
    assert (await site.event("RingfenceCall", outside))["step"] == "2"


@pytest.mark.parametrize("hours", ["x", "0800~2000", "0800~2000~~UTC", "0800~2000~8~UTC", "0800~2000~1~", "0~0~1~UTC"])
async def test_hours_that_cannot_be_read_are_closed(site: CallSite, hours: str) -> None:
    await site.mode("divert")
    did = site.did()
    await site.record(did, plan=plan(hours))
    assert (await site.carrier.call(did, from_=did)).answered
    assert site.rang(site.network_a, caller=did) == [FALLBACK]


async def test_dialplan_and_domain_agree_on_all_hours(site: CallSite) -> None:
    """Half of the hours begin or end at this very minute or beside it, where mistakes live."""
    chance = random.Random(20261122)
    asked = [_any_hours(chance) for _ in range(400)]
    for number, hours in enumerate(asked, start=1):
        await site.put("lab/hours", str(number), encode_hours(hours))
    with (site.asterisk.etc / "extensions.conf").open("a") as extensions:
        extensions.write(ASKED)
    await site.asterisk.cli("dialplan reload")
    before = datetime.now(UTC)
    await site.ami.act("Originate", Channel="Local/s@lab-hours", Application="Wait", Data="1", Async="true")

    async def done() -> bool:
        return await site.asterisk.db_get("lab/answers", "done") == "yes"

    await wait_until(done, what="the dialplan's answers", deadline_seconds=10, diagnose=site.asterisk.log_tail)
    after = datetime.now(UTC)
    answers = {key.rpartition("/")[2]: value for key, value in (await site.asterisk.db_show("lab/answers")).items()}
    compared = {True: 0, False: 0}
    for number, hours in enumerate(asked, start=1):
        expected = hours.open_at(before)
        if expected is hours.open_at(after):  # else the minute turned while we asked
            assert answers[str(number)] == ("open" if expected else "closed"), (hours, before)
            compared[expected] += 1
    assert compared[True] > 50 and compared[False] > 50


def _any_hours(chance: random.Random) -> RingHours:
    zone = chance.choice(ZONES)
    now = datetime.now(ZoneInfo(zone))
    minute = now.hour * 60 + now.minute

    def moment() -> int:
        near = (minute + chance.choice((-1, 0, 1))) % 1440
        return near if chance.random() < 0.5 else chance.randrange(1440)

    begins, ends = moment(), moment()
    days = EVERY_DAY if chance.random() < 0.5 else frozenset(chance.sample(range(1, 8), chance.randint(1, 6)))
    return RingHours(begins, 1440 if ends in (0, begins) else ends, zone, days)
