"""A number in clear: noted first, refused at the limit, and nothing where nothing may be said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from ringfence.app.audit import Auditor, AuditStore
from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.app.ports import StoreUnavailable
from ringfence.app.reveal import Revealer, TooManyReveals
from ringfence.domain.access import EVERYTHING, Caller, SignedInBy
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.calls import AnsweredBy, CallRecord, caller_of, shown_caller
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.provenance import PersonView, people_views
from ringfence.domain.hr.roster import Roster, RosterPolicy
from ringfence.domain.notice import Notice
from tests.fakes.calls import a_call
from tests.fakes.clock import FakeClock
from tests.fakes.node import PRIVATE_NUMBERS, small_directory

ADA = Caller("grace", EVERYTHING, SignedInBy.OIDC)
CALLER = "+441619960111"


class Facts:
    """Implements what of `AuditStore` an auditor needs."""

    def __init__(self) -> None:
        self.facts: list[AuditFact] = []
        self.fault: Exception | None = None

    async def append(self, facts: Sequence[AuditFact]) -> None:
        if self.fault is not None:
            raise self.fault
        self.facts.extend(facts)


class Somebody:
    """Implements `reveal.People`."""

    async def person(self, key: str) -> PersonView:
        views = people_views(
            small_directory(), Roster(), RosterPolicy(), (PersonKey(key),), FakeClock().now().wall, None
        )
        if not views:
            raise NotOurs("person: nobody has this key.", "", "person")
        return views[0]


class OneCall:
    """Implements `reveal.Calls`."""

    def __init__(self, caller: str) -> None:
        now = FakeClock().now().wall
        self._record = a_call(call_id="1.1", ended_at=now, caller=caller, answered_by=AnsweredBy.PERSON)

    async def find(self, call_id: str) -> CallRecord | None:
        return self._record if call_id == self._record.call_id else None


class Scene:
    def __init__(self, caller: str = CALLER, per_hour: int = 3) -> None:
        self.facts, self.clock, self.told = Facts(), FakeClock(), list[Notice]()

        async def tell(notice: Notice) -> None:
            self.told.append(notice)

        auditor = Auditor(cast(AuditStore, self.facts))
        self.revealer = Revealer(Somebody(), OneCall(caller), auditor, self.clock, tell, per_hour)


async def test_a_number_is_given_once_it_is_noted() -> None:
    scene = Scene()
    found = await scene.revealer.number_of(ADA, "ada", 2, "callback after the outage")
    assert found.number == PRIVATE_NUMBERS[1]
    (fact,) = scene.facts.facts
    assert (fact.kind, fact.about, fact.who, fact.by) == (AuditKind.REVEAL, "person:ada", "grace", "sign-in")
    assert (fact.why, fact.detail["what"]) == ("callback after the outage", "default number 2")
    assert PRIVATE_NUMBERS[1][-6:] not in repr(fact) + repr(found)


async def test_what_cannot_be_noted_is_not_given() -> None:
    scene = Scene()
    scene.facts.fault = StoreUnavailable("The database is locked.")
    with pytest.raises(StoreUnavailable):
        await scene.revealer.number_of(ADA, "ada", 1, "callback")
    with pytest.raises(StoreUnavailable):
        await scene.revealer.caller_of(ADA, "1.1", "callback")


@pytest.mark.parametrize(
    ("key", "position", "why"), [("ada", 3, "x"), ("ada", 0, "x"), ("bob", 1, "x"), ("ada", 1, " ")]
)
async def test_refusals_are_not_noted(key: str, position: int, why: str) -> None:
    scene = Scene()
    with pytest.raises(OrderRefused):
        await scene.revealer.number_of(ADA, key, position, why)
    assert scene.facts.facts == []


async def test_a_caller_is_revealed_who_showed_the_number() -> None:
    scene = Scene()
    assert (await scene.revealer.caller_of(ADA, "1.1", "callback")).number == CALLER
    with pytest.raises(NotOurs):
        await scene.revealer.caller_of(ADA, "2.2", "callback")


@pytest.mark.parametrize("caller", ["", "withheld"])
async def test_a_withheld_caller_stays_withheld(caller: str) -> None:
    scene = Scene(caller)
    with pytest.raises(NotOurs, match="no number to reveal"):
        await scene.revealer.caller_of(ADA, "1.1", "callback")
    assert scene.facts.facts == []


async def test_the_limit_holds_for_an_hour_and_is_told_once() -> None:
    scene = Scene(per_hour=3)
    asked = [scene.revealer.number_of(ADA, "ada", 1, "callback") for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(answer, TooManyReveals) for answer in answers] == [False, False, False, True, True]
    assert len({notice.key for notice in scene.told}) == 1
    assert len(scene.facts.facts) == 3
    other = replace(ADA, name="heidi")
    await scene.revealer.number_of(other, "ada", 1, "callback")
    await scene.clock.advance(3599)
    with pytest.raises(TooManyReveals) as caught:
        await scene.revealer.caller_of(ADA, "1.1", "callback")
    assert caught.value.retry_after_seconds == 1
    await scene.clock.advance(1)
    await scene.revealer.caller_of(ADA, "1.1", "callback")


@pytest.mark.parametrize("by", [SignedInBy.SOCKET, SignedInBy.TOKEN])
async def test_another_stated_name_is_no_other_person(by: SignedInBy) -> None:
    scene = Scene(per_hour=1)
    await scene.revealer.number_of(Caller("grace", EVERYTHING, by), "ada", 1, "callback")
    with pytest.raises(TooManyReveals):
        await scene.revealer.number_of(Caller("heidi", EVERYTHING, by), "ada", 1, "callback")


async def test_a_key_is_no_other_person_than_whoever_made_it() -> None:
    scene = Scene(per_hour=1)
    first, second = (
        Caller(f"{name} (key)", EVERYTHING, SignedInBy.KEY, made_by=ADA.name) for name in ("first", "second")
    )
    await scene.revealer.number_of(first, "ada", 1, "callback")
    for caller in (second, ADA):
        with pytest.raises(TooManyReveals):
            await scene.revealer.number_of(caller, "ada", 1, "callback")
    heidis = Caller("third (key)", EVERYTHING, SignedInBy.KEY, made_by="heidi")
    await scene.revealer.number_of(heidis, "ada", 1, "callback")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (CALLER, "+44*******111"),
        ("07700900123", "********123"),
        ("", "withheld"),
        ("anonymous", "withheld"),
        ("Restricted", "withheld"),
    ],
)
def test_callers_are_shown_masked_or_as_withheld(told: str, shown: str) -> None:
    assert shown_caller(caller_of(told)) == shown


def test_a_blanked_caller_is_told_from_a_withheld_one() -> None:
    assert shown_caller("") == "no longer kept"
