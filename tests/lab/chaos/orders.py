"""One order to the daemon, what holds once it is carried out, and what it must have left in the histories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PASSING_SECONDS = 1
"""How long a word lasts that is said to end by itself."""
NOTHING = "-"
"""What a cell holds about which nothing is said."""


class Kind(StrEnum):
    """What is ordered."""

    OVERRIDE = "override"
    PASSING = "override for a second"
    RELEASE = "release"
    ASK = "ask a second person"
    APPROVE = "approve an override"
    IMPORT = "import"
    ENTRY = "hand entry"
    SYNC = "hr sync"
    DECIDE = "approve a held plan"
    FAILBACK = "failback"


@dataclass(frozen=True, slots=True)
class Order:
    """`cells`: what each of them holds afterwards, and nothing else may hold after an answer of success. `traces`: rows
    that are there exactly once then, and not at all as long as it was not carried out. `key`: its idempotency key;
    empty for an operation that takes none."""

    number: int
    kind: Kind
    method: str
    path: str
    body: Mapping[str, object] | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    traces: tuple[str, ...] = ()
    key: str = ""
    who: str = "ada"

    @property
    def tag(self) -> str:
        return tag(self.number)


def tag(number: int) -> str:
    """The reason that is given with an order: no other has it."""
    return f"chaos {number}"


def is_tag(why: str) -> bool:
    """Whether a reason is one of ours."""
    return why.startswith("chaos ")
