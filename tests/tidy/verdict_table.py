"""Which evidence gives which verdict, as a table whose last two columns are computed by `domain.verdict`.

Run `python -m tests.tidy.verdict_table` after a change of the weighing; a tidy test keeps the page equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ringfence.domain.health import EvidenceKind, Health, HealthState
from ringfence.domain.moment import Moment
from ringfence.domain.outcomes import CallOutcome, CallWindow, OutcomeClass, OutcomePolicy
from ringfence.domain.verdict import Evidence, Speaks, Surroundings, Verdict, WitnessPolicy, weigh_platform
from tests.marked_text import replaced_between
from tests.tidy.tree import ROOT
from tests.unit.moments import at

PAGE = ROOT / "docs" / "explanation" / "outage-decision.md"
BEGIN = "<!-- computed from domain/verdict.py by `python -m tests.tidy.verdict_table`; do not edit -->"
END = "<!-- end of what is computed -->"

NOW: Final = at(1000)
SILENT_SINCE: Final = at(980)


def health(state: HealthState, *, ever: bool = True, passed: Moment | None = None, missing: bool = False) -> Health:
    missing_since = SILENT_SINCE if state is HealthState.DOWN or missing else None
    return Health(state, 0, ever, passed, passed, missing_since, NOW, "")


GOOD: Final = health(HealthState.UP, passed=at(999))
STALE: Final = health(HealthState.UP, passed=at(900))
LOST: Final = health(HealthState.DOWN, passed=at(979))
NEVER: Final = health(HealthState.UNKNOWN, ever=False, missing=True)
STATES: Final = {"good": GOOD, "stale": STALE, "missed": LOST, "never seen": NEVER}

_PUT_THROUGH: Final = CallWindow((), at(999))
_FAILURES: Final = tuple(
    CallOutcome("uc", f"+44113496{n:04}", f"+4477009000{n:02}", OutcomeClass.FAILURE, 503, at(990)) for n in range(10)
)
_LOGGED_OUT: Final = tuple(
    replace(failure, outcome=OutcomeClass.UNDELIVERABLE, status=480, doubtful=True) for failure in _FAILURES
)
CALLS: Final = {
    "none": CallWindow(),
    "put through": _PUT_THROUGH,
    "refused": CallWindow(_FAILURES),
    "logged out": CallWindow(_LOGGED_OUT),
}
_UNUSUAL: Final = (Evidence(EvidenceKind.ANSWER_RATIO, Speaks.AGAINST, ""),)


@dataclass(frozen=True, slots=True)
class Row:
    """Empty: that kind is not configured."""

    sip: str
    registration: str = ""
    weak: str = ""
    certificate: str = ""
    calls: str = "none"
    unusual: bool = False

    def verdict(self) -> Verdict:
        kinds = {
            EvidenceKind.SIP_OPTIONS: self.sip.split(" / ")[0],
            EvidenceKind.CONTACT_STATUS: self.sip.split(" / ")[-1],
            EvidenceKind.REGISTRATION: self.registration,
            EvidenceKind.TCP: self.weak,
            EvidenceKind.HTTP: self.weak,
            EvidenceKind.CERTIFICATE: self.certificate,
        }
        probes = {kind: STATES[word] for kind, word in kinds.items() if word}
        return weighed(probes, CALLS[self.calls], _UNUSUAL if self.unusual else ())


def weighed(probes: Mapping[EvidenceKind, Health], calls: CallWindow, hints: tuple[Evidence, ...] = ()) -> Verdict:
    return weigh_platform(probes, calls, Surroundings(), NOW, OutcomePolicy(), WitnessPolicy(), hints)


ROWS: Final = (
    Row("good"),
    Row("good / missed"),
    Row("missed"),
    Row("missed", weak="good"),
    Row("missed", weak="good", certificate="good"),
    Row("missed", registration="good"),
    Row("missed", registration="stale"),
    Row("missed", registration="missed", weak="good"),
    Row("missed", weak="good", calls="put through"),
    Row("good", registration="missed"),
    Row("good", weak="missed"),
    Row("good", certificate="missed"),
    Row("good", weak="missed", certificate="missed"),
    Row("good", unusual=True),
    Row("good", weak="missed", calls="put through"),
    Row("good", weak="good", certificate="good", calls="refused"),
    Row("good", calls="logged out"),
    Row("good", calls="logged out", unusual=True),
    Row("never seen"),
    Row("never seen", weak="good"),
    Row("never seen", weak="missed"),
    Row("never seen", weak="missed", calls="put through"),
    Row("never seen", registration="good"),
    Row("never seen", registration="missed"),
    Row("never seen", registration="missed", weak="good"),
    Row("never seen", weak="good", calls="refused"),
)


def table() -> str:
    lines = [
        "| OPTIONS / contact status | registration | TCP and HTTP | certificate | calls | verdict | because |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        verdict = row.verdict()
        calls = " and ".join([row.calls] * (row.calls != "none") + ["unusual"] * row.unusual) or "none"
        cells = (row.sip, row.registration or "-", row.weak or "-", row.certificate or "-", calls)
        lines.append(f"| {' | '.join(cells)} | **{verdict.state}** | {verdict.reason.sentence} |")
    return "\n".join(lines)


def computed_into(text: str) -> str:
    """The page with the table of today between its two marks."""
    return replaced_between(text, BEGIN, END, table())


def compute(page: Path = PAGE) -> None:
    page.write_text(computed_into(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    compute()
