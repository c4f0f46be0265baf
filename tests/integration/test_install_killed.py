"""`init`, `handover` and `remove` killed in the middle: some of the moments that `python -m tests.lab.killed` goes
through one by one."""

from __future__ import annotations

import pytest

from tests.lab.killed import CASES, Trial

MOMENTS = {
    "init": (60, 88, 104),
    "handover": (2, 6, 10, 12),
    "handover --undo": (4, 6, 11),
    "remove": (3, 15, 40),
    "remove --purge": (24, 62, 66),
}
"""Each was once not made good, or lies between two files that belong together."""


@pytest.mark.parametrize("name", CASES)
def test_given_again_it_ends_as_if_nobody_had_killed_it(name: str) -> None:
    with Trial(name) as trial:
        for moment in MOMENTS[name]:
            trial.kill_at(moment)
