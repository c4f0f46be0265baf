"""The directory in force: what the imported directory, the roster and the time make of each other.

A pure function, so that the same facts give the same table in whatever order they came.
`docs/explanation/joiners-movers-leavers.md` has every rule with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.numbers import Did
from ringfence.domain.roster import Roster, RosterPolicy, Tenure


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or more people with equal claims to one DID. `holder` has it and keeps it; None: nobody's numbers ring."""

    did: Did
    holder: PersonKey | None
    claimants: tuple[PersonKey, ...]


@dataclass(frozen=True, slots=True)
class Effective:
    """What is routed by. `next_change_at` is the earliest later moment at which the same facts give another directory.
    `tenures` has only those DIDs whose stored tenures must change. `unknown_dids`: claimed by an employed person and
    not in the imported directory."""

    directory: Directory
    next_change_at: datetime | None
    tenures: Mapping[Did, tuple[Tenure, ...]]
    conflicts: tuple[Conflict, ...]
    unknown_dids: tuple[tuple[PersonKey, Did], ...]


def derive(base: Directory, roster: Roster, policy: RosterPolicy, now: datetime) -> Effective:
    """The directory in force at `now`. Without anything in the roster it is `base` itself."""
    return Effective(base, None, {}, (), ())
