"""What `ringfence simulate` says and what real calls do: the same, over calls made up at random."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from random import Random

import pytest

from ringfence.asterisk.site_rules import rules_of
from ringfence.domain.simulation import simulate
from ringfence.domain.simulation_values import Assumptions, Question, Simulation, What
from tests.lab.call_result import CallResult
from tests.scenarios.simulated_cases import BEHAVIOURS, Case, cases, mode_records, modes
from tests.scenarios.site import CallSite, Caps, Event, site_of

CASES_A_BATCH = 20


async def _set_up(site: CallSite, batch: list[Case], mode: dict[str, str]) -> None:
    for path, value in {**mode, **{path: value for case in batch for path, value in case.records.items()}}.items():
        family, _, key = path.rpartition("/")
        await site.put(f"ringfence/{family}", key, value)
    for case in batch:
        dialled = case.did if case.scope == "uc" else f"0{case.did[3:]}"
        await site.platform.answer(case.status, number=dialled)
        for number, far_end in case.far_ends.items():
            await site.network_a.behave(BEHAVIOURS[far_end], number=number)
            await site.network_b.behave(BEHAVIOURS[far_end], number=f"0{number[3:]}")


async def _call(site: CallSite, case: Case) -> CallResult:
    headers = () if case.trunk == "carrier" else (("X-Lab-Trunk", case.trunk),)
    return await site.carrier.call(case.did, from_=case.did, headers=headers)


def _simulated(site: CallSite, case: Case, mode: dict[str, str]) -> Simulation:
    table = {**mode, **case.records}
    rules = rules_of(site_of(site.platform, site.network_a, site.network_b, Caps()))
    assumed = Assumptions(platform=case.platform, by_number=case.far_ends)
    return simulate(Question(case.did, case.trunk, datetime.now(UTC), assumed), table.get, rules)


def _told(event: Event) -> tuple[str, ...]:
    names = ("decision", "path", "reason", "answered_by", "result", "step", "scope")
    return tuple(event[name] for name in names)


def _foretold(simulation: Simulation) -> tuple[str, ...]:
    end = simulation.ending
    return (end.decision, end.path, end.reason, end.answered_by, end.result, str(end.step), simulation.scope)


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


@pytest.mark.parametrize("seed", [4, 6, 8])
async def test_calls_go_as_they_are_foretold(site: CallSite, seed: int) -> None:
    random = Random(seed)
    mode, batch = mode_records(modes(random)), cases(random, CASES_A_BATCH, seed * 100)
    await _set_up(site, batch, mode)
    await asyncio.gather(*(_call(site, case) for case in batch))
    wrong = []
    for case in batch:
        event = await site.event("RingfenceCall", case.did, deadline_seconds=15)
        foretold, rung = _simulated(site, case, mode), site.rang(site.network_a, caller=case.did)
        if _told(event) != _foretold(foretold) or not _as_rung(foretold, rung):
            ends = {number: str(far_end) for number, far_end in case.far_ends.items()}
            wrong.append(
                (case.words, case.status, ends, _told(event), _foretold(foretold), rung, foretold.numbers_rung())
            )
    assert wrong == []
