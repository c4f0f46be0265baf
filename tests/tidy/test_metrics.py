"""Metrics, their page, the alert rules and the dashboard speak of the same things."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ringfence.app.backup.keeper import BackupView, MadeBackup
from ringfence.domain.usual_words import UsualView
from tests.fakes.doors import http_door
from tests.fakes.roster_node import RosterNode
from tests.tidy.tree import ROOT, text_of

MONITORING = ROOT / "docs" / "monitoring"
PAGE = ROOT / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)
NAME = re.compile(r"\b(?:ringfence|process)_\w+")
LABEL_USED = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"")
FROM_PROMETHEUS = frozenset({"instance", "job"})

Exported = dict[str, tuple[str, frozenset[str]]]


@pytest.fixture(scope="module")
async def exported() -> Exported:
    """Sample's name -> type and labels, of a node that has everything."""
    node = RosterNode()
    found: Exported = {}
    async with node.running(), http_door(node) as client:
        await node.load_first()
        await node.platform(True)
        newest = MadeBackup(node.clock.now().wall, 1)
        usual = UsualView(3, dict.fromkeys(node.holder.current.targets, ()))
        node.holder.swap(replace(node.holder.current, backup=BackupView(newest), usual=usual))
        assert (await client.get("/v1/coverage")).status_code == 200
        for family in text_string_to_metric_families((await client.get("/metrics")).text):
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    found[sample.name] = (family.type, frozenset(sample.labels))
    return found


async def test_the_page_lists_every_metric_with_its_labels(exported: Exported) -> None:
    listed = {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(text_of(PAGE))
    }
    assert listed == exported, "docs/reference/metrics.md and web/metrics.py differ"


async def test_alerts_ask_for_metrics_and_labels_that_exist(exported: Exported) -> None:
    (group,) = yaml.safe_load(text_of(MONITORING / "alerts.yml"))["groups"]
    for rule in group["rules"]:
        assert _strangers(rule["expr"], exported) == []


async def test_the_dashboard_asks_for_metrics_and_labels_that_exist(exported: Exported) -> None:
    board = json.loads(text_of(MONITORING / "dashboard.json"))
    asked = [*_expressions(board["panels"]), *(item.get("definition", "") for item in board["templating"]["list"])]
    assert sum(len(NAME.findall(expression)) for expression in asked) > 20
    for expression in asked:
        assert _strangers(expression, exported) == []


async def test_the_dashboard_shows_everything(exported: Exported) -> None:
    shown = {
        name
        for text in _expressions(json.loads(text_of(MONITORING / "dashboard.json"))["panels"])
        for name in NAME.findall(text)
    }
    assert set(exported) - shown == set()


def test_panels_have_names_and_places_of_their_own() -> None:
    panels = json.loads(text_of(MONITORING / "dashboard.json"))["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def _expressions(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        for target in panel["targets"]:
            yield target["expr"]


def _strangers(expression: str, exported: Exported) -> list[str]:
    """Names that no node exports, and labels that none of the named metrics has."""
    names = NAME.findall(expression)
    known = FROM_PROMETHEUS.union(*(exported[name][1] for name in names if name in exported))
    return [name for name in names if name not in exported] + [
        label for label in LABEL_USED.findall(expression) if label not in known
    ]
