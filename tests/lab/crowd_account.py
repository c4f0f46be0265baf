"""What became of a crowd's calls, told by the wire alone: what each caller heard and received, and what the telephones
outside did. Nothing the daemon or the dialplan says is asked."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Final
from urllib.parse import unquote

from tests.lab.call_result import CallResult
from tests.lab.heard import PACKET_SECONDS, RTP_HEAD, audible_seconds
from tests.lab.keypad import SPEECH
from tests.lab.number_scanner import DRAMA, found_in
from tests.lab.records import ReceivedCall

HEARD_SECONDS: Final = 0.2
WINDOW_CALLS: Final = 100
IN_USE_BEFORE_SECONDS: Final = 0.3
IN_USE_AFTER_SECONDS: Final = 0.2
"""Around a turn: a telephone is taken a moment before it is rung, and free a moment after it has ended."""
UNHEARD_SECONDS: Final = 2.0
"""Until a telephone that never says anything is given up."""


@dataclass(frozen=True, slots=True)
class Brought:
    """One call of the crowd; `line` is empty for a person's."""

    line: str
    caller: str
    result: CallResult


@dataclass(frozen=True, slots=True)
class Numbers:
    """The last of every plan, and where an answer is enough."""

    receptions: Sequence[str]
    unasked: Sequence[str]


class Told:
    """One call with the legs that were dialled for it, in the order of their INVITEs."""

    def __init__(self, call: Brought, legs: Sequence[ReceivedCall], numbers: Numbers, clock: float) -> None:
        """`clock`: what a caller's monotonic times lack to those of the legs."""
        self.call, self.legs, self._numbers, self._clock = call, legs, numbers, clock

    @property
    def result(self) -> CallResult:
        return self.call.result

    @property
    def answered_at(self) -> float | None:
        """In the legs' time."""
        return None if self.result.answered_at is None else self.result.answered_at + self._clock

    @cached_property
    def put_through(self) -> bool:
        """Somebody took it: pressed 1, or was not asked; and was still there when the caller was answered."""
        answered_at = self.answered_at
        return answered_at is not None and any(
            self._taken(leg) and (leg.ended_at is None or leg.ended_at > answered_at) for leg in self.legs
        )

    @cached_property
    def heard_seconds(self) -> float:
        return audible_seconds(self.result.rtp_packets)

    @property
    def announced(self) -> bool:
        return self.result.answered and not self.put_through and self.heard_seconds >= HEARD_SECONDS

    @property
    def lost(self) -> bool:
        """Answered by nobody and nothing; or by the announcement, though its reception was not rung or took it."""
        if self.put_through:
            return False
        at_reception = [leg for leg in self.legs if leg.number in self._numbers.receptions]
        refused = bool(at_reception) and all(leg.final_status not in (None, 200) for leg in at_reception)
        return not (self.announced and refused)

    @property
    def in_silence(self) -> bool:
        """Neither put through nor with anything to hear: no ringing, no music, no announcement."""
        rang = self.result.ringing_after_seconds is not None and not self.result.answered
        return not self.put_through and self.heard_seconds < HEARD_SECONDS and not rang

    @property
    def met_a_voicemail(self) -> bool:
        """What voicemails of the lab say reached the caller. One last packet does not count: the
        port of a leg that has ended may be another's by then."""
        spoken = sum(packet[RTP_HEAD:] == SPEECH for packet in self.result.rtp_packets)
        return spoken * PACKET_SECONDS >= HEARD_SECONDS

    @property
    def shown_numbers(self) -> list[str]:
        """Private numbers in anything the caller's side received."""
        texts = (unquote(message.decode("latin-1")) for message in self.result.received)
        # Looked at closely only where the digits are there at all: it is a matter of minutes.
        return [number for text in texts if DRAMA in _digits(text) for number in found_in(text)]

    @property
    def first_heard_seconds(self) -> float | None:
        times = [response.at for response in self.result.responses if 180 <= response.status < 190]
        times += [*self.result.rtp_packet_times[:1], *([self.result.answered_at] if self.result.answered_at else [])]
        return min(times) - self.result.invited_at if times else None

    def moves_on(self) -> list[float]:
        """After how many seconds each attempt that came to nothing was followed by the next, or by the announcement."""
        found = []
        following = (*(leg.at for leg in self.legs[1:]), self.answered_at)
        for leg, next_at in zip(self.legs, following, strict=False):
            over_at = _over_at(leg)
            if over_at is not None and next_at is not None and not self._taken(leg):
                found.append(max(0.0, next_at - over_at))
        return found

    def _taken(self, leg: ReceivedCall) -> bool:
        return leg.final_status == 200 and (leg.pressed.startswith("1") or leg.number in self._numbers.unasked)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _over_at(leg: ReceivedCall) -> float | None:
    """When a telephone said no, or was left; nothing of one that has never said anything."""
    if leg.pressed.startswith("2"):
        return leg.pressed_at
    return leg.final_at if leg.final_status not in (None, 200, 487) else leg.ended_at


@dataclass(frozen=True, slots=True)
class Account:
    """All calls of a crowd, in the order in which they came."""

    told: tuple[Told, ...]

    @classmethod
    def of(cls, calls: Iterable[Brought], legs: Iterable[ReceivedCall], numbers: Numbers) -> Account:
        clock = time.time() - time.monotonic()
        by_caller: dict[str, list[ReceivedCall]] = {}
        for leg in sorted(legs, key=lambda leg: leg.at):
            by_caller.setdefault(leg.caller, []).append(leg)
        told = [Told(call, by_caller.get(call.caller, []), numbers, clock) for call in calls]
        return cls(tuple(sorted(told, key=lambda each: each.result.invited_at)))

    def of_line(self, name: str) -> list[Told]:
        return [told for told in self.told if told.call.line == name]

    def worst_answer_seconds(self) -> float | None:
        """From the INVITE to the end of the plan: put through, or told that nobody is there."""
        return max((told.result.answered_after_seconds or 0.0 for told in self.told), default=None)

    def worst_move_seconds(self, one_after_another: Sequence[str]) -> float | None:
        """The longest from a refusal to the next attempt, of persons and of these lines."""
        lines = {"", *one_after_another}
        return max((each for told in self.told if told.call.line in lines for each in told.moves_on()), default=None)

    def uneven_by(self, line: str, members: Sequence[str], window: int = WINDOW_CALLS) -> int | None:
        """Over any so many calls to a line: how many more turns one member had than another."""
        first = [leg.number for leg in self._turns(line, members)]
        return max(
            (_spread(first[begin : begin + window], members) for begin in range(len(first) - window + 1)), default=None
        )

    def out_of_turn(self, line: str, members: Sequence[str]) -> int:
        """Calls whose first telephone was rung though that of another member was free and had waited for longer."""
        legs = [leg for told in self.of_line(line) for leg in told.legs]
        last = dict.fromkeys(members, -1)
        found = 0
        for place, turn in enumerate(self._turns(line, members)):
            waiting_longer = [number for number, seen in last.items() if seen < last[turn.number]]
            found += any(not _in_use(legs, number, turn.at) for number in waiting_longer)
            last[turn.number] = place
        return found

    def _turns(self, line: str, members: Sequence[str]) -> list[ReceivedCall]:
        """The first member rung for each call."""
        rung = ([leg for leg in told.legs if leg.number in members] for told in self.of_line(line))
        return sorted((legs[0] for legs in rung if legs), key=lambda leg: leg.at)


def _spread(window: Sequence[str], members: Sequence[str]) -> int:
    counts = Counter(window)
    turns = [counts[member] for member in members]
    return max(turns) - min(turns)


def _in_use(legs: Iterable[ReceivedCall], number: str, at: float) -> bool:
    for leg in legs:
        over_at = leg.ended_at or (inf if leg.final_status == 200 else leg.final_at or leg.at + UNHEARD_SECONDS)
        if leg.number == number and leg.at - IN_USE_AFTER_SECONDS <= at <= over_at + IN_USE_BEFORE_SECONDS:
            return True
    return False
