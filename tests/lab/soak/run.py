"""Hour after hour: calls, what befalls them, people; then a quiet moment in which everything is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import aiohttp

from tests.lab.faults.stage import now
from tests.lab.installation import Installation
from tests.lab.page_parts import machine
from tests.lab.people import SITES
from tests.lab.records import Account, AnsweredBy
from tests.lab.soak.hours import Hour, hours
from tests.lab.soak.sample import Sample, taken
from tests.lab.soak.site import Site, opened
from tests.lab.soak.staff import IMPORT_EVERY_HOURS, Staff, sign_in
from tests.lab.soak.troubles import TROUBLES
from tests.lab.step_clock import REREAD_SECONDS
from tests.lab.tally import Tally, tally, usual_delay_seconds
from tests.lab.waiting import LabError, wait_until

HOUR_SECONDS = 3600.0
QUIET_SECONDS = 8.0
"""Of each hour's time: the last calls end, everything is looked at, the clock is set."""
TROUBLE_AFTER_SECONDS = 2.5
HOLD_SECONDS = 1.0
PATIENCE_SECONDS = 20.0
"""Longer than any silence that a caller may meet with."""
TEAM_SHARE, JOINED_SHARE, VACANT_SHARE = 0.1, 0.05, 0.02
SETTLED_SECONDS, BY_HAND_AFTER_SECONDS = 40.0, 8.0
FAULTS = (LabError, aiohttp.ClientError, OSError, TimeoutError)
"""Of the lab, or of a daemon that does not answer: this hour's, and the next one is run all the same."""
LEAST_HOUR_SECONDS = 25.0
"""A platform's death, its verdict, its return and the trial take as long as they take."""


@dataclass(frozen=True, slots=True)
class HourResult:
    """What became of one hour's calls, and what was not as it should be afterwards. `silent`: callers who heard
    nothing at all; `out`: who came, or was there, while Asterisk was gone."""

    hour: Hour
    tally: Tally
    silent: int
    out: int
    faults: tuple[str, ...]
    seconds: float


@dataclass
class Results:
    """`began_at` is the machine's own time."""

    hours: int
    compress: float
    dids: int
    seed: int
    machine: str
    done: list[HourResult] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    by_hand: int = 0
    """Failbacks that the helpdesk had to order, for want of calls to try the platform with."""
    told: int = 0
    seconds: float = 0.0
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def faults(self) -> list[str]:
        return [f"hour {one.hour.number + 1}, {one.hour.trouble}: {fault}" for one in self.done for fault in one.faults]

    def total(self, what: str) -> int:
        """Of a column of the tallies."""
        return sum(getattr(one.tally, what) for one in self.done)


class Soak:
    """One run on one site."""

    def __init__(self, site: Site, staff: Staff, results: Results, random: Random) -> None:
        self._site = site
        self._staff = staff
        self._results = results
        self._random = random
        self._pid = site.node.process.pid

    async def hour(self, hour: Hour) -> None:
        """Everything of one, its measurement included; the clock is at the next one's begin afterwards."""
        site, began, began_at = self._site, time.monotonic(), now()
        length = HOUR_SECONDS / self._results.compress
        site.gaps.clear()
        site.notes.clear()
        calling = length - QUIET_SECONDS
        await site.lab.bring_calls(
            self._called(hour),
            call_count=hour.calls,
            calls_per_second=hour.calls / calling,
            hold_seconds=HOLD_SECONDS,
            patience_seconds=PATIENCE_SECONDS,
        )
        work = (self._trouble(hour), self._staff.feed(hour), self._staff.orders(calling * 0.7))
        for failed in await asyncio.gather(*work, self._staff.look(calling / 2), return_exceptions=True):
            if isinstance(failed, FAULTS):
                site.notes.append(f"{type(failed).__name__}: {failed}".splitlines()[0])
            elif failed is not None:
                raise failed
        await site.lab.carrier.wait_finished()
        faults = [*site.notes, *await self._settled()]
        accounts = site.accounts(began_at)
        self._results.done.append(_result(hour, site, accounts, faults, time.monotonic() - began))
        await self._next_hour(length - (time.monotonic() - began))
        self._results.samples.append(await taken(site, hour.number + 1))
        self._results.told = site.told
        await self._set_clock(HOUR_SECONDS - (time.monotonic() - began))

    async def _trouble(self, hour: Hour) -> None:
        await asyncio.sleep(TROUBLE_AFTER_SECONDS)
        await TROUBLES[hour.trouble](self._site)
        if hour.number % IMPORT_EVERY_HOURS == IMPORT_EVERY_HOURS - 1:
            await self._staff.import_all(hour)

    def _called(self, hour: Hour) -> list[str]:
        """A DID for each call, in no order: people's most of all, some team lines, some of those who have just joined,
        and now and then one that is nobody's."""
        town, random = self._site.town, self._random
        joined = [town.did(number) for number in town.joining]
        pools = [town.owned_dids(), town.team_dids(), joined[: len(joined) // 2], joined[len(joined) // 2 :]]
        shares = [1 - TEAM_SHARE - JOINED_SHARE - VACANT_SHARE, TEAM_SHARE, JOINED_SHARE, VACANT_SHARE]
        return [random.choice(pool) for pool in random.choices(pools, shares, k=hour.calls)]

    async def _settled(self) -> list[str]:
        """Waits until everything is as it should be; what is not, in words."""
        began, wrong, by_hand = time.monotonic(), ["never looked"], False
        while wrong and time.monotonic() - began < SETTLED_SECONDS:
            wrong = await self._wrong()
            if time.monotonic() - began > BY_HAND_AFTER_SECONDS and await self._site.node.mode() in (
                "HOLD_DOWN",
                "TRIAL",
            ):
                self._results.by_hand, by_hand = self._results.by_hand + (not by_hand), True
                await self._site.node.ask("POST", "/v1/failback", {"scope": "uc", "reason": "no calls to try with"})
            await asyncio.sleep(0.2 if wrong else 0)
        return wrong

    async def _wrong(self) -> list[str]:
        site = self._site
        status = await site.node.must("GET", "/v1/status")
        mode, word = await site.mode_and_word()
        platform = [one for one in status["targets"] if (one["role"], one["name"]) == ("platform", "uc")]
        found = {
            f"mode {mode}": mode != "NORMAL",
            f"Asterisk is told {word}": word != "normal",
            f"table {status['table']['state']}": status["table"]["state"] != "equal",
            f"{status['table']['rows']} rows": status["table"]["rows"] != site.town.dids,
            "no database": not status["store"]["up"],
            f"{status['unstored_changes']} changes not stored": status["unstored_changes"] != 0,
            "verdict on the platform": any(one["verdict"]["state"] == "down" for one in platform),
            "the daemon is another process": site.node.process.pid != self._pid or not site.node.process.running,
        }
        return [what for what, so in found.items() if so]

    async def _next_hour(self, seconds: float) -> None:
        """Rests what is left of this one, so that a short hour is as long as a long one."""
        await asyncio.sleep(max(0.0, seconds - REREAD_SECONDS))

    async def _set_clock(self, seconds: float) -> None:
        """Forward by this; nothing in an hour that was as long as one is."""
        if round(seconds) <= 0:
            return
        clock = self._site.clock
        clock.step(clock.offset_seconds + round(seconds))
        await asyncio.sleep(REREAD_SECONDS)
        await wait_until(
            self._site.node.is_ready,
            what="the daemon to be ready in the next hour",
            deadline_seconds=SETTLED_SECONDS,
            diagnose=self._site.node.process.log_tail,
        )


def _result(hour: Hour, site: Site, accounts: list[Account], faults: list[str], seconds: float) -> HourResult:
    routed = [account for account in accounts if not any(gap.takes(account) for gap in site.gaps)]
    fallback = frozenset(site.town.fallback(name) for name in SITES)
    told = tally(hour.trouble, routed, fallback, usual_delay_seconds(routed))
    silent = sum(1 for account in routed if _in_silence(account))
    out = len(accounts) - len(routed)
    if hour.calls != len(accounts):
        faults.append(f"{hour.calls - len(accounts)} calls were not brought")
    if told.lost or silent:
        faults.append(f"{told.lost} calls lost, {silent} in silence")
    return HourResult(hour, told, silent, out, tuple(faults), round(seconds, 1))


def _in_silence(account: Account) -> bool:
    """Neither ringing nor an answer nor a refusal of its own: the caller gave up."""
    offered = account.offered
    return (
        account.answered_by is AnsweredBy.NOBODY and offered.ringing_at is None and offered.final_status in (None, 487)
    )


async def run(
    installation: Installation,
    results: Results,
    *,
    trace: bool,
    began: Callable[[Hour], None],
    after: Callable[[], None],
) -> None:
    """So many hours into `results`; what was found so far is in it whatever happens. `began` and `after` are told of
    each. Raises LabError when the lab itself fails."""
    started = time.monotonic()
    async with opened(installation, results.dids, results.compress, trace=trace) as site:
        results.machine = machine(await site.lab.asterisk.version())
        random = Random(results.seed)
        soak_hours = list(hours(results.hours, results.dids, results.seed))
        staff = Staff(site, await sign_in(site), random)
        soak = Soak(site, staff, results, random)
        for hour in soak_hours:
            began(hour)
            await soak.hour(hour)
            results.seconds = round(time.monotonic() - started, 1)
            after()


def check_length(compress: float) -> None:
    """Raises LabError where an hour would be over before what befalls it."""
    if HOUR_SECONDS / compress < LEAST_HOUR_SECONDS:
        most = HOUR_SECONDS / LEAST_HOUR_SECONDS
        raise LabError(f"an hour of {HOUR_SECONDS / compress:.0f} s is too short: --compress {most:g} at most")
