"""A hundred diverted calls at once whose phones are asked for a key, and what their callers hear meanwhile:

    python -m tests.lab.press_one_load [--calls 100] [--within 4]

Prints figures; it asserts nothing, because they are the machine's as much as ours. Every caller has had early media
from a platform that then failed, so that there is sound from then on to the end: ringing in band while the phone is
asked, and the other side's voice after that. Who hears a gap is this process; its own lateness is printed beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from tests.lab.call_result import CallResult
from tests.lab.ports import Ports
from tests.lab.provision import provision
from tests.scenarios.fickle import RingThenRefuse, in_place_of
from tests.scenarios.site import FALLBACK, QUICK, CallSite, open_site

MOST_CALLS: Final = 150
PROMISED_GAP_MS: Final = 100
# Of a hundred people: most press 1 while they are being told to, some decline, some have a voicemail.
ACCEPTING_SHARE: Final = 0.8
DECLINING_SHARE: Final = 0.1


async def _lateness(worst: list[float]) -> None:
    """How late our own loop is: what it adds to a gap."""
    while True:
        asleep_at = time.monotonic()
        await asyncio.sleep(0.01)
        worst.append(time.monotonic() - asleep_at - 0.01)


async def _prepare(site: CallSite, count: int) -> list[str]:
    """DIDs with a person each, whose phone behaves as chance has it."""
    await site.carrier.call(site.did())  # the first call sets the site's values
    await site.asterisk.cli("dialplan set global RF_RING_BUDGET 60")
    await site.asterisk.cli("dialplan set global RF_EGRESS_MAX_SECONDS 60")
    await site.asterisk.cli("core set verbose 0")
    await site.network_a.behave(replace(QUICK, talks=True))
    random = Random(1)
    dids = [site.did() for _ in range(count)]
    for index, did in enumerate(dids):
        mobile = f"+44770090{index:04d}"
        await site.record(did, plan=f"p:{mobile}:10::1,s:{FALLBACK}:10,a:unavailable:0")
        lot, after_ms = random.random(), random.randint(500, 5000)
        keys = "1" if lot < ACCEPTING_SHARE else "2" if lot < ACCEPTING_SHARE + DECLINING_SHARE else ""
        phone = replace(QUICK, press=keys, press_after_ms=after_ms, talks=True)
        await site.network_a.behave(phone, number=mobile)
    return dids


async def _call_later(site: CallSite, did: str, after_seconds: float) -> CallResult:
    await asyncio.sleep(after_seconds)
    return await site.carrier.call(did, from_=did, hold_seconds=4)


def _most(calls: list[CallResult]) -> int:
    """How many were there at the same time."""
    return max(sum(one.invited_at <= call.invited_at < one.ended_at for one in calls) for call in calls)


@dataclass(frozen=True, slots=True)
class Load:
    """What came of all calls; `late` is how late our own loop was, now and then."""

    calls: list[CallResult]
    answered_by: Counter[str]
    late: list[float]
    seconds: float

    @property
    def gaps_ms(self) -> list[float]:
        """The longest gap of each caller who had sound, the longest of all last."""
        return sorted(call.longest_rtp_gap_seconds * 1000 for call in self.calls if call.rtp_packet_count > 1)

    @property
    def waits(self) -> list[float]:
        """How long those who were answered had waited, in seconds."""
        return [call.answered_after_seconds for call in self.calls if call.answered_after_seconds is not None]

    @property
    def at_once(self) -> int:
        """The most of them at the same time."""
        return _most(self.calls)


def _report(load: Load) -> None:
    calls, answered_by, late, seconds = load.calls, load.answered_by, load.late, load.seconds
    gaps, waits = load.gaps_ms, load.waits
    say = sys.stdout.write
    say(f"{len(calls)} calls, most at once {_most(calls)}, {seconds:.0f} s in all; ")
    say(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    say(f"answered {len(waits)}, lost {len(calls) - len(waits)}; by {dict(answered_by)}\n")
    say(f"answered after {min(waits, default=0):.1f} to {max(waits, default=0):.1f} s\n")
    say(f"callers who had sound {len(gaps)}, packets {sum(call.rtp_packet_count for call in calls)}\n")
    if gaps:
        over = sum(gap > PROMISED_GAP_MS for gap in gaps)
        say(f"longest gap {gaps[-1]:.0f} ms, median of each call's longest {statistics.median(gaps):.0f} ms; ")
        say(f"{over} calls with one over {PROMISED_GAP_MS} ms\n")
    say(f"our own loop was late by up to {max(late) * 1000:.0f} ms\n")


async def measured(count: int, within_seconds: float) -> Load:
    """All calls, on a site of their own."""
    ports = Ports()
    site, close = await open_site(await provision(), ports)
    try:
        dids = await _prepare(site, count)
        late: list[float] = []
        watch = asyncio.create_task(_lateness(late), name="lateness")
        began_at = time.monotonic()
        async with in_place_of(site.platform, RingThenRefuse(dict.fromkeys(dids, 503), provisional=183)):
            pause = within_seconds / count
            calls = await asyncio.gather(*(_call_later(site, did, n * pause) for n, did in enumerate(dids)))
        watch.cancel()
        ends = [await site.event("RingfenceCall", did) for did in dids]
        answered_by = Counter(end["answered_by"] for end in ends)
        return Load(calls, answered_by, late, time.monotonic() - began_at)
    finally:
        await close()
        ports.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100, choices=range(1, MOST_CALLS + 1), metavar="N")
    parser.add_argument("--within", type=float, default=4.0, help="seconds in which they come, 0 to 10")
    arguments = parser.parse_args()
    _report(asyncio.run(measured(arguments.calls, min(max(arguments.within, 0.0), 10.0))))


if __name__ == "__main__":
    main()
