"""Each line kind with real calls: compiled as the daemon would, published, diverted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.line_kinds import SPOKEN
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.press_one import PressOne
from ringfence.domain.records import Forced, encode_route, record_of
from ringfence.domain.routing import plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.team import Team
from tests.lab.call_result import CallResult
from tests.scenarios.site import FALLBACK, MOBILE, CallSite

OWN_NUMBER = "+441135960777"
MEMBER = "+447700900124"
POLICY = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))), press_one=PressOne())


def record_for(did: str, kind: LineKind, divert_number: str | None) -> str:
    people = [
        Person(PersonKey("owner"), "Ada", "Leeds", (DefaultNumber(MOBILE, 5),)),
        Person(PersonKey("member"), "Bob", "Leeds", (DefaultNumber(MEMBER, 5),), team="Sales"),
    ]
    line = DidAssignment(Did(did), PersonKey("owner"), "Leeds", "uc", kind, divert_number=divert_number)
    if kind not in (LineKind.VOICE, LineKind.SWITCHBOARD):
        line = replace(line, team="Sales")
    directory = Directory.of(people, [line], [Site("Leeds", FALLBACK)], [Team("Sales", "Leeds")])
    plan = plan_for(line, directory, POLICY)
    return encode_route(record_of(plan, Forced.DIVERT))


async def call_each(site: CallSite, divert_number: str | None) -> dict[LineKind, tuple[str, CallResult]]:
    dids = {kind: site.did() for kind in LineKind}
    for kind, did in dids.items():
        await site.raw_record(did, record_for(did, kind, divert_number))
    calls = await asyncio.gather(*(site.carrier.call(did, from_=did, hold_seconds=0.1) for did in dids.values()))
    return {kind: (did, call) for (kind, did), call in zip(dids.items(), calls, strict=True)}


async def test_a_number_of_its_own_is_rung_first_and_never_asked(site: CallSite) -> None:
    for kind, (did, call) in (await call_each(site, OWN_NUMBER)).items():
        assert call.answered, kind
        assert site.rang(site.network_a, caller=did) == [OWN_NUMBER]
        assert (await site.event("RingfenceCall", did))["answered_by"] == "site"


@pytest.mark.parametrize("divert_number", [None, OWN_NUMBER])
async def test_where_nobody_answers_a_machine_is_refused_and_reaches_nobody_at_home(
    site: CallSite, divert_number: str | None
) -> None:
    await site.network_a.answer(486)
    for kind, (did, call) in (await call_each(site, divert_number)).items():
        rang = set(site.rang(site.network_a, caller=did))
        assert (OWN_NUMBER in rang) is (divert_number is not None)
        if kind not in SPOKEN:
            assert (call.answered, call.final_status) == (False, 503), kind
            assert rang <= {OWN_NUMBER, FALLBACK}
            assert (FALLBACK in rang) is (kind not in (LineKind.FAX, LineKind.ALARM))
        else:
            assert call.answered, kind
            assert (MOBILE in rang) is (kind in (LineKind.VOICE, LineKind.SWITCHBOARD))
            assert FALLBACK in rang
