"""The bench tells what it found: bounds, tables, page and chart, and the configurations that ran."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ringfence import config
from tests.lab.bench import chart, configurations, report
from tests.lab.bench.contestants import ALONE, OURS, TITLES
from tests.lab.bench.delay import delay_of
from tests.lab.bench.losses import FAULTS, losses_of, usual_ms
from tests.lab.bench.rate import in_time, p99
from tests.lab.bench.result import Delay, Losses, Rate, Results
from tests.lab.records import Account, AnsweredBy, CallRecord

SVG = "{http://www.w3.org/2000/svg}"
PEERS = configurations.Peers("127.0.0.1", "127.0.0.1:5070", "127.0.0.1:5080")
HELD = Losses(offered=120, lost=0, worst_ms=1500, settled_ms=10.0)


def results() -> Results:
    """Everybody alike, and so every bound holds."""
    return Results(
        offered_per_second=50.0,
        delay={name: Delay(2.0, 4.0, 0.5, 160) for name in TITLES},
        rate={name: Rate(50.0, 12.0, 200.0, 3.0, 100.0) for name in TITLES},
        faults={fault.name: dict.fromkeys(TITLES, HELD) for fault in FAULTS},
    )


def test_who_is_as_good_as_the_rivals_has_kept_every_bound() -> None:
    found = results()
    assert found.ok
    assert len(found.bounds()) == 2 + 2 * len(FAULTS)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"rate": Rate(47.0, 12.0, 200.0, 3.0, 100.0)}, "calls/s"),
        ({"delay": Delay(2.0, 4.0, 1.01, 160)}, "delay"),
        ({"fault": replace(HELD, lost=1)}, "frozen: lost"),
        ({"fault": replace(HELD, settled_ms=21.0)}, "frozen: delay after"),
        ({"fault": replace(HELD, settled_ms=None)}, "frozen: delay after"),
    ],
)
def test_who_is_worse_has_broken_a_bound(change: dict[str, Losses], what: str) -> None:
    found = results()
    for name, value in change.items():
        {"rate": found.rate, "delay": found.delay, "fault": found.faults["frozen"]}[name][OURS] = value  # type: ignore[index]
    broken = [bound.what for bound in found.bounds() if not bound.ok]
    assert len(broken) == 1
    assert what in broken[0]
    assert json.loads(found.to_json())["ok"] is False


def test_a_rival_that_is_missing_is_no_success() -> None:
    found = results()
    del found.rate["kamailio"], found.delay["kamailio"]
    found.missing["kamailio"] = "no package\nand a log"
    assert not found.ok
    row = next(row for row in report.cost_rows(found) if row[0] == TITLES["kamailio"])
    assert row[1] == "could not be had: no package"
    assert any(bar.shown == "could not be had" for panel in report.panels(found) for bar in panel.bars)


def test_the_daemons_share_of_the_cost_is_a_row_and_no_contestant() -> None:
    found = results()
    found.rate[ALONE] = Rate(50.0, 12.0, 250.0, 2.5, 80.0)
    assert report.cost_rows(found)[-1][0] == "Ringfence, daemon stopped"
    assert ALONE not in report.names(found)


def test_a_measurement_without_an_end_is_no_success() -> None:
    found = results()
    found.broken["rate"] = "no answer"
    assert not found.ok


def test_page_says_what_the_tables_say_and_what_ran() -> None:
    page = report.page(results())
    assert configurations.printed().rstrip() in page
    assert all(f"| {title} |" in page for title in TITLES.values())
    assert all(f"| {fault.name} |" in page for fault in FAULTS)
    assert "0 of 120; 1.50 s; 10 ms" in page
    assert "**broken**" not in page


@pytest.mark.parametrize("name", ["usual", "tuned", "agi", "stasis"])
def test_what_an_asterisk_runs_with_is_what_is_printed(name: str) -> None:
    """Addresses apart: a run's own stand where the printed ones are."""
    example, bind = configurations.EXAMPLE, configurations.EXAMPLE_BIND
    printed = configurations.printed()
    ours = configurations.asterisk_files(name, PEERS, "127.0.0.1:5060")
    shown = configurations.asterisk_files(name, example, bind)
    assert all(text in printed for text in shown.values())
    assert ours["extensions.conf"] == shown["extensions.conf"]
    swapped = shown["pjsip.conf"].replace(bind, "127.0.0.1:5060").replace(example.carrier + "\n", "127.0.0.1\n")
    swapped = swapped.replace(example.platform, PEERS.platform).replace(example.fallback, PEERS.fallback)
    assert ours["pjsip.conf"] == swapped


def test_rivals_are_configured_as_they_are_said_to_be() -> None:
    usual, tuned = (configurations.asterisk_files(name, PEERS, "127.0.0.1:5060") for name in ("usual", "tuned"))
    assert usual["pjsip.conf"].count("qualify_frequency=60") == 2
    assert "qualify_2xx_only" not in usual["pjsip.conf"]
    assert "@platform,30)" in usual["extensions.conf"]
    assert tuned["pjsip.conf"].count("qualify_frequency=1\nqualify_2xx_only=yes") == 2
    assert "@platform,30^1.5)" in tuned["extensions.conf"]
    kamailio = configurations.kamailio_files(PEERS, "127.0.0.1:5060", "/etc/kamailio")["kamailio.cfg"]
    assert '"fr_timer", 1500)' in kamailio
    assert '"ds_ping_interval", 1)' in kamailio
    assert "408|403|404|5[0-9][0-9]" in kamailio


def test_ours_has_default_settings_for_all_that_decides(tmp_path: Path) -> None:
    printed = configurations.printed().partition("# ringfence: ringfence.toml")[2]
    assert tomllib.loads(printed)["platform"] == [{"name": "uc", "host_port": configurations.EXAMPLE.platform}]
    path = tmp_path / "ringfence.toml"
    path.write_text(printed, encoding="utf-8")
    platform = config.load(path).platform[0]
    assert (platform.no_progress_seconds, platform.hold_down_seconds, platform.ring_seconds) == (8, 120, 120)


def test_chart_can_be_read_by_everybody() -> None:
    bars = [chart.Bar("one", 10.0, "10 ms"), chart.Bar("two", 5.0, "5 ms", ours=True), chart.Bar("three", None, "none")]
    root = ET.fromstring(chart.draw("A <title>", [chart.Panel("Delay", bars)]))
    assert root.get("role") == "img"
    assert [root.findtext(f"{SVG}{name}") for name in ("title", "desc")] == [
        "A <title>",
        "Delay: one 10 ms, two 5 ms, three none.",
    ]
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    drawn = root.findall(f"{SVG}rect")
    assert [bar.get("class") for bar in drawn] == ["bar", "ours"]
    widths = [float(bar.get("width", "0")) for bar in drawn]
    assert widths[0] == 2 * widths[1]
    assert widths[0] + chart.LABEL_WIDTH < chart.WIDTH
    assert {"one", "5 ms", "none"} <= {text.text for text in root.findall(f"{SVG}text")}


def test_chart_of_nothing_but_zeros_has_no_bars_that_are_too_long() -> None:
    root = ET.fromstring(
        chart.draw("t", [chart.Panel("Lost", [chart.Bar("one", 0.0, "0"), chart.Bar("two", -1.0, "-1")])])
    )
    assert [float(bar.get("width", "9")) for bar in root.findall(f"{SVG}rect")] == [0.0, 0.0]


def test_added_delay_is_taken_from_blocks_that_stood_side_by_side() -> None:
    """The machine was slow in the second block, for both."""
    assert delay_of([[2.0, 2.0], [9.0, 9.0], [2.5, 2.5]], [[1.0, 1.0], [8.0, 8.0], [1.5, 1.5]]).added_ms == 1.0


def test_calls_in_time_are_those_that_were_put_through_soon_enough() -> None:
    good = CallRecord("a", "1", "2", invited_at=100.0, ringing_at=100.2, answered_at=100.3)
    late = replace(good, ringing_at=101.5, answered_at=101.6)
    assert in_time([good, late, replace(good, answered_at=None)]) == [good]
    assert p99([good]) == 200.0
    assert p99([]) is None


def test_losses_are_calls_nobody_took_and_on_a_healthy_platform_those_taken_elsewhere() -> None:
    call = CallRecord("a", "1", "2", invited_at=100.0, ringing_at=100.2, answered_at=100.3)
    accounts = [Account(call, where, None) for where in AnsweredBy]
    assert losses_of(accounts, healthy=False, settled=None).lost == 2
    assert losses_of(accounts, healthy=True, settled=None).lost == 3
    assert losses_of(accounts, healthy=True, settled=None).worst_ms == 200
    assert usual_ms([]) is None
