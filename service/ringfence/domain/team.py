"""A team line: whose numbers ring together for one DID, and how.

The team's members are HR's, so that a leaver is out of it at the leaving moment; `routing_team` says who of them can be
reached. What the dialplan is given: `team_records`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ringfence.domain.directory import PersonKey

MAX_MEMBERS: Final = 60
"""As many slots as the team's record holds."""
MAX_WAIT_SECONDS: Final = 120
MAX_WAITING: Final = 50
_ID_LENGTH: Final = 8


class Strategy(StrEnum):
    """Whom a call rings."""

    ALL = "all"
    """Everybody at once."""
    ROTATION = "rotation"
    """One after the other; each call begins with the member after the one the last call began with."""
    ORDER = "order"
    """One after the other, as the members are listed."""


@dataclass(frozen=True, slots=True)
class Team:
    """`name` is what HR calls it. `members` in order, at most 60; empty: everybody whom HR has in it, by key.
    `ring_seconds` (5 to 120) is how long one attempt rings. `wait_seconds` (0 to 120): how long a caller waits with
    music for somebody to become free, 0: not at all; `max_waiting` (1 to 50) is how many may. With fewer than `floor`
    (1 to 60) reachable members the team is passed over. `backstop_number` is rung then, and when nobody took the call;
    None: the site's fallback number."""

    name: str
    site: str
    strategy: Strategy = Strategy.ALL
    members: tuple[PersonKey, ...] = ()
    ring_seconds: int = 20
    wait_seconds: int = 0
    max_waiting: int = 10
    floor: int = 1
    backstop_number: str | None = None

    def __post_init__(self) -> None:
        assert len(self.members) <= MAX_MEMBERS
        assert 5 <= self.ring_seconds <= 120
        assert 0 <= self.wait_seconds <= MAX_WAIT_SECONDS
        assert 1 <= self.max_waiting <= MAX_WAITING
        assert 1 <= self.floor <= MAX_MEMBERS


def record_id(name: str) -> str:
    """What AstDB's keys and a record's steps call a team or a site: names may hold anything, eight hexadecimal digits
    of their SHA-256 do not."""
    return hashlib.sha256(name.encode()).hexdigest()[:_ID_LENGTH]
