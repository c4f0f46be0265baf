"""What a preview says: against the plans themselves, and at the edges of what is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.ports import StoreUnavailable
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.numbers import Did
from ringfence.domain.outage import Mode, first_state
from ringfence.domain.override import Override, OverrideKind, OverrideTarget, covered, words_about
from ringfence.domain.override_effect import End, Said, effect_of, end_in
from ringfence.domain.route_plan import StepKind
from ringfence.domain.route_table import compile_table, did_path
from ringfence.domain.routing import plan_for
from ringfence.domain.verdict import VerdictState
from ringfence.web.preview_view import preview_out
from tests.fakes.calls import a_call
from tests.fakes.node import DID, SCOPE, TRUNK, FakeNode
from tests.unit.directories import TEAMS, directories_in_force, routing_policy
from tests.unit.moments import START

STATES = {"uc": replace(first_state("uc", START), mode=Mode.FAILED_OVER), "teams": first_state("teams", START)}


def beaten_or_diverts(words: list[Override], did: DidAssignment, directory: Directory) -> bool:
    """From the words about one DID, as people are told them."""
    about = words_about(words, did, directory)
    kind = about[0].kind if about else None
    if kind is None or kind is OverrideKind.FREEZE:
        return STATES[did.scope].mode is Mode.FAILED_OVER
    return kind is OverrideKind.DR


@given(st.data())
def test_who_moves_and_where_their_calls_end(data: st.DataObject) -> None:
    directory = data.draw(directories_in_force())
    targets = [
        OverrideTarget(),
        OverrideTarget(scope="uc"),
        *(OverrideTarget(site=site) for site in directory.sites),
        *(OverrideTarget(team=team) for team in TEAMS),
        *(OverrideTarget(did=did) for did in directory.assignments),
    ]
    narrow = st.sampled_from([OverrideKind.DR, OverrideKind.NORMAL])
    standing = [
        Override(target, data.draw(narrow), "ann", "drill", START.wall + timedelta(seconds=age))
        for age, target in enumerate(data.draw(st.lists(st.sampled_from(targets), unique=True, max_size=5)))
    ]
    target, kind = data.draw(st.sampled_from(targets)), data.draw(st.none() | narrow)
    new = None if kind is None else Override(target, kind, "", "", START.wall + timedelta(hours=1))
    words = [word for word in standing if word.target != target] + ([] if new is None else [new])
    table = compile_table(directory, routing_policy())
    effect = effect_of(
        target,
        new,
        Said(standing, STATES, directory),
        Said(words, STATES, directory),
        directory,
        lambda did: end_in(table.get(did_path(did))),
    )
    items = list(covered(target, directory))
    before = {item.did: beaten_or_diverts(standing, item, directory) for item in items}
    after = {item.did: beaten_or_diverts(words, item, directory) for item in items}
    to_dr = [item for item in items if after[item.did] and not before[item.did]]
    assert effect.covers == len(items)
    assert effect.to_dr == len(to_dr)
    assert effect.back == sum(before[did] and not after[did] for did in before)
    assert effect.ends == Counter(best_end(item, directory) for item in to_dr)
    assert effect.without == len(effect.named)
    assert [one.critical for one in effect.named] == sorted((one.critical for one in effect.named), reverse=True)


def best_end(item: DidAssignment, directory: Directory) -> End:
    kinds = {planned.step.kind for planned in plan_for(item, directory, routing_policy()).plan}
    if kinds & {StepKind.PERSON, StepKind.TEAM}:
        return End.PERSON
    return End.RECEPTION if StepKind.SITE in kinds else End.ANNOUNCEMENT


@pytest.mark.parametrize("record", [None, "", "nonsense", "1|uc|-|voice|0", "|" * 9])
def test_a_record_that_says_nothing_ends_at_the_announcement(record: str | None) -> None:
    assert end_in(record) is End.ANNOUNCEMENT


async def test_critical_lines_and_kinds_that_are_never_diverted_are_named() -> None:
    node = FakeNode()
    dids = [Did(f"+44113496020{n}") for n in range(4)]
    items = [
        DidAssignment(dids[0], PersonKey("p"), "Leeds", SCOPE),
        DidAssignment(dids[1], None, "Leeds", SCOPE),
        DidAssignment(dids[2], None, "Leeds", SCOPE, LineKind.ALARM),
        DidAssignment(dids[3], None, "Leeds", SCOPE, LineKind.LIFT, critical=True),
    ]
    person = Person(PersonKey("p"), "P", "Leeds", (DefaultNumber("+447700900123"),))
    async with node.running():
        await node.keeper.adopt(Directory.of([person], items, [Site("Leeds", "+441134960999")]))
        seen = preview_out(await node.words.preview.of(OverrideKind.DR, OverrideTarget(scope=SCOPE)))
        assert (seen.to_dr, seen.no_number) == (4, 3)
        assert [one.did for one in seen.no_number_dids] == [dids[3], dids[1], dids[2]]
        assert [(one.kind, one.dids) for one in seen.never_diverted] == [(LineKind.ALARM, 1)]
        words = " ".join(seen.sentences)
        assert f"critical: {dids[3]}" in words
        assert "1 DID of the kind alarm are never diverted to a number" in words


def busy(node: FakeNode, calls: int) -> None:
    at = node.clock.now().wall - timedelta(weeks=1)
    node.journal_store.calls = [
        a_call(call_id=f"{number}", ended_at=at + timedelta(seconds=number), did=DID, scope=SCOPE, duration_ms=180_000)
        for number in range(calls)
    ]


async def test_channels_of_a_trunk_that_is_down_do_not_count() -> None:
    node = FakeNode()
    busy(node, 400)  # 400 calls of 3 minutes: 20 at once, seldom more than 34
    async with node.running():
        await node.platform(True)
        seen = await node.words.preview.of(OverrideKind.DR, OverrideTarget(scope=SCOPE))
        assert seen.calls is not None
        assert (seen.calls.at_once, seen.calls.at_most, seen.calls.channels, seen.calls.enough) == (20.0, 34, 30, False)
        assert "MAY NOT SUFFICE" in " ".join(preview_out(seen).sentences)
        node.failover.verdicts[TRUNK] = replace(node.failover.verdicts[TRUNK], state=VerdictState.DOWN)
        seen = await node.words.preview.of(OverrideKind.DR, OverrideTarget(scope=SCOPE))
        assert seen.calls is not None and seen.calls.channels == 0


async def test_a_journal_that_is_empty_or_away_is_told() -> None:
    node = FakeNode()
    async with node.running():
        seen = preview_out(await node.words.preview.of(OverrideKind.DR, OverrideTarget(scope=SCOPE)))
        assert seen.calls is not None and seen.calls.weeks == 0
        assert "knows nothing of this hour" in " ".join(seen.sentences)
        await node.clock.advance(3_600)
        node.journal_store.fault = StoreUnavailable("locked")
        seen = preview_out(await node.words.preview.of(OverrideKind.DR, OverrideTarget(scope=SCOPE)))
        assert seen.calls is None
        assert "the journal cannot be read" in " ".join(seen.sentences)


async def test_a_freeze_moves_nobody() -> None:
    node = FakeNode()
    async with node.running():
        seen = preview_out(await node.words.preview.of(OverrideKind.FREEZE, OverrideTarget()))
        assert (seen.to_dr, seen.back) == (0, 0)
        assert "nothing moves now" in seen.sentences[0]
