"""What a day's INVITEs read to with the trunks' settings, counted: one after the other, in a memory that does not grow
with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Final

from ringfence.domain.numbers import NumberError, parse_e164
from ringfence.domain.received_invite import Invite
from ringfence.domain.received_number import BareNumber, DidSource, NumberRules, ReadNumber, Rule, read_number

MAX_UNKNOWN: Final = 10_000
MAX_FORMS: Final = 1_000
MIN_GAIN_PERCENT: Final = 1.0
MAX_TAIL: Final = 6
MAX_TAILED_DIDS: Final = 20_000
"""Of more DIDs the last digits say too little."""
MAX_RANGES: Final = 100


@dataclass(frozen=True, slots=True)
class Form:
    """Numbers of one look, read by the same rules. `shape` is as `0 and 10 digits`."""

    trunk: str
    shape: str
    rules: tuple[Rule, ...]


@dataclass(slots=True)
class FormCount:
    """`known`: how many of them read to a DID of the directory. `example` is the first that came, as (received,
    DID)."""

    example: tuple[str, str]
    count: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Settings of a trunk, as lines of the configuration, with which more of its calls would read. `good_now` and
    `good_then` count calls of `calls`."""

    trunk: str
    settings: tuple[str, ...]
    calls: int
    good_now: int
    good_then: int

    @property
    def sentence(self) -> str:
        now, then = _percent(self.good_now, self.calls), _percent(self.good_then, self.calls)
        return f"trunk {self.trunk}: {then} % would read with {', '.join(self.settings)} (now {now} %)"


@dataclass(slots=True)
class _Trunk:
    alternatives: list[NumberRules]
    otherwise: list[int]
    """How many calls each of the alternatives would read."""
    calls: int = 0
    good: int = 0
    by_tail: Counter[tuple[DidSource, int]] = field(default_factory=Counter)
    ranges: dict[tuple[DidSource, int], set[str]] = field(default_factory=dict)


class InviteTally:
    """`known`: the DIDs of the directory; None: nobody could be asked, and a number counts as good that its country
    could have."""

    def __init__(self, rules: Mapping[str, NumberRules], known: Set[str] | None) -> None:
        self._rules = rules
        self._known = known
        self._tails = _tails(known) if known is not None and len(known) <= MAX_TAILED_DIDS else {}
        self._trunks = {name: _trunk_of(one) for name, one in rules.items()}
        self.forms: dict[Form, FormCount] = {}
        self.called: set[str] = set()
        self.unknown: Counter[str] = Counter()
        """Clean numbers that are no DID of the directory."""
        self.refused = 0
        self.more_unknown = 0

    @property
    def calls(self) -> int:
        return sum(trunk.calls for trunk in self._trunks.values())

    @property
    def good(self) -> int:
        return sum(trunk.good for trunk in self._trunks.values())

    @property
    def never_called(self) -> list[str]:
        return sorted((self._known or set()) - self.called)

    def add(self, name: str, invite: Invite) -> None:
        """One call by this trunk."""
        rules, trunk = self._rules[name], self._trunks[name]
        texts = {source: invite.text(source) for source in DidSource}
        number = read_number(texts[rules.source], rules)
        trunk.calls += 1
        good = self._is_good(number, rules)
        trunk.good += good
        self._note(name, number, rules, good)
        for place, other in enumerate(trunk.alternatives):
            # A number with a plus is read alike by all of them; a source that the carrier does not use has nothing.
            if text := texts[other.source]:
                alike = other.source is rules.source and text[0] == "+"
                trunk.otherwise[place] += good if alike else self._is_good(read_number(text, other), other)
        for source, text in texts.items():
            self._try_tails(trunk, source, text)

    def suggestions(self) -> list[Suggestion]:
        """For each trunk the settings that would read most, where they would read noticeably more."""
        found = []
        for name, trunk in self._trunks.items():
            good = max(trunk.otherwise)
            lines = _settings(self._rules[name], trunk.alternatives[trunk.otherwise.index(good)])
            tail = max(trunk.by_tail.items(), key=lambda item: item[1], default=None)
            if tail is not None and tail[1] > good:
                lines, good = self._tail_settings(name, tail[0]), tail[1]
            if (good - trunk.good) * 100 >= MIN_GAIN_PERCENT * trunk.calls and good > trunk.good:
                found.append(Suggestion(name, lines, trunk.calls, trunk.good, good))
        return found

    def _is_good(self, number: ReadNumber, rules: NumberRules) -> bool:
        if self._known is not None:
            return number.did in self._known
        return number.is_e164 and number.did.startswith(f"+{rules.country}") and _is_possible(number.did)

    def _note(self, name: str, number: ReadNumber, rules: NumberRules, good: bool) -> None:
        form = Form(name, shape_of(number.received, rules), tuple(fired.rule for fired in number.fired))
        if form not in self.forms and len(self.forms) >= MAX_FORMS:
            form = Form(name, "others", ())
        count = self.forms.setdefault(form, FormCount((number.received[:80], number.did)))
        count.count += 1
        count.known += good
        if number.refused:
            self.refused += 1
        elif self._known is not None and good:
            self.called.add(number.did)
        elif number.did in self.unknown or len(self.unknown) < MAX_UNKNOWN:
            self.unknown[number.did] += 1
        else:
            self.more_unknown += 1

    def _try_tails(self, trunk: _Trunk, source: DidSource, text: str) -> None:
        prefix = self._tails.get(text)
        if prefix:
            place = (source, len(text))
            trunk.by_tail[place] += 1
            ranges = trunk.ranges.setdefault(place, set())
            if len(ranges) < MAX_RANGES:
                ranges.add(f"{prefix}{text[:-2]}")

    def _tail_settings(self, name: str, place: tuple[DidSource, int]) -> tuple[str, ...]:
        source, length = place
        ranges = ", ".join(f'"{start}xx"' for start in sorted(self._trunks[name].ranges[place]))
        changed = [] if source is self._rules[name].source else [f'did_source = "{source.value}"']
        return (*changed, 'bare = "extension"', f"extension_length = {length}", f"ranges = [{ranges}]")


def shape_of(received: str, rules: NumberRules) -> str:
    """What a number looks like, without its digits: its start as the settings know it, and how many follow."""
    number, _, parameters = received.partition(";")
    ending = f" and ;{parameters.partition('=')[0].partition(';')[0][:20]}" if parameters else ""
    if not number.removeprefix("+").isdecimal() or not number.isascii():
        return f"no number{ending}" if number else "nothing there"
    country, national = rules.country, rules.national_prefix
    starts = [f"+{country}{national}"] if national else []
    starts += [f"+{country}", "+"]
    starts += (
        [f"{rules.international_prefix}{country}", rules.international_prefix] if rules.international_prefix else []
    )
    starts += [national, country]
    for start in starts:
        if start and number.startswith(start) and not (start == country and len(number) < 10):
            return f"{start} and {len(number) - len(start)} digits{ending}"
    return f"{len(number)} digits{ending}"


def _trunk_of(rules: NumberRules) -> _Trunk:
    alternatives = _alternatives(rules)
    return _Trunk(alternatives, [0] * len(alternatives))


def _alternatives(rules: NumberRules) -> list[NumberRules]:
    """The fewest changes first: of two that read as much, the first is taken."""
    bares = [rules.bare, *(bare for bare in (BareNumber.E164, BareNumber.NATIONAL) if bare is not rules.bare)]
    sources = [rules.source, *(source for source in DidSource if source is not rules.source)]
    found = [replace(rules, source=source, bare=bare) for source in sources for bare in bares]
    found += [replace(rules, source=source, national_prefix="", bare=BareNumber.E164) for source in sources]
    return [one for one in found if one != rules]


def _settings(rules: NumberRules, other: NumberRules) -> tuple[str, ...]:
    lines = []
    if other.source is not rules.source:
        lines.append(f'did_source = "{other.source.value}"')
    if other.bare is not rules.bare:
        lines.append(f'bare = "{other.bare.value}"')
    if other.national_prefix != rules.national_prefix:
        lines.append(f'national_prefix = "{other.national_prefix}"')
    return tuple(lines)


def _tails(known: Set[str]) -> dict[str, str]:
    """Last digits -> what stands before them, empty where several DIDs end so."""
    tails: dict[str, str] = {}
    for did in known:
        for length in range(2, min(MAX_TAIL, len(did) - 2) + 1):
            tail = did[-length:]
            tails[tail] = "" if tail in tails else did[:-length]
    return tails


def _is_possible(did: str) -> bool:
    try:
        return parse_e164(did, "ZZ") == did
    except NumberError:
        return False


def _percent(part: int, whole: int) -> str:
    """Never 100 for less than all."""
    return f"{part * 100 // whole if whole else 0}"
