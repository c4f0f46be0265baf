"""What diverted calls may come to in an hour, as `site.py` takes it and `dialplan.py` writes it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so much in a clock hour; 0 is no limit."""

    calls: int = 0
    minutes: int = 0


NO_CAP: Final = Cap()


@dataclass(frozen=True, slots=True)
class Caps:
    """One limit for each way of counting. `team` holds for a DID while its team is rung, and its calls for each
    member's number then: a busy line rings its members far oftener than anybody's own."""

    did: Cap = NO_CAP
    team: Cap = NO_CAP
    person: Cap = NO_CAP
    total: Cap = NO_CAP


NO_CAPS: Final = Caps()
