"""The clock that Asterisk and the daemon go by jumps an hour, forwards and back, under calls.

What is moved, and for whom, is told in `tests.lab.step_clock`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from tests.lab.faults.measuring import Act, Fault, Kind, Load
from tests.lab.faults.node_faults import in_dr
from tests.lab.faults.stage import SMALL, Stage, now, opened
from tests.lab.installation import Installation
from tests.lab.people import SITES
from tests.lab.records import AnsweredBy
from tests.lab.step_clock import StepClock
from tests.lab.waiting import WaitTimeoutError, wait_until

HOUR = 3600
SEEN_SECONDS = 4.0
"""Until everybody has read the new time, and whatever would fall over has fallen."""
BELIEVED_SECONDS = 10.0
"""Until Asterisk's word on its contacts, which it goes by its clock to look at, has lost its weight."""
ENDED_MS = 5000
LOAD = Load(count=330, per_second=15.0)
ZONE = "Europe/London"
DESK, MEMBER = SMALL.did(SMALL.people), 1
"""A team's line, which nobody else owns, and the one member who is rung there."""
CLOSED_NUMBER = "+441314960009"


def clock_faults() -> list[Fault]:
    """In the order of the table, all on one stage."""
    moved = "what gettimeofday and CLOCK_REALTIME say to Asterisk and the daemon jumps"
    return [
        Fault(
            "clock an hour forward",
            f"{moved}, across the end of an override; then the platform is killed",
            Kind.SILENT,
            _jump(HOUR),
            _with_an_override,
            _set_right,
            _nobody_moved_before,
            verdict_seconds=2,
            load=LOAD,
        ),
        Fault(
            "clock an hour back",
            f"{moved}, an override has half an hour to go; {BELIEVED_SECONDS:g} s later the platform is killed",
            Kind.SILENT,
            _jump(-HOUR),
            _with_an_override,
            _set_right,
            _nobody_moved_before,
            verdict_seconds=2,
            load=LOAD,
        ),
        Fault(
            "clock forward and back in DR",
            "an hour each, the scope in DR, across the end of a team's opening hours",
            Kind.DIVERTED,
            _out_of_hours_and_back,
            in_dr,
            _set_right,
            load=LOAD,
        ),
    ]


@asynccontextmanager
async def clock_stage(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, clock=StepClock()) as stage:
        await _import_desk(stage)
        yield stage


async def _import_desk(stage: Stage) -> None:
    """A line whose hours end in half an hour, whenever that is."""
    local = datetime.now(UTC).astimezone(ZoneInfo(ZONE))
    begins, ends = local - timedelta(hours=3), local + timedelta(minutes=30)
    opening = f"mon-sun {begins:%H:%M}-{ends:%H:%M}"
    sites = ["name,fallback_number,announcement,time_zone,opening,out_of_hours_number"]
    sites += [f"{site},{SMALL.fallback(site)},unavailable,{ZONE},{opening},{CLOSED_NUMBER}" for site in SITES]
    dids = [
        line + ("," if number else ",team") if not line.startswith(DESK) else f"{line},Desk"
        for number, line in enumerate(SMALL.dids_csv().splitlines())
    ]
    texts = {
        "sites": "\n".join(sites) + "\n",
        "dids": "\n".join(dids) + "\n",
        "teams": f"name,site,strategy,members\nDesk,{SITES[0]},order,p{MEMBER}\n",
    }
    files = {name: {"name": f"{name}.csv", "text": text} for name, text in texts.items()}
    await stage.node.must("POST", "/v1/import", {**files, "dry_run": False, "accept_cautions": True})
    await stage.node.wait_table(SMALL.dids)


def _jump(seconds: int) -> Act:
    async def act(stage: Stage) -> None:
        assert stage.clock is not None
        jumped_at = now()
        stage.clock.step(seconds)
        if seconds > 0:
            await _override_ends(stage, jumped_at)
        lasts = SEEN_SECONDS if seconds > 0 else BELIEVED_SECONDS
        await asyncio.sleep(max(0.0, lasts - (now() - jumped_at)))
        if seconds < 0:
            stage.must("overrides ended too early", int(not await _overridden(stage)), 0)
        await stage.strike()

    return act


async def _override_ends(stage: Stage, jumped_at: float) -> None:
    async def over() -> bool:
        return not await _overridden(stage)

    ended: float | None = None
    try:
        await wait_until(over, what="the override to end", deadline_seconds=ENDED_MS / 1000)
        ended = round((now() - jumped_at) * 1000)
    except WaitTimeoutError:
        pass  # the bound says it
    stage.must("override ended after", ended, ENDED_MS, "ms")


async def _with_an_override(stage: Stage) -> None:
    order = {"mode": "normal", "did": _overridden_did(stage), "reason": "for half an hour", "for": "30m"}
    await stage.node.must("PUT", "/v1/override", order)


def _overridden_did(stage: Stage) -> str:
    """One that the carrier does not call: what is measured is when the word ends."""
    return stage.organisation.owned_dids()[-1]


async def _overridden(stage: Stage) -> bool:
    words = (await stage.node.must("GET", "/v1/status"))["overrides"]
    return any(word["did"] == _overridden_did(stage) for word in words)


async def _nobody_moved_before(stage: Stage) -> None:
    """Of those who had been answered before the platform died. For a caller who is being dialled while the clock jumps
    Asterisk's own `Dial` counts the hour: such calls go on to their plan, and are told of."""
    assert stage.struck_at is not None and stage.clock is not None
    until = stage.clock.stepped_at + SEEN_SECONDS / 2
    before = [a for a in stage.accounts(stage.began_at) if (a.offered.answered_at or now()) < stage.struck_at]
    moved = [a for a in before if a.answered_by is not AnsweredBy.PLATFORM]
    late = sum(a.offered.invited_at > until for a in moved)
    stage.notes.append(f"{len(moved) - late} callers who were being dialled at that moment went to their plan")
    stage.must("diverted before it", late, 0)


async def _set_right(stage: Stage) -> None:
    assert stage.clock is not None
    stage.clock.step(0)
    await asyncio.sleep(SEEN_SECONDS)
    # What Asterisk has planned by the clock of before it would do in an hour.
    await stage.lab.asterisk.kill()
    await stage.lab.asterisk.start()
    await stage.node.wait_ready()
    await stage.node.must("DELETE", f"/v1/override?did={quote(_overridden_did(stage))}&reason=over")


async def _out_of_hours_and_back(stage: Stage) -> None:
    assert stage.clock is not None
    rung = [await _desk_rings(stage)]
    for seconds in (HOUR, 0):
        stage.clock.step(seconds)
        await asyncio.sleep(SEEN_SECONDS / 2)
        rung.append(await _desk_rings(stage))
    wanted = [SMALL.mobile(MEMBER), CLOSED_NUMBER, SMALL.mobile(MEMBER)]
    stage.must("wrong about the hours", sum(seen != want for seen, want in zip(rung, wanted, strict=True)), 0)


async def _desk_rings(stage: Stage) -> str:
    """The number that is rung first when the team's line is called now."""
    called_at, caller = now(), f"+44163296{round(now() * 1000) % 10_000:04}"
    await stage.lab.caller.call(DESK, from_=caller, hold_seconds=0.1)
    networks = (stage.lab.mobile_network, stage.lab.other_mobile_network)
    legs = [leg for network in networks for leg in network.calls() if leg.at >= called_at and leg.caller == caller]
    return min(legs, key=lambda leg: leg.at).number if legs else ""
