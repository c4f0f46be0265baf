"""Findings as lines for people, as JSON, and as an exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from ringfence.cli.doctor.finding import Finding, State
from ringfence.cli.invocation import NOT_WELL

_STYLES: Final = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.UNKNOWN: "cyan"}


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """One line each, the fix below it."""
    for finding in findings:
        line = Text.assemble((f"{finding.state:<8}", _STYLES[finding.state]), f"{finding.check}: {finding.words}")
        console.print(line, soft_wrap=True)
        if finding.fix:
            console.print(Text(f"        -> {finding.fix}"), soft_wrap=True)
    console.print(summary(findings), soft_wrap=True)


def summary(findings: Sequence[Finding]) -> str:
    """How many of each state."""
    counted = Counter(finding.state for finding in findings)
    return ", ".join(f"{counted[state]} {state}" for state in State if counted[state])


def findings_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The same for programs."""
    return {
        "ok": exit_status(findings) == 0,
        "findings": [
            {"check": finding.check, "state": str(finding.state), "words": finding.words, "fix": finding.fix}
            for finding in findings
        ],
    }


def exit_status(findings: Sequence[Finding]) -> int:
    """Not 0 when something failed. A warning, or a thing that could not be asked, is no failure."""
    return NOT_WELL if any(finding.state is State.FAIL for finding in findings) else 0
