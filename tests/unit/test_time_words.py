from __future__ import annotations

import pytest

from ringfence.domain.time_words import in_words

TIMES = {
    0.9: "0 s",
    119: "119 s",
    120: "2 min",
    7_199: "119 min",
    7_200: "2 h",
    172_799: "47 h",
    172_800: "2 d 0 h",
    608_400: "7 d 1 h",
}


@pytest.mark.parametrize(("seconds", "words"), TIMES.items())
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
