"""Whom a fault's row counts when Asterisk itself was away: nobody is left out who could have been routed."""

from __future__ import annotations

import pytest

from tests.lab.faults.measuring import routed
from tests.lab.faults.stage import Gap
from tests.lab.records import Account, AnsweredBy, CallRecord


def caller(invited_at: float, ended_at: float | None) -> Account:
    record = CallRecord("call", "+441134960001", "+441632960001", invited_at, ended_at=ended_at)
    return Account(record, AnsweredBy.NOBODY, None)


@pytest.mark.parametrize(
    ("invited_at", "ended_at", "counts"),
    [(1, 9, True), (1, 10, False), (9, None, False), (10, None, False), (11, 30, False), (12, 30, True)],
)
def test_who_was_there_at_its_death_or_came_without_it_is_counted_apart(
    invited_at: float, ended_at: float | None, counts: bool
) -> None:
    account, gap = caller(invited_at, ended_at), Gap(10, 12)
    assert bool(routed([account], [gap])) == counts
    assert routed([account], []) == [account]
    apart = "0 callers" if counts or invited_at >= 10 else "1 callers"
    assert gap.words([account]).startswith(f"not in the row: {apart} whom Asterisk had")
