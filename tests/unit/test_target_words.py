"""What a row of history is about, in words."""

from __future__ import annotations

import pytest

from ringfence.domain.override import OverrideTarget
from ringfence.domain.target_words import target_words

DIDS = ["+441134960100", "+441134960123", "+441134960199"]


@pytest.mark.parametrize(
    "target",
    [
        OverrideTarget(),
        OverrideTarget(scope="uc"),
        OverrideTarget(site="Leeds: south"),
        OverrideTarget(team="Service desk"),
        OverrideTarget.of_dids(DIDS[:1]),
        OverrideTarget.of_dids(DIDS),
    ],
)
def test_the_key_says_what_the_target_itself_says(target: OverrideTarget) -> None:
    assert target_words(str(target)) == target.words


def test_dids_are_shown_as_they_may_be() -> None:
    for dids in (DIDS[:1], DIDS):
        assert "+" not in target_words(str(OverrideTarget.of_dids(dids)), lambda did: f"person-{did[-1]}")


def test_what_is_no_key_stays() -> None:
    assert [target_words(key) for key in ("uc", "dids:x", "later:thing", "did:")] == [
        "uc",
        "dids:x",
        "later:thing",
        "did:",
    ]
