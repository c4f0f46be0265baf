"""Who called during an incident and reached nobody: one line for each caller and DID, and who calls them back.

Whoever got through to the same DID later needs no call back. A caller who withheld the number, or whose number is no
longer kept, cannot be told from another, so each of their calls stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from ringfence.domain.calls import AnsweredBy, CallRecord, has_number
from ringfence.domain.incident_calls import started_at

GAVE_UP_SECONDS: Final = 5.0
"""Whoever hangs up sooner has most likely dialled wrongly."""

MAX_MISSES: Final = 50_000

# What answered in the site's own dialplan nobody here knows: it may have been a voicemail.
_REACHED: Final = frozenset(
    {AnsweredBy.PLATFORM, AnsweredBy.PERSON, AnsweredBy.SITE, AnsweredBy.TEAM, AnsweredBy.DIALPLAN}
)


def reached(call: CallRecord) -> bool:
    """Whether somebody answered."""
    return call.answered_by in _REACHED


def missed(call: CallRecord, gave_up_seconds: float = GAVE_UP_SECONDS) -> bool:
    """Whether the caller wanted somebody and got nobody. A number that was refused as not clean belongs to nobody."""
    if reached(call) or call.result == "refused":
        return False
    return call.result != "cancelled" or call.duration_ms > gave_up_seconds * 1000


class CallBackState(StrEnum):
    """How far calling back is."""

    OPEN = "open"
    CALLING = "calling"
    DONE = "done"
    NOT_NEEDED = "not_needed"

    @property
    def words(self) -> str:
        return {"open": "open", "calling": "being called", "done": "done", "not_needed": "not needed"}[self.value]


@dataclass(frozen=True, slots=True)
class CallBack:
    """What an agent said last about one missed call. Numbers in `note` are masked."""

    state: CallBackState
    who: str
    at: datetime
    note: str = ""


def state_of(held: CallBack | None, last_at: datetime) -> CallBackState:
    """Where calling back stands. Whoever was missed once more (`last_at`) after it was settled waits again."""
    if held is None:
        return CallBackState.OPEN
    settled = held.state in (CallBackState.DONE, CallBackState.NOT_NEEDED)
    return CallBackState.OPEN if settled and last_at > held.at else held.state


def in_the_way(held: CallBack | None, last_at: datetime, who: str) -> bool:
    """Whether somebody else has this one already: it is then theirs until it is taken over."""
    return held is not None and held.who != who and state_of(held, last_at) is not CallBackState.OPEN


@dataclass(frozen=True, slots=True)
class MissedCalls:
    """One caller's missed calls to one DID. `calls` are their ids, oldest first; `caller` is as in `CallRecord`.
    `reached_at`: when the same caller got through after all; then nobody need call."""

    caller: str
    did: str
    calls: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    last_result: str
    announced: int
    reached_at: datetime | None = None
    call_back: CallBack | None = None

    @property
    def id(self) -> str:
        """The newest call's: what is said about any of the calls is said about all."""
        return self.calls[-1]

    @property
    def state(self) -> CallBackState:
        """Where calling back stands. Nobody can call back a caller whose number is no longer kept."""
        found = state_of(self.call_back, self.last_at)
        unsettled = found in (CallBackState.OPEN, CallBackState.CALLING)
        return CallBackState.NOT_NEEDED if unsettled and not self.caller else found

    @property
    def waits(self) -> bool:
        """Whether somebody still has to call back."""
        return self.reached_at is None and self.state in (CallBackState.OPEN, CallBackState.CALLING)


@dataclass(slots=True)
class _Group:
    caller: str
    did: str
    misses: list[CallRecord] = field(default_factory=list)
    reached_at: datetime | None = None


@dataclass(slots=True)
class MissedList:
    """`add` the calls of an incident's time, then `later` those that came after it; in any order. `grouped` gives the
    list. More calls than MAX_MISSES are counted in `left_out` alone."""

    gave_up_seconds: float = GAVE_UP_SECONDS
    left_out: int = 0
    misses: int = 0
    _groups: dict[tuple[str, str], _Group] = field(default_factory=dict)
    _reached: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def add(self, call: CallRecord) -> None:
        """A call of the incident's time."""
        if reached(call):
            self.later(call)
            return
        if not missed(call, self.gave_up_seconds):
            return
        if self.misses >= MAX_MISSES:
            self.left_out += 1
            return
        self.misses += 1
        key = (call.caller if has_number(call.caller) else call.call_id, call.did)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(call.caller, call.did)
        group.misses.append(call)

    def later(self, call: CallRecord) -> None:
        """A call that can only tell whether somebody got through after all."""
        if reached(call) and has_number(call.caller):
            key, at = (call.caller, call.did), started_at(call)
            self._reached[key] = max(at, self._reached.get(key, at))

    def grouped(self, said: Mapping[str, CallBack]) -> tuple[MissedCalls, ...]:
        """Whoever has waited longest comes first. `said`: call id -> what an agent said last about it."""
        found = [self._settled(key, group, said) for key, group in self._groups.items()]
        return tuple(sorted(found, key=lambda missed_calls: (missed_calls.first_at, missed_calls.id)))

    def _settled(self, key: tuple[str, str], group: _Group, said: Mapping[str, CallBack]) -> MissedCalls:
        misses = sorted(group.misses, key=lambda call: (started_at(call), call.call_id))
        last, through = misses[-1], self._reached.get(key)
        begun = started_at(last)
        return MissedCalls(
            caller=group.caller,
            did=group.did,
            calls=tuple(call.call_id for call in misses),
            first_at=started_at(misses[0]),
            last_at=begun,
            last_result=last.result,
            announced=sum(call.answered_by is AnsweredBy.ANNOUNCEMENT for call in misses),
            reached_at=through if through is not None and through > begun else None,
            call_back=newest(said[call.call_id] for call in misses if call.call_id in said),
        )


def newest(said: Iterable[CallBack]) -> CallBack | None:
    """What was said last."""
    return max(said, key=lambda call_back: call_back.at, default=None)


def counted(groups: Sequence[MissedCalls]) -> dict[str, int]:
    """How many lines are in which state; `reached_later` are those nobody need call."""
    found = {state.value: 0 for state in CallBackState} | {"reached_later": 0}
    for group in groups:
        found["reached_later" if group.reached_at is not None else group.state.value] += 1
    return found
