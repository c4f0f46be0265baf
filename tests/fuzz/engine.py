"""The hunt: inputs are changed, tried, and kept where they reach something new; what breaks is made small."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import ringfence
from tests.fuzz.cover import Cover
from tests.fuzz.mutate import Mutator
from tests.fuzz.target import Broken, Target, Try, shape

MAX_KEPT: Final = 2_000
MAX_FINDINGS: Final = 20
MAX_SHORTENINGS: Final = 1_500
CPU_SECONDS: Final = 5.0
"""Of one input of some kilobytes: a thousand times what the slowest parser takes."""

_OURS: Final = str(Path(ringfence.__file__).parent)


class TooSlow(Exception):
    """An input took CPU_SECONDS of our own time."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What broke, where, and the least that breaks it."""

    target: str
    what: str
    where: str
    data: bytes

    @property
    def kind(self) -> tuple[str, str]:
        """Two of the same kind have the same cause."""
        return self.what.partition(":")[0], self.where


@dataclass(slots=True)
class Hunt:
    """What became of one parser."""

    target: Target
    inputs: int = 0
    kept: list[bytes] = field(default_factory=list)
    outcomes: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    covered: int = 0
    lines: int = 0
    grown: int = 0
    """Pieces that were repeated, to see whether time and memory grow faster than the input."""


def hunt(
    target: Target, seed: int, goes_on: Callable[[int], bool], known: Sequence[bytes] = (), few: bool = False
) -> Hunt:
    """Tries the samples and `known` inputs as they are, then changed ones as long as `goes_on`(inputs so far). `few`:
    one sample in twenty."""
    found, attempt, cover = Hunt(target), target.make(), Cover(target.modules)
    mutator = Mutator(random := Random(f"{seed} {target.name}"), target.words, target.max_bytes)
    for data in (*(target.seeds[::20] if few else target.seeds), *known):
        _take(found, attempt, cover, data, always=True)
    while goes_on(found.inputs) and len(found.findings) < MAX_FINDINGS:
        # The newest are the most promising: half of the time one of the last ten.
        one = random.choice(found.kept[-10:] if random.random() < 0.5 else found.kept)
        _take(found, attempt, cover, mutator.changed(one, random.choice(found.kept)))
    found.covered, found.lines = cover.covered, len(cover.all_lines)
    return found


def broken_by(attempt: Try, data: bytes, name: str) -> Finding | None:
    """What this input breaks; None: nothing."""
    try:
        with watched():
            attempt(data)
    except Exception as error:  # noqa: BLE001  a fuzzer's whole purpose
        return Finding(name, *_told(error), data)
    return None


def _take(found: Hunt, attempt: Try, cover: Cover, data: bytes, always: bool = False) -> None:
    found.inputs += 1
    cover.begin()
    try:
        with watched():
            outcome = attempt(data)
    except Exception as error:  # noqa: BLE001
        cover.end()
        finding = Finding(found.target.name, *_told(error), data)
        if all(finding.kind != known.kind for known in found.findings):
            found.findings.append(_least(attempt, finding))
        return
    new = cover.end()
    if (always or new or outcome not in found.outcomes) and len(found.kept) < MAX_KEPT:
        found.kept.append(data)
    found.outcomes.add(outcome)


def _told(error: Exception) -> tuple[str, str]:
    """What is wrong, and the innermost line of ours."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(_OURS)]
    where = f"{Path(frames[-1].filename).relative_to(_OURS)}:{frames[-1].lineno}" if frames else ""
    if isinstance(error, Broken):
        return str(error), ""
    # How deep it went when it gave up, and in which word of the reader, is chance.
    if isinstance(error, RecursionError):
        return "RecursionError: nested too deeply", ""
    return f"{type(error).__name__}: {shape(error)}", where


def _least(attempt: Try, finding: Finding) -> Finding:
    """The same finding by less: pieces are taken out as long as it stays, the large ones first."""
    left, size = MAX_SHORTENINGS, max(1, len(finding.data) // 2)
    while left > 0:
        at, shorter = 0, False
        while at < len(finding.data) and left > 0:
            left -= 1
            data = finding.data[:at] + finding.data[at + size :]
            again = broken_by(attempt, data, finding.target)
            if again is not None and again.kind == finding.kind:
                finding, shorter = again, True
            else:
                at += size
        if size == 1 and not shorter:
            break
        size = max(1, size // 2)
    return finding


@contextmanager
def watched() -> Iterator[None]:
    """Raises TooSlow within the block. CPU of our own: others on this machine do not count."""

    def late(*_: object) -> None:
        raise TooSlow(f"more than {CPU_SECONDS:g} s of CPU")

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
