"""What a source's index leaves in memory after very many people were taken in at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from sys import getsizeof
from weakref import ref

import pytest

from ringfence.domain.hr.roster import RosterChange
from tests.unit.guarded import NOW, POLICY, Source, london, people

MANY = 900
"""As many as have an identifier of three digits, nearly."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    """As while a great feed is read (`app.collector`)."""
    gc.disable()
    yield
    gc.enable()


def test_a_draft_goes_with_the_last_who_has_it(no_collector: None) -> None:
    source = Source(loaded=False)
    source.feed(people(MANY))
    draft = source.index.draft_of(RosterChange(), london, NOW)
    gone = ref(draft)
    assert gone() is not None
    del draft
    assert gone() is None


def test_an_approved_first_load_leaves_no_room_behind() -> None:
    source = Source(loaded=False)
    source.feed(people(MANY))
    held_room = _room(source)
    source.approve()
    fresh = type(source.index).of(source.roster, "hr", POLICY, london, NOW)
    assert source.index == fresh
    assert _room(source) * 10 < held_room


def _room(source: Source) -> int:
    index = source.index
    return sum(map(getsizeof, (index.held, index.new_keys, *index.ids.values())))
