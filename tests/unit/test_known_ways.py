"""Where numbers are known to lead: forwards at any distance, ranges, circles; and what the configuration may say."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from itertools import pairwise

import pytest

from ringfence.bootstrap.values import egress_policy
from ringfence.config import ConfigError, parse
from ringfence.domain.directory import Directory
from ringfence.domain.known_ways import KnownWays, WayBack, WayEnd, forwards_of
from ringfence.domain.numbers import Did, classify
from ringfence.domain.policy import Refusal, why_not
from ringfence.domain.route_table import compile_table, did_path, update_table
from tests.unit.directories import DID, MOBILE, one_did
from tests.unit.test_config import GOOD
from tests.unit.test_loop_proof import policy_of

A, B, C, OWN = "+447700900001", "+447700900002", "+447700900003", "+441134960001"
RANGES = (("+44113496", "uc"),)


def ways_of(*pairs: tuple[str, str], ranges: tuple[tuple[str, str], ...] = ()) -> KnownWays:
    return KnownWays(ranges, forwards_of(pairs))


@pytest.mark.parametrize(
    ("ways", "number", "back"),
    [
        (ways_of(), A, None),
        (ways_of(), OWN, WayBack((OWN,), WayEnd.OWN_DID)),
        (ways_of((A, B)), A, None),
        (ways_of((A, B), (B, OWN)), A, WayBack((A, B, OWN), WayEnd.OWN_DID)),
        (ways_of((A, B), (A, OWN)), A, WayBack((A, OWN), WayEnd.OWN_DID)),
        (
            ways_of((A, B), (B, "+441134967777"), ranges=RANGES),
            A,
            WayBack((A, B, "+441134967777"), WayEnd.PLATFORM, "uc"),
        ),
        (ways_of((A, B), (B, C), (C, B)), A, WayBack((A, B, C, B), WayEnd.CIRCLE)),
        (ways_of((A, B), (A, C), (B, C), (C, B)), A, WayBack((A, B, C, B), WayEnd.CIRCLE)),
        (ways_of((OWN, A), (A, OWN)), OWN, WayBack((OWN,), WayEnd.OWN_DID)),  # our own plans decide there
    ],
)
def test_a_way_back_is_found_at_any_distance(ways: KnownWays, number: str, back: WayBack | None) -> None:
    assert ways.way_back(number, {OWN}) == back


def test_every_place_a_number_comes_back_to_is_found_once() -> None:
    ways = ways_of((A, B), (A, C), (B, OWN), (C, OWN), (C, "+441134967777"), ranges=RANGES[:1])
    assert [way.numbers[-1] for way in ways.ways_back(A, {OWN})] == [OWN, "+441134967777"]
    assert ways.leading_to({OWN}) == {A, B, C}
    assert ways.leading_to({A}) == frozenset()


def test_a_long_chain_of_forwards_needs_no_recursion() -> None:
    numbers = [f"+4477{10_000_000 + n}" for n in range(1000)]
    ways = ways_of(*pairwise(numbers), (numbers[-1], OWN))
    found = ways.way_back(numbers[0], {OWN})
    assert found is not None and len(found.numbers) == 1001
    assert ways.circles() == ()


def test_a_circle_is_told_once_wherever_one_enters_it() -> None:
    (circle,) = ways_of((A, B), (B, C), (C, B)).circles()
    assert circle.words == (
        "+44*******002, which is forwarded to +44*******003, which is forwarded to +44*******002, and so round again"
    )


def test_a_did_that_comes_or_goes_touches_those_whose_numbers_are_forwarded_to_it() -> None:
    """As the table is compiled again after a change: of the owner nothing has changed."""
    policy = policy_of(ways_of((MOBILE, OWN)))
    before = one_did()
    own = replace(before.assignments[DID], did=Did(OWN), owner=None)
    after = Directory.of(before.people.values(), [*before.assignments.values(), own], before.sites.values())
    table = compile_table(before, policy)
    assert MOBILE in table[did_path(DID)]
    updated, _ = update_table(table, before, after, policy)
    assert dict(updated) == dict(compile_table(after, policy))
    assert MOBILE not in updated[did_path(DID)]


def test_the_configuration_says_where_numbers_lead() -> None:
    text = GOOD.replace('name = "uc"', 'name = "uc"\nranges = ["+44113497"]', 1)
    text += f'\n[[known_forward]]\nnumber = "{A}"\nto = "{OWN}"\n'
    policy = egress_policy(parse(tomllib.loads(text)))
    assert why_not(classify(A), policy, {OWN}) is Refusal.LEADS_BACK
    assert why_not(classify(A), policy, ()) is None
    assert why_not(classify("+441134970000"), policy, ()) is Refusal.PLATFORM_RANGE


def test_a_trunks_fallback_number_that_would_come_back_is_refused() -> None:
    text = GOOD.replace('name = "uc"', 'name = "uc"\nranges = ["+44113497"]', 1)
    text = text.replace("+441134960999", "+441134970000")
    with pytest.raises(ConfigError, match="fallback_number of trunk 'carrier' would come back"):
        parse(tomllib.loads(text))


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([(A, B), (B, A)], "leads in a circle"),
        ([(A, A)], "leads in a circle"),
        ([(A, B), (A, B)], "stands 2 times"),
        ([("reception", B)], "number"),
    ],
)
def test_forwards_that_cannot_be_are_refused_without_a_number(pairs: list[tuple[str, str]], words: str) -> None:
    text = GOOD + "".join(f'\n[[known_forward]]\nnumber = "{number}"\nto = "{to}"\n' for number, to in pairs)
    with pytest.raises(ConfigError) as refused:
        parse(tomllib.loads(text))
    assert words in str(refused.value)
    assert A not in str(refused.value)
