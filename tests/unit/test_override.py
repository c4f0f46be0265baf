"""Which of several words counts for a DID: against an oracle that asks for every pair of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import DidAssignment, Directory, Site
from ringfence.domain.numbers import Did
from ringfence.domain.override import (
    NarrowWords,
    Override,
    OverrideKind,
    OverrideTarget,
    covered,
    standing_override,
    words_about,
)
from ringfence.domain.records import Forced, decode_route
from ringfence.domain.route_table import RouteTable, compile_table, did_path
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock
from tests.unit.directories import TEAMS, directories, routing_policy
from tests.unit.moments import START

FORCED = {OverrideKind.DR: Forced.DIVERT, OverrideKind.NORMAL: Forced.PINNED}


@st.composite
def words(draw: st.DrawFn, directory: Directory) -> list[Override]:
    """Some words about this directory and about what is not in it, all of different times."""
    dids = [*sorted(directory.assignments), "+441134967777"]
    targets = st.one_of(
        st.just(OverrideTarget()),
        st.sampled_from(["uc", "teams"]).map(lambda name: OverrideTarget(scope=name)),
        st.sampled_from([*sorted(directory.sites), "closed"]).map(lambda name: OverrideTarget(site=name)),
        st.sampled_from([*TEAMS, "Nobody"]).map(lambda name: OverrideTarget(team=name)),
        st.sets(st.sampled_from(dids), min_size=1).map(OverrideTarget.of_dids),
    )
    chosen = draw(st.lists(targets, unique=True, max_size=8))
    ages = draw(st.permutations(range(len(chosen))))
    return [
        Override(target, draw(st.sampled_from(OverrideKind)), "ann", "drill", START.wall + timedelta(seconds=age))
        for target, age in zip(chosen, ages, strict=True)
    ]


def narrow(found: list[Override]) -> list[Override]:
    return [word for word in found if not (word.kind is OverrideKind.FREEZE and not word.target.is_wide)]


def beats(one: Override, other: Override) -> bool:
    """As people are told it."""

    def rank(word: Override) -> int:
        target = word.target
        if target.did or target.dids:
            return 5
        return 4 if target.team else 3 if target.site else 2 if target.scope else 1

    return rank(one) > rank(other) or (rank(one) == rank(other) and one.set_at > other.set_at)


def is_about(word: Override, item: DidAssignment, directory: Directory) -> bool:
    target = word.target
    owner = directory.people[item.owner] if item.owner else None
    team = item.team or (owner.team if owner is not None else "")
    return (
        target == OverrideTarget()
        or target.scope == item.scope
        or target.site == item.site
        or (target.team is not None and target.team == team)
        or item.did == target.did
        or item.did in target.dids
    )


def winner(found: list[Override], item: DidAssignment, directory: Directory) -> Override | None:
    about = [word for word in found if is_about(word, item, directory)]
    for word in about:
        if all(word is other or beats(word, other) for other in about):
            return word
    assert not about
    return None


@given(st.data())
def test_the_word_that_counts_is_the_one_that_beats_every_other(data: st.DataObject) -> None:
    directory = data.draw(directories())
    found = narrow(data.draw(words(directory)))
    winners = dict(NarrowWords.of(found).winners(directory))
    assert winners.keys() <= directory.assignments.keys()
    for item in directory.assignments.values():
        wanted = winner(found, item, directory)
        about = words_about(found, item, directory)
        assert (about[0] if about else None) is wanted
        assert all(beats(one, other) for one, other in combinations(about, 2))
        told = winners.get(item.did) or standing_override(found, item.scope)
        assert told is wanted


@given(st.data())
def test_what_a_target_covers_is_what_its_words_are_about(data: st.DataObject) -> None:
    directory = data.draw(directories())
    for word in data.draw(words(directory)):
        named = {item.did for item in covered(word.target, directory)}
        assert named == {i.did for i in directory.assignments.values() if is_about(word, i, directory)}


@given(st.data())
def test_the_records_carry_the_words_whatever_came_first(data: st.DataObject) -> None:
    """Words and directories in any order leave the table that is compiled from the last of both."""
    first, last = data.draw(directories()), data.draw(directories())
    found = narrow(data.draw(words(last)))

    async def history() -> TableKeeper:
        modes = ModePublisher(FakeAstDb(), FakeClock())
        offered: list[RouteTable] = []
        keeper = TableKeeper(routing_policy(), [], modes, offered.append, frozenset({"uc", "teams"}))
        steps = [("directory", first), *(("word", word) for word in found), ("directory", last)]
        order = data.draw(st.permutations(range(len(steps) - 1)))
        said: list[Override] = []
        keeper.restore_words([])
        for number in (*order, len(steps) - 1):
            what, value = steps[number]
            if what == "directory":
                assert isinstance(value, Directory)
                await keeper.adopt(value)
            else:
                assert isinstance(value, Override)
                said.append(value)
                keeper.said([value.target], said)
        gone = data.draw(st.lists(st.sampled_from(found), unique=True)) if found else []
        for word in gone:
            found.remove(word)
            said.remove(word)
            keeper.said([word.target], said)
        return keeper

    keeper = asyncio.run(history())
    forced = {
        item.did: FORCED[word.kind]
        for item in last.assignments.values()
        if (word := winner(found, item, last)) is not None and not word.target.is_wide
    }
    assert dict(keeper.table or {}) == dict(compile_table(last, routing_policy(), forced))
    for did in last.assignments:
        assert keeper.forced(did) is forced.get(did, Forced.NONE)


async def test_what_moves_away_from_the_platform_is_put_first_and_critical_lines_before_others() -> None:
    class Kept(ModePublisher):
        keys: tuple[str, ...] = ()

        def put_records(self, keys: object, value: object) -> None:
            assert isinstance(keys, list)
            self.keys = tuple(keys)

    dids = [Did(f"+44113496000{n}") for n in range(4)]
    items = [DidAssignment(did, None, "Leeds", "uc", critical=did == dids[2]) for did in dids]
    modes = Kept(FakeAstDb(), FakeClock())
    keeper = TableKeeper(routing_policy(), [], modes, lambda _: None, frozenset({"uc"}))
    await keeper.adopt(Directory.of([], items, [Site("Leeds")]))
    at = START.wall
    pinned = Override(OverrideTarget(did=dids[0]), OverrideKind.NORMAL, "ann", "drill", at)
    site = Override(OverrideTarget(site="Leeds"), OverrideKind.DR, "ann", "drill", at)
    keeper.said([pinned.target, site.target], [pinned, site])
    assert modes.keys == tuple(map(did_path, (dids[2], dids[1], dids[3], dids[0])))
    held = decode_route(keeper.wanted_record(dids[0]) or "")
    assert held.forced is Forced.PINNED


def test_a_list_is_one_target_whatever_its_order_and_one_did_is_no_list() -> None:
    dids = [f"+4411349600{n:02d}" for n in range(40)]
    assert OverrideTarget.of_dids(reversed(dids)) == OverrideTarget.of_dids(dids)
    assert OverrideTarget.of_dids(dids[:1]) == OverrideTarget(did=dids[0])
    keys = {str(OverrideTarget.of_dids(part)) for part in (dids, dids[:-1], [dids[0], *dids[2:]])}
    assert len(keys) == 3
    assert max(map(len, keys)) <= 64
    word = Override(OverrideTarget.of_dids(dids), OverrideKind.DR, "ann", "drill", START.wall, id="1")
    assert replace(word, id="2").after(word).replaced == word
