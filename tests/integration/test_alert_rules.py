"""The shipped alert rules, judged by Prometheus' own promtool: silent while all is well, loud when they must be."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.lab.desk_programs import ensure_promtool
from tests.tidy.tree import ROOT, text_of

RULES_FILE = ROOT / "docs" / "monitoring" / "alerts.yml"
RUNBOOK = ROOT / "docs" / "howto" / "runbook.md"


class Case(NamedTuple):
    """`series` of one value a minute, in promtool's notation, from which `alert` speaks at `fires` and not at `silent`.
    `labels`: the alert's own, besides `instance`, `job` and the severity; `value`: how its text shows the value."""

    alert: str
    series: dict[str, str]
    silent: str
    fires: str
    labels: dict[str, str] = {}  # noqa: RUF012  never changed
    value: str = ""


NODE = 'instance="node-1:8090", job="ringfence"'
UC = {"scope": "uc"}
DESK = {"route": "desk"}


def _verdict(role: str, state: str, target: str, values: str) -> dict[str, str]:
    return {f'ringfence_verdict{{{NODE}, role="{role}", target="{target}", state="{state}"}}': values}


def _one(name: str, values: str, **labels: str) -> dict[str, str]:
    more = "".join(f', {key}="{value}"' for key, value in labels.items())
    return {f"{name}{{{NODE}{more}}}": values}


CASES = [
    Case("RingfenceNotScraped", {f"up{{{NODE}}}": "1x5 0x20"}, "6m", "9m"),
    Case("RingfenceModeNotNormal", _one("ringfence_mode", "0x5 1x9", scope="uc", mode="FAILED_OVER"), "5m", "6m", UC),
    Case("RingfenceModeNotNormal", _one("ringfence_mode", "0x5 1x9", scope="uc", mode="HOLD_DOWN"), "5m", "6m", UC),
    Case(
        "RingfencePlatformDown",
        _verdict("platform", "down", "uc", "0x5 1x9"),
        "5m",
        "6m",
        {"role": "platform", "target": "uc", "state": "down"},
    ),
    Case(
        "RingfencePlatformDegraded",
        _verdict("platform", "degraded", "uc", "0x5 1x9"),
        "10m",
        "11m",
        {"role": "platform", "target": "uc", "state": "degraded"},
    ),
    Case(
        "RingfencePlatformUnknown",
        _verdict("platform", "unknown", "uc", "0x5 1x30"),
        "20m",
        "21m",
        {"role": "platform", "target": "uc", "state": "unknown"},
    ),
    Case(
        "RingfenceTrunkDown",
        _verdict("trunk", "down", "carrier", "0x5 1x9"),
        "6m",
        "7m",
        {"role": "trunk", "target": "carrier", "state": "down"},
    ),
    Case("RingfenceModeNotPublished", _one("ringfence_mode_published", "1x5 0x9", scope="uc"), "6m", "7m", UC),
    Case("RingfenceOverrideForgotten", _one("ringfence_overridden", "0x5 1x900", scope="uc"), "12h", "12h6m", UC),
    Case("RingfenceAsteriskDown", _one("ringfence_asterisk_up", "1x5 0x9"), "6m", "7m"),
    Case("RingfenceModulesMissing", _one("ringfence_modules_missing", "0x5 2x9"), "6m", "7m"),
    Case("RingfenceDialplanMissing", _one("ringfence_dialplan_missing", "0x5 1x9"), "6m", "7m"),
    Case("RingfenceTableDiffers", _one("ringfence_table_equal", "1x5 0x20"), "10m", "11m"),
    Case("RingfenceTableStale", _one("ringfence_table_age_seconds", "0+60x20"), "10m", "11m", {}, "11m 0s"),
    Case("RingfenceStoreDown", _one("ringfence_store_up", "1x5 0x9"), "7m", "8m"),
    Case("RingfenceBackupLate", _one("ringfence_backup_late", "0x5 1x60"), "35m", "36m"),
    Case("RingfenceUnstoredChanges", _one("ringfence_unstored_changes", "0x5 3x20"), "10m", "11m", {}, "3"),
    Case("RingfenceLoopLate", _one("ringfence_late_observations_total", "0x5 3x5 9x20"), "10m", "12m"),
    Case("RingfenceItemsDropped", _one("ringfence_dropped_items_total", "4x5 5x20"), "5m", "6m"),
    Case(
        "RingfenceHrSourceLate",
        _one("ringfence_hr_source_late", "0x5 1x60", source="payroll"),
        "35m",
        "36m",
        {"source": "payroll"},
    ),
    Case(
        "RingfenceHrSourceFailing",
        _one("ringfence_hr_source_failing", "0x5 1x200", source="payroll"),
        "2h5m",
        "2h6m",
        {"source": "payroll"},
    ),
    Case("RingfenceHrPlansWait", _one("ringfence_hr_open_plans", "0x5 2x1500"), "24h5m", "24h6m", {}, "2"),
    Case("RingfenceDidConflict", _one("ringfence_did_conflicts", "0x5 2x1500"), "24h5m", "24h6m", {}, "2"),
    Case(
        "RingfenceCoverageBelowTarget",
        _one("ringfence_coverage_ratio", "0.96x5 0.9x90") | _one("ringfence_coverage_target_ratio", "0.95x100"),
        "65m",
        "66m",
        {},
        "90%",
    ),
    Case("RingfenceRouteFailing", _one("ringfence_route_failing", "0x5 1x9", route="desk"), "10m", "11m", DESK),
    Case("RingfenceNoticesGivenUp", _one("ringfence_outbox_given_up", "0x5 2x9", route="desk"), "5m", "6m", DESK, "2"),
    Case("RingfenceNoticesUnstored", _one("ringfence_unstored_notices", "0x5 4x9"), "10m", "11m", {}, "4"),
    Case(
        "RingfenceAuditNotAnchored", _one("ringfence_audit_unanchored_seconds", "0+60x30"), "20m", "21m", {}, "21m 0s"
    ),
]


def _rules() -> dict[str, dict[str, Any]]:
    """Alert's name -> its rule."""
    (group,) = yaml.safe_load(text_of(RULES_FILE))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def _promtool(*arguments: str) -> None:
    done = subprocess.run([ensure_promtool(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _told(case: Case) -> dict[str, str]:
    """What Prometheus makes of the rule's annotations in this case."""
    labels = {"instance": "node-1:8090", **case.labels}
    told = {}
    for name, words in _rules()[case.alert]["annotations"].items():
        for label, value in labels.items():
            words = words.replace(f"{{{{ $labels.{label} }}}}", value)
        for shown in ("$value", "$value | humanizeDuration", "$value | humanizePercentage"):
            words = words.replace(f"{{{{ {shown} }}}}", case.value)
        told[name] = words
    return told


def _test_of(case: Case) -> dict[str, Any]:
    labels = {"severity": _rules()[case.alert]["labels"]["severity"], "instance": "node-1:8090", **case.labels}
    if case.alert != "RingfenceModeNotNormal":  # which is about a scope, and has dropped the job
        labels["job"] = "ringfence"
    fired = {"exp_labels": labels, "exp_annotations": _told(case)}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"alertname": case.alert, "eval_time": case.silent, "exp_alerts": []},
            {"alertname": case.alert, "eval_time": case.fires, "exp_alerts": [fired]},
        ],
    }


def test_promtool_takes_the_rules() -> None:
    _promtool("check", "rules", str(RULES_FILE))


def test_every_alert_speaks_when_it_must_and_not_before(tmp_path: Path) -> None:
    cases = tmp_path / "alerts_test.yml"
    document = {"rule_files": [str(RULES_FILE)], "evaluation_interval": "1m", "tests": [_test_of(c) for c in CASES]}
    cases.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    _promtool("test", "rules", str(cases))


def test_no_scrape_at_all_is_told_too(tmp_path: Path) -> None:
    """A target that was taken out of Prometheus' configuration has no `up` that could be 0."""
    labels = {"severity": "critical", "job": "ringfence"}
    told = {name: words.replace("{{ $labels.instance }}", "") for name, words in _told(CASES[0]).items()}
    told["summary"] = told["summary"].replace("node-1:8090", "")
    case = {"alertname": "RingfenceNotScraped", "eval_time": "3m", "exp_alerts": []}
    case["exp_alerts"] = [{"exp_labels": labels, "exp_annotations": told}]
    cases = tmp_path / "alerts_test.yml"
    document = {"rule_files": [str(RULES_FILE)], "evaluation_interval": "1m"}
    document["tests"] = [{"interval": "1m", "input_series": [], "alert_rule_test": [case]}]
    cases.write_text(yaml.safe_dump(document), encoding="utf-8")
    _promtool("test", "rules", str(cases))


def test_every_alert_has_a_case() -> None:
    assert set(_rules()) == {case.alert for case in CASES}


@pytest.mark.parametrize("alert", _rules())
def test_every_alert_says_what_it_is_and_where_to_read_on(alert: str) -> None:
    rule = _rules()[alert]
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["runbook_url"] == f"docs/howto/runbook.md#{alert.lower()}"
    assert f"\n### {alert}\n" in text_of(RUNBOOK)
