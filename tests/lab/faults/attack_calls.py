"""Rows of an attack that comes as calls: sweeps of numbers, from a trunk and from elsewhere, and broken SIP."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from tests.lab.attack.raw_caller import ELSEWHERE, RawCaller
from tests.lab.attack.sweeper import Swept, statuses, sweep
from tests.lab.attack.torture_parts import Torture, invite
from tests.lab.attack.torture_requests import SOUND, UNSOUND, register
from tests.lab.behaviour import Behaviour, Manner
from tests.lab.faults.attack_stage import DID_CALLS, PRIVATE, divert_count, forget_use, kept_keys
from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.stage import CALLED_DIDS, Stage
from tests.lab.records import ReceivedCall

SWEPT_PER_SECOND, IN_DR_PER_SECOND = 40.0, 20.0
OUTSIDE = range(300, 540)
"""Numbers round ours that are in no record."""
AT_NIGHT = 160
"""Of them, and the vacant ones, rung while nobody else calls."""
HAMMERED = 60
STRANGERS = 300
TORTURED_PER_SECOND = 25.0


def call_faults() -> list[Fault]:
    """In the order of the table, all on one stage."""
    return [
        Fault(
            "wardialling",
            f"a caller behind the trunk rings {AT_NIGHT} numbers round ours and the vacant ones while nobody else "
            f"calls, then {len(OUTSIDE)} and 40 that answer in mid traffic; the platform knows its own numbers and "
            "answers 404 to the others",
            Kind.TRANSPARENT,
            _sweep_in_normal,
            prepare=_sweep_at_night,
            witness=_nothing_moved,
        ),
        Fault(
            "wardialling in DR",
            f"the same in DR: {len(OUTSIDE)} numbers of no record, 40 owned ones, and one of these {HAMMERED} times; "
            f"{DID_CALLS} diverted calls an hour are allowed to a DID, and to all unknown ones together",
            Kind.DIVERTED,
            _sweep_in_dr,
            prepare=_divert,
            load=Load(count=440),
        ),
        Fault(
            "wardialling by a stranger",
            f"{STRANGERS} INVITEs and REGISTERs from an address that is no trunk's",
            Kind.TRANSPARENT,
            _knock,
            prepare=forget_use,
        ),
        Fault(
            "malformed SIP",
            f"{len(SOUND)} kinds of odd and {len(UNSOUND)} of broken messages, after those that RFC 4475 lists, from "
            "the trunk's address, and then from one that is none",
            Kind.TRANSPARENT,
            _torture,
            prepare=forget_use,
        ),
    ]


async def _sweep_at_night(stage: Stage) -> None:
    await forget_use(stage)
    await _know_own_numbers(stage)
    stage.rows_before = dict.fromkeys(await kept_keys(stage), "")
    outside = [stage.organisation.did(number) for number in itertools.islice(OUTSIDE, AT_NIGHT)]
    vacant = stage.organisation.all_dids()[stage.organisation.people :]
    swept = await sweep(stage.lab.caller, [*outside, *vacant], SWEPT_PER_SECOND)
    stage.notes.append(f"alone: {statuses(swept)}")
    _check(stage, swept)


async def _sweep_in_normal(stage: Stage) -> None:
    numbers = [stage.organisation.did(number) for number in OUTSIDE]
    for place, number in enumerate(_unused(stage)[:40]):
        numbers.insert(place * 7, number)
    swept = await sweep(stage.lab.caller, numbers, SWEPT_PER_SECOND)
    stage.notes.append(f"in mid traffic: {statuses(swept)}")
    _check(stage, swept)


async def _nothing_moved(stage: Stage) -> None:
    own = set(stage.organisation.all_dids())
    out = [leg for leg in _outward(stage) if leg.caller.startswith("+44163297")]
    mobiles = [leg for leg in out if PRIVATE in leg.number]
    stage.notes.append(f"{len(out)} calls went out, to the fallback number of a vacant DID's site")
    stage.must("failovers", divert_count(stage), 0)
    stage.must("people's own numbers rung", len(mobiles), 0)
    stage.must("numbers beyond ours let out", max(0, len(out) - len(own) + stage.organisation.people), 0)
    stage.must("rows left in AstDB", len((await kept_keys(stage)) - set(stage.rows_before)), 0)


async def _divert(stage: Stage) -> None:
    await forget_use(stage)
    await stage.order("dr")
    await stage.watch.wait("divert", stage.began_at, deadline_seconds=5)


async def _sweep_in_dr(stage: Stage) -> None:
    own = _unused(stage)[:41]
    numbers = [stage.organisation.did(number) for number in OUTSIDE]
    for place, number in enumerate([*own[1:], *[own[0]] * HAMMERED]):
        numbers.insert(place * 3, number)
    swept = await sweep(stage.lab.caller, numbers, IN_DR_PER_SECOND)
    stage.notes.append(f"the sweep: {statuses(swept)}")
    _check(stage, swept)
    rung = Counter(leg.number for leg in _outward(stage))
    fallback = rung["+441314960000"]
    hammered = rung[stage.organisation.mobile(CALLED_DIDS)]
    stage.notes.append(f"{fallback} went to the trunk's fallback number, {hammered} to the one that was hammered")
    stage.must("unknown numbers beyond the limit", max(0, fallback - DID_CALLS), 0)
    stage.must("of one DID beyond the limit", max(0, hammered - DID_CALLS), 0)
    reached = sum(rung[stage.organisation.mobile(CALLED_DIDS + number)] >= 1 for number in range(1, 41))
    stage.must("owned numbers not put through", 40 - reached, 0)


async def _knock(stage: Stage) -> None:
    invites = Torture("an INVITE", invite)
    dids = itertools.cycle(_unused(stage))
    async with RawCaller(stage.lab.asterisk.ports.sip, ELSEWHERE) as stranger:
        kinds = [Torture("a REGISTER", register) if number % 3 == 0 else invites for number in range(STRANGERS)]
        sent = await stranger.send_all([(kind, next(dids)) for kind in kinds], SWEPT_PER_SECOND)
    told = Counter(one.final or "nothing" for one in sent if one.torture is invites)
    stage.notes.append("INVITEs: " + ", ".join(f"{status} ({count})" for status, count in told.items()))
    stage.must("taken in", sum(1 for one in sent if any(status in (180, 183, 200) for status in one.statuses)), 0)
    stage.must("reached anybody", len(_strays(stage)), 0)
    stage.must("failovers", divert_count(stage), 0)


async def _torture(stage: Stage) -> None:
    port, pid = stage.lab.asterisk.ports.sip, stage.lab.asterisk.process.pid
    kinds = (*SOUND, *UNSOUND)
    own = _unused(stage)[: len(kinds)]
    async with RawCaller(port) as trunk, RawCaller(port, ELSEWHERE) as stranger:
        sent = await trunk.send_all(list(zip(kinds, own, strict=True)), TORTURED_PER_SECOND)
        foreign = await stranger.send_all(list(zip(kinds, own, strict=True)), TORTURED_PER_SECOND)
    sound, unsound = sent[: len(SOUND)], sent[len(SOUND) :]
    refused = [one.torture.name for one in sound if not one.put_through]
    taken = [one.torture.name for one in unsound if one.put_through]
    silent = sum(one.final is None for one in unsound)
    stage.notes.append(
        f"of the broken ones {len(unsound) - silent - len(taken)} were refused, {silent} not answered, and {len(taken)}"
        f" taken for a call to the number they name ({', '.join(taken) or 'none'})"
    )
    if refused:
        stage.notes.append(f"not put through: {', '.join(refused)}")
    stage.must("sound ones not put through", len(refused), 0)
    reached = {leg.number.replace("%2b", "+").replace("%2B", "+") for leg in _strays(stage)}
    stage.must("other numbers rung", len(reached - set(own)), 0)
    stage.must("a stranger's put through", sum(one.put_through for one in foreign), 0)
    stage.must("Asterisk gone", int(stage.lab.asterisk.process.pid != pid), 0)
    stage.must("failovers", divert_count(stage), 0)


def _unused(stage: Stage) -> list[str]:
    """Owned DIDs that the row's own callers do not ring."""
    return stage.organisation.owned_dids()[CALLED_DIDS:]


def _outward(stage: Stage) -> list[ReceivedCall]:
    lab = stage.lab
    return [leg for far in (lab.mobile_network, lab.other_mobile_network) for leg in far.calls() if _of_row(stage, leg)]


def _strays(stage: Stage) -> list[ReceivedCall]:
    """At any far end, whatever the carrier did not bring."""
    brought = {record.caller for record in stage.lab.carrier.records()}
    legs = [*_outward(stage), *(leg for leg in stage.lab.platform.calls() if _of_row(stage, leg))]
    return [leg for leg in legs if leg.caller not in brought]


def _of_row(stage: Stage, leg: ReceivedCall) -> bool:
    return leg.at >= stage.began_at


def _check(stage: Stage, swept: Sequence[Swept]) -> None:
    stage.must("private numbers shown", sum(one.shows(PRIVATE) for one in swept), 0)
    stage.must("left in silence", sum(not one.result.statuses for one in swept), 0)


async def _know_own_numbers(stage: Stage) -> None:
    """A platform that answers 404 to what is nobody's."""
    platform = stage.lab.platform
    await platform.behave(Behaviour(manner=Manner.REFUSE, status=404, ring_delay_ms=0))
    for did in stage.organisation.owned_dids():
        await platform.behave(Behaviour(), number=did)
