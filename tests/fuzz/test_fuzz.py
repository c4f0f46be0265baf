"""A short part of `make fuzz`: known inputs that once broke something, and the first few that the fuzzers make of the
samples. The same on every machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

import ringfence
from tests.fuzz import growth
from tests.fuzz.engine import hunt
from tests.fuzz.mutate import Mutator
from tests.fuzz.not_fuzzed import NOT_FUZZED
from tests.fuzz.registry import all_targets
from tests.fuzz.samples import CORPUS, found_before
from tests.fuzz.target import Target, Try, holds

SERVICE = Path(ringfence.__file__).parent
INPUTS = 25
"""Changed ones, besides the samples."""
DECODES = re.compile(
    r"json\.loads|tomllib\.loads|csv\.reader|struct\.unpack|unpack_from|b64decode|\.fromisoformat|strptime|urlsplit|"
    r"ip_address\(|ip_network\(|parse_qs|\.decode\(\"|\.decode\(errors|tarfile\.open|load_workbook|re\.compile"
)


@pytest.mark.parametrize("target", all_targets().values(), ids=lambda target: target.name)
def test_nothing_breaks_a_parser(target: Target) -> None:
    limit = 0 if target.dear else INPUTS + len(target.seeds)
    found = hunt(target, 1, lambda inputs: inputs < limit, found_before(target.name), few=target.dear)
    assert found.findings == []


def test_what_once_broke_a_parser_is_of_one_that_is_there() -> None:
    assert {path.stem for path in CORPUS.glob("*.jsonl")} <= set(all_targets())


def test_every_module_that_reads_is_fuzzed_or_says_why_not() -> None:
    fuzzed = {module for target in all_targets().values() for module in target.modules}
    reading = set(_modules_that_decode())
    assert sorted(reading - fuzzed - NOT_FUZZED.keys()) == [], "add it to a target's modules, or to not_fuzzed.py"
    assert sorted(NOT_FUZZED.keys() - reading) == [], "reads nothing any more"
    assert sorted(NOT_FUZZED.keys() & fuzzed) == []


def _modules_that_decode() -> Iterator[str]:
    for path in SERVICE.rglob("*.py"):
        if DECODES.search(path.read_text(encoding="utf-8")):
            yield ".".join(("ringfence", *path.relative_to(SERVICE).with_suffix("").parts)).removesuffix(".__init__")


def _planted(attempt: Try) -> Target:
    return Target("planted", "", "", lambda: attempt, made=lambda: (b"number: 12, text: abc", b"::"))


def test_a_planted_fault_is_found_and_made_small() -> None:
    def fails(data: bytes) -> str:
        if data.count(b"::") > 1:
            raise KeyError("two of them")
        return "fine"

    found = hunt(_planted(fails), 1, lambda inputs: inputs < 500)
    assert [(finding.what, finding.data) for finding in found.findings] == [("KeyError: '?'", b"::::")]


def test_a_rule_that_does_not_hold_is_found_once() -> None:
    def fails(data: bytes) -> str:
        holds(len(data) < 30, "too long", len(data))
        return str(len(data))

    found = hunt(_planted(fails), 1, lambda inputs: inputs < 300)
    assert [(finding.what, len(finding.data)) for finding in found.findings] == [("too long: 30", 30)]


@pytest.mark.parametrize(("power", "said"), [(1, []), (2, ["time grows faster than the input"])])
def test_time_that_grows_with_the_square_of_an_input_is_found(
    monkeypatch: pytest.MonkeyPatch, power: int, said: list[str]
) -> None:
    # Made up, for a busy machine's clock tells nothing.
    monkeypatch.setattr(growth, "_seconds", lambda _, data: 0.1 * (len(data) / growth.FIRST_BYTES) ** power)
    found = hunt(_planted(lambda data: "fine"), 1, lambda inputs: inputs < 5)
    growth.growing(found, 1, lambda pieces: pieces < 30)
    assert [finding.what.partition(":")[0] for finding in found.findings] == said


def test_one_seed_makes_the_same_inputs() -> None:

    def made(seed: int) -> list[bytes]:
        mutator = Mutator(Random(seed), (b"word",), 100)
        return [mutator.changed(b'{"a": [1, 2, {"b": "c"}]}', b"x;y") for _ in range(50)]

    assert made(1) == made(1) != made(2)
