"""Opening hours of a site, asked by the dialplan at the moment of the call."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ringfence.domain.ring_hours import RingHours
from ringfence.domain.step_text import decode_steps
from ringfence.domain.team_records import OpeningRecord, encode_opening, site_path
from tests.lab.waiting import wait_until
from tests.scenarios.site import FALLBACK, MOBILE, CallSite
from tests.scenarios.teams import open_hours
from tests.scenarios.test_hours import ZONES, around

CHANGES = (
    ("Europe/London", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Europe/London", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),
    ("Pacific/Auckland", datetime(2026, 9, 26, 14, tzinfo=UTC)),
    ("Pacific/Auckland", datetime(2027, 4, 3, 14, tzinfo=UTC)),
)

DUTY = "+441135960888"
CLOSED_PLAN = f"s:{DUTY}:5,a:unavailable:0"

# Asks the shipped context of every site laid down by number, and lays its answers beside them.
ASKED = """
[lab-opening]
exten => s,1,Set(I=10000000)
 same => n(next),Set(I=$[${I} + 1])
 same => n,GotoIf(${DB_EXISTS(ringfence/site/${I})}?:done)
 same => n,Set(RF_TARGET=${I})
 same => n,Set(RF_AT=${DB(lab/at/${I})})
 same => n,Set(RF_CLOSED=)
 same => n,Gosub(ringfence-opening,s,1)
 same => n,Set(DB(lab/opening/${I})=${GOSUB_RETVAL})
 same => n,Goto(next)
 same => n(done),Set(DB(lab/opening/done)=yes)
 same => n,Hangup()
"""


def today(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


async def divert(site: CallSite, opening: str) -> dict[str, str]:
    """The event of a call to a DID whose plan asks this site's hours before all else."""
    did = site.did()
    await site.record(did, plan=f"{opening},p:{MOBILE}:5,s:{FALLBACK}:5,a:unavailable:0", forced="divert")
    assert (await site.carrier.call(did, from_=did)).answered
    event = await site.event("RingfenceCall", did)
    event["rung"] = ",".join(site.rang(site.network_a, caller=did))
    return event


@pytest.mark.parametrize("zone", ["Europe/London", "Pacific/Auckland"])
async def test_open_site_is_rung_as_ever(site: CallSite, zone: str) -> None:
    spans = [around(zone, begins_in_hours=2, ends_in_hours=3), around(zone, begins_in_hours=-2, ends_in_hours=2)]
    event = await divert(site, await open_hours(site, spans, CLOSED_PLAN))
    assert (event["rung"], event["step"], event["reason"]) == (MOBILE, "2", "forced-divert")


@pytest.mark.parametrize("zone", ["Europe/London", "Pacific/Auckland"])
async def test_closed_site_has_a_plan_of_its_own_counted_anew(site: CallSite, zone: str) -> None:
    spans = [around(zone, begins_in_hours=2, ends_in_hours=3), around(zone, begins_in_hours=-3, ends_in_hours=-2)]
    event = await divert(site, await open_hours(site, spans, CLOSED_PLAN))
    assert (event["rung"], event["step"], event["reason"]) == (DUTY, "1", "out-of-hours")
    assert event["answered_by"] == "site"


async def test_holiday_is_the_zones_day(site: CallSite) -> None:
    """Auckland's day and Honolulu's are the same for one hour at most, so one of them is not UTC's."""
    for zone in ("Pacific/Auckland", "Pacific/Honolulu", "Europe/London"):
        spans = [around(zone, begins_in_hours=-2, ends_in_hours=2)]
        here = today(zone)
        on_holiday = await divert(site, await open_hours(site, spans, CLOSED_PLAN, [date(2020, 1, 1), here], name="a"))
        assert (on_holiday["rung"], on_holiday["reason"]) == (DUTY, "holiday"), zone
        others = [here - timedelta(days=1), here + timedelta(days=1)]
        assert (await divert(site, await open_hours(site, spans, CLOSED_PLAN, others, name="b")))["rung"] == MOBILE


@pytest.mark.parametrize(
    "value", ["", "2|0000~0001~1~UTC||a:x:0", "1|||a:x:0", "1|0000~0001~1~UTC|x|a:x:0", "1|0000~0001~1~UTC||"]
)
async def test_site_that_cannot_be_read_is_open(site: CallSite, value: str) -> None:
    step = await open_hours(site, [around("UTC", begins_in_hours=2, ends_in_hours=3)], CLOSED_PLAN)
    await site.put("ringfence/site", step.split(":")[1], value)
    assert (await divert(site, step))["rung"] == MOBILE
    await site.ami.act("DBDel", Family="ringfence/site", Key=step.split(":")[1])
    assert (await divert(site, step))["rung"] == MOBILE


async def test_plan_for_closed_hours_leads_to_no_other(site: CallSite) -> None:
    """Two sites that each name the other end in their own steps, not in a circle."""
    closed = [around("UTC", begins_in_hours=2, ends_in_hours=3)]
    here, there = (f"o:{site_path(name).rpartition('/')[2]}:0" for name in ("here", "there"))
    await open_hours(site, closed, f"{there},s:{DUTY}:5,a:unavailable:0", name="here")
    await open_hours(site, closed, f"{here},s:{FALLBACK}:5,a:unavailable:0", name="there")
    event = await divert(site, here)
    assert (event["rung"], event["step"]) == (DUTY, "2")


async def test_dialplan_and_domain_agree_on_all_sites_and_days(site: CallSite) -> None:
    """Spans begin or end about the moment that is asked for and holidays lie about its day, in zones whose days and
    clocks differ; half of the moments are within two hours of a change to or from summer time."""
    chance = random.Random(20261122)
    asked = [_any_question(chance) for _ in range(200)]
    for number, (at, record) in enumerate(asked, start=10_000_001):
        await site.put("lab/at", str(number), f"{at.timestamp():.0f}")
        await site.put("ringfence/site", str(number), encode_opening(record))
    with (site.asterisk.etc / "extensions.conf").open("a") as extensions:
        extensions.write(ASKED)
    await site.asterisk.cli("dialplan reload")
    await site.ami.act("Originate", Channel="Local/s@lab-opening", Application="Wait", Data="1", Async="true")

    async def done() -> bool:
        return await site.asterisk.db_get("lab/opening", "done") == "yes"

    await wait_until(done, what="the dialplan's answers", deadline_seconds=10, diagnose=site.asterisk.log_tail)
    answers = {key.rpartition("/")[2]: value for key, value in (await site.asterisk.db_show("lab/opening")).items()}
    seen = dict.fromkeys(("open", "holiday", "out-of-hours"), 0)
    for number, (at, record) in enumerate(asked, start=10_000_001):
        expected = _expected(record, at)
        assert answers[str(number)] == expected, (record, at)
        seen[expected] += 1
    assert min(seen.values()) > 20, seen


def _expected(record: OpeningRecord, at: datetime) -> str:
    if at.astimezone(ZoneInfo(record.spans[0].zone)).date() in record.holidays:
        return "holiday"
    return "open" if any(span.open_at(at) for span in record.spans) else "out-of-hours"


def _any_question(chance: random.Random) -> tuple[datetime, OpeningRecord]:
    zone, change = chance.choice(CHANGES)
    at = change + timedelta(minutes=chance.choice((-120, -61, -60, -59, -1, 0, 1, 59, 60, 61, 120)))
    if chance.random() < 0.5:
        zone, at = chance.choice(ZONES), change + timedelta(minutes=chance.randrange(525_600))
    spans = [_any_span(chance, at, zone), *(_any_span(chance, at, chance.choice(ZONES)) for _ in range(2))]
    first = at.astimezone(ZoneInfo(zone)).date()
    holidays = tuple(first + timedelta(days=chance.choice((-400, -1, 0, 1, 30))) for _ in range(chance.randint(0, 2)))
    return at, OpeningRecord(tuple(spans[: chance.randint(1, 3)]), holidays, decode_steps(CLOSED_PLAN))


def _any_span(chance: random.Random, at: datetime, zone: str) -> RingHours:
    local = at.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    begins, ends = ((minute + chance.choice((-90, -60, -1, 0, 1, 60, 90))) % 1440 for _ in range(2))
    days = frozenset(chance.sample(range(1, 8), chance.randint(1, 7)))
    return RingHours(begins, 1440 if ends in (0, begins) else ends, zone, days)
