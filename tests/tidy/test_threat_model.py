"""Every claim of the threat model names what proves it, and that exists."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.tidy.tree import ROOT, TESTS, python_files, text_of, tree_of

PAGE = ROOT / "docs" / "explanation" / "threat-model.md"
PROOF = re.compile(r"`(test_\w+\.py)::(\w+)`")
PARTS = ["How", "Stops it", "Notices it", "Left", "Proof"]
THREATS = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##)", text_of(PAGE), re.MULTILINE | re.DOTALL))


@cache
def _there() -> frozenset[tuple[str, str]]:
    return frozenset(
        (path.name, node.name)
        for path in python_files(TESTS)
        if path.name.startswith("test_")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_test_that_is_named_exists() -> None:
    named = PROOF.findall(text_of(PAGE))
    assert len(named) > 50
    assert [one for one in named if one not in _there()] == []
    # What looks like one and is written otherwise would not be looked for.
    assert len(named) == text_of(PAGE).count("::test_")


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_says_what_stops_it_what_notices_it_and_what_is_left(threat: str) -> None:
    assert re.findall(r"^- \*\*(.+?)\*\*:", THREATS[threat], re.MULTILINE) == PARTS
    assert len(PROOF.findall(THREATS[threat].partition("**Proof**")[2])) >= 3


def test_every_metric_and_alert_that_is_named_exists() -> None:
    metrics = text_of(ROOT / "docs" / "reference" / "metrics.md")
    alerts = text_of(ROOT / "docs" / "monitoring" / "alerts.yml")
    assert [name for name in re.findall(r"`(ringfence_\w+)`", text_of(PAGE)) if f"`{name}`" not in metrics] == []
    assert [
        name for name in re.findall(r"`(Ringfence[A-Z]\w+)`", text_of(PAGE)) if f"alert: {name}\n" not in alerts
    ] == []
