"""What an HR source says of one post of one person, as values. `docs/explanation/joiners-movers-leavers.md` gives the
rules.

`None` in a field: this source does not say anything of it, so that the next source in the precedence is asked. An empty
tuple is a statement: this person has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from ringfence.domain.directory import DEFAULT_RING_SECONDS, PersonKey
from ringfence.domain.numbers import Did, mask


class NumberUse(StrEnum):
    """Whose telephone a default number rings."""

    WORK = "work"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class HrNumber:
    """A default number as a source or a person states it. Treated as private whatever its use says: masked
    everywhere."""

    e164: str
    use: NumberUse = NumberUse.PRIVATE
    ring_seconds: int = DEFAULT_RING_SECONDS

    def __repr__(self) -> str:
        return f"HrNumber({self.words})"

    @property
    def words(self) -> str:
        """For people: masked."""
        return f"{mask(self.e164)} ({self.use})"


@dataclass(frozen=True, slots=True)
class HrRecord:
    """One post of one person.

    `id` is the source's own stable identifier (a staff number, a SCIM id, an objectGUID) and never changes; `key` is
    the person's key, the same in all sources. Two posts of one person share `id` and `key` and differ in `post`.

    `starts` is the first and `ends` the last working day, in the time zone of the person's site; `ends_at` is an exact
    moment and beats `ends`. `active` False: not employed, from the moment it was first said. From `away_from` to
    `away_until`, both included, the person is on a long absence (`away_until` None: until further notice), and calls go
    to `deputy`. `on_call`: private numbers may ring at any hour.
    """

    id: str
    key: PersonKey
    post: str = ""
    name: str | None = None
    email: str | None = None
    site: str | None = None
    department: str | None = None
    manager: str | None = None
    dids: tuple[Did, ...] | None = None
    numbers: tuple[HrNumber, ...] | None = None
    active: bool | None = None
    starts: date | None = None
    ends: date | None = None
    ends_at: datetime | None = None
    away_from: date | None = None
    away_until: date | None = None
    deputy: PersonKey | None = None
    on_call: bool | None = None


STATUS_FIELDS: Final = ("active", "starts", "ends", "ends_at")
DETAIL_FIELDS: Final = (
    "name",
    "email",
    "site",
    "department",
    "manager",
    "away_from",
    "away_until",
    "deputy",
    "on_call",
)


class RecordId(NamedTuple):
    """Where a record lies: one post, as one source knows it."""

    source: str
    id: str
    post: str


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that could not be read. `where` is its place (`line 12`, a DN, an element's number), `id` the source's
    identifier where that could still be read: whoever it names is present, not absent."""

    where: str
    field: str
    message: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source said at one moment.

    `complete`: all that the source knows, so whoever is missing is absent. `gone`: identifiers the source itself
    says are deleted, which is a fact and no absence. `repeated`: identifiers that came more than once with the same
    post: none of these rows is believed. `rows` counts what was read, rejected rows included.
    """

    source: str
    records: tuple[HrRecord, ...]
    complete: bool
    gone: frozenset[str] = frozenset()
    repeated: frozenset[str] = frozenset()
    rejected: tuple[RowProblem, ...] = ()
    rows: int = 0
