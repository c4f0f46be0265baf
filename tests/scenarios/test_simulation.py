"""What `ringfence simulate` says and what real calls do: the same, over calls made up at random."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from ringfence.asterisk.site_rules import rules_of
from ringfence.domain.assumed import FarEnd
from ringfence.domain.simulation import simulate
from ringfence.domain.simulation_values import (
    Assumptions,
    Happening,
    Question,
    Shows,
    Simulation,
    SiteRules,
    What,
)
from tests.lab.records import ReceivedCall
from tests.scenarios.simulated_cases import BEHAVIOURS, SILENT, Case, Inventor, Setting, mode_records, modes
from tests.scenarios.site import CallSite, Event
from tests.scenarios.site_files import RING_BUDGET_SECONDS, TRUNK_NUMBER, Caps, site_of

ASKING_SECONDS, PRESSING_SECONDS = 8.5, 0.5
"""What the lab's prompt and its phones take."""


async def _set_up(site: CallSite, batch: list[Case], setting: Setting, records: dict[str, str]) -> None:
    for path, value in {**records, **{path: value for case in batch for path, value in case.records.items()}}.items():
        family, _, key = path.rpartition("/")
        await site.put(f"ringfence/{family}", key, value)
    for case in batch:
        dialled = case.did if case.scope == "uc" else f"0{case.did[3:]}"
        if case.status == SILENT:
            await site.platform.silent(number=dialled)
        else:
            await site.platform.answer(case.status, number=dialled)
        for number, far_end in case.far_ends.items():
            await site.network_a.behave(case.behaviour(number, setting, TRUNK_NUMBER), number=number)
            await site.network_b.behave(BEHAVIOURS[far_end], number=f"0{number[3:]}")


def _simulated(case: Case, setting: Setting, records: dict[str, str], rules: SiteRules) -> Simulation:
    table = {**records, **case.records}
    assumed = Assumptions(
        platform=case.platform,
        by_number=case.far_ends,
        came_back=bool(case.came_back),
        refused_rungs=setting.refused,
        boxes=False,
        pressing_seconds=PRESSING_SECONDS,
        asking_seconds=ASKING_SECONDS,
    )
    return simulate(Question(case.did, case.trunk, datetime.now(UTC), assumed, case.caller), table.get, rules)


def _told(event: Event) -> tuple[str, ...]:
    names = ("decision", "path", "reason", "answered_by", "result", "step", "scope")
    return tuple(event[name] for name in names)


def _foretold(simulation: Simulation) -> tuple[str, ...]:
    end = simulation.ending
    return (end.decision, end.path, end.reason, end.answered_by, end.result, str(end.step), simulation.scope)


def _legs(site: CallSite, case: Case, setting: Setting, before: int) -> list[ReceivedCall]:
    """The legs that rang or were refused for what the number does, by the trunk that is asked first."""
    if setting.a_is_down:
        legs = [replace(leg, number=f"+44{leg.number[1:]}") for leg in site.network_b.calls()[before:]]
    else:
        legs = site.network_a.calls()[before:]
    return [leg for leg in legs if leg.number in case.far_ends and leg.final_status != 403]


def _as_rung(simulation: Simulation, rung: list[str]) -> bool:
    """Whether these numbers were rung in the order foretold. Of those that ring together the order is nobody's, and
    one that answers at once may be before the others have begun to."""
    left = list(rung)
    for happening in simulation.happenings:
        if happening.what is not What.RINGS:
            continue
        together, left = left[: len(happening.targets)], left[len(happening.targets) :]
        if len(happening.targets) > 1 and happening.result == "answered":
            if not together or not set(together) <= set(happening.targets):
                return False
        elif sorted(together) != sorted(happening.targets):
            return False
    return not left


def _as_shown(case: Case, happenings: tuple[Happening, ...], legs: list[ReceivedCall], setting: Setting) -> bool:
    """Whether the phones show who they were said to. A carrier that refuses identities says nothing of it here with
    numbers that refuse every call."""
    users = {Shows.CALLER: case.caller, Shows.DID: case.did, Shows.TRUNK: TRUNK_NUMBER, Shows.NOBODY: "anonymous"}
    shown = {target: one.shows for one in happenings if one.what is What.RINGS for target in one.targets}
    refusing = {number for number, end in case.far_ends.items() if end in (FarEnd.BUSY, FarEnd.DECLINED, FarEnd.OFF)}
    looked_at = [leg for leg in legs if not (setting.refused and leg.number in refusing)]
    return all((found := shown.get(leg.number)) and users[found] == leg.caller for leg in looked_at)


@asynccontextmanager
async def _ring_budget(site: CallSite, seconds: int) -> AsyncIterator[SiteRules]:
    # An Asterisk takes its site's values at its first call.
    await site.carrier.call(site.did())
    await site.asterisk.cli(f"dialplan set global RF_RING_BUDGET {seconds}")
    rules = rules_of(site_of(site.platform, site.network_a, site.network_b, Caps()))
    yield replace(rules, ring_budget_seconds=seconds)
    await site.asterisk.cli(f"dialplan set global RF_RING_BUDGET {RING_BUDGET_SECONDS}")


@pytest.mark.parametrize(
    ("seed", "count", "setting"),
    [
        (4, 95, Setting(4)),
        (6, 70, Setting(30, waits=(0, 2, 8), voicemails=True, refused=frozenset({"caller"}))),
        (8, 25, Setting(30, learnt="trunk")),
        (9, 20, Setting(30, learnt="did", a_is_down=True)),
    ],
)
async def test_calls_go_as_they_are_foretold(site: CallSite, seed: int, count: int, setting: Setting) -> None:
    print(f"seed {seed}")
    random = Random(seed)
    records = mode_records(modes(random)) | setting.records(datetime.now(UTC))
    inventor = Inventor(random, setting, seed * 100)
    batch = [inventor.case() for _ in range(count)]
    await _set_up(site, batch, setting, records)
    before = len((site.network_b if setting.a_is_down else site.network_a).calls())
    async with _ring_budget(site, setting.budget_seconds) as rules:
        calls = [site.carrier.call(case.did, from_=case.caller or "hidden", headers=case.headers) for case in batch]
        await asyncio.gather(*calls)
    wrong = []
    for case in batch:
        event = await site.event("RingfenceCall", case.did, deadline_seconds=15)
        foretold, legs = _simulated(case, setting, records, rules), _legs(site, case, setting, before)
        agreed = _told(event) == _foretold(foretold) and _as_rung(foretold, [leg.number for leg in legs])
        if not agreed or not _as_shown(case, foretold.happenings, legs, setting):
            wrong.append(case)
            print(f"{case}\n  told     {_told(event)}\n  foretold {_foretold(foretold)}")
            print(f"  legs     {[(leg.number, leg.caller) for leg in legs]}")
            print(f"  foretold {[(one.targets, one.result, one.shows) for one in foretold.happenings]}")
    assert [case.did for case in wrong] == []
