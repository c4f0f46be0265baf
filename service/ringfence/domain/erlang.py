"""Erlang's loss formula (B): how many channels a stream of calls needs.

A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
exchanges", 1917; ITU-T E.520 sizes circuit groups without overflow by the same formula. It is computed by its
recursion, which neither overflows nor loses digits, instead of by factorials.

It holds where calls come independently of each other and whoever finds all channels taken goes away. Callers who try
again at once, and everybody calling at the same moment because of the outage, make it worse than it says.
"""

from __future__ import annotations

from typing import Final

BLOCKING: Final = 0.01
"""One call in a hundred finds all channels taken: what public networks are commonly planned for."""

MAX_CHANNELS: Final = 1_000_000


def blocking(erlangs: float, channels: int) -> float:
    """The share of calls, 0 to 1, that find all of `channels` taken. Neither may be negative."""
    assert erlangs >= 0 and channels >= 0
    share = 1.0
    for taken in range(1, channels + 1):
        share = erlangs * share / (taken + erlangs * share)
    return share


def channels_for(erlangs: float, most: float = BLOCKING) -> int:
    """The fewest channels of which no more than the share `most` (above 0, below 1) of the calls find none free."""
    assert erlangs >= 0 and 0 < most < 1
    if erlangs == 0:
        return 0
    share = 1.0
    for channels in range(1, MAX_CHANNELS):
        share = erlangs * share / (channels + erlangs * share)
        if share <= most:
            return channels
    return MAX_CHANNELS


def overflow(erlangs: float, channels: int) -> float:
    """The erlangs that do not find room and go on to the next group. They come in bunches, so that the next group needs
    somewhat more than `channels_for` says of them."""
    return erlangs * blocking(erlangs, channels)
