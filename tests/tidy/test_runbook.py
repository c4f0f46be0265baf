"""The runbook leaves nothing out: whatever the product says when something is the matter is found there."""

from __future__ import annotations

import re

import pytest
import yaml

from ringfence.cli.doctor.registry import CHECKS
from ringfence.domain.notice import NoticeKind
from ringfence.domain.outage import Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.verdict import VerdictState
from ringfence.web.status_view import MODE_WORDS, SHADOW_WORDS
from tests.tidy.said import GAP, alarm_titles, notice_titles, page_texts, status_lines
from tests.tidy.tree import ROOT, text_of

PAGE = ROOT / "docs" / "howto" / "runbook.md"
HEADINGS = set(re.findall(r"^### (.+)$", text_of(PAGE), re.MULTILINE))
COMMAND = re.compile(r"`ringfence [^`]*`.*")


def test_the_code_says_something() -> None:
    assert len(alarm_titles()) > 15 and len(notice_titles()) > 8, "else nothing is compared below"
    assert len(page_texts()) > 15 and len(status_lines()) > 10


# Not one test for each of them: the code would be read, and kept, by every process that only collects the tests.
def test_every_alarm_has_its_section() -> None:
    missing = [f"### {title}" for title in alarm_titles() if title not in HEADINGS]
    assert not missing, "add these to docs/howto/runbook.md"


@pytest.mark.parametrize(
    "rule", yaml.safe_load(text_of(ROOT / "docs" / "monitoring" / "alerts.yml"))["groups"][0]["rules"]
)
def test_every_alert_rule_has_its_section(rule: dict[str, object]) -> None:
    assert rule["alert"] in HEADINGS


def test_every_notice_and_every_line_of_the_status_is_found() -> None:
    # Code in a sentence of ours cannot stand inside code of the page.
    said = [f"`{COMMAND.sub(GAP, one)}`" for one in (*notice_titles(), *page_texts(), *status_lines())]
    assert [one for one in said if one not in text_of(PAGE)] == []


def test_every_state_has_its_words() -> None:
    assert {MODE_WORDS[mode] for mode in Mode} | {SHADOW_WORDS} <= HEADINGS
    for kind in (*VerdictState, *OverrideKind, *NoticeKind):
        assert f"`{kind.value}`" in text_of(PAGE), kind


def test_every_check_of_the_doctor_has_its_line() -> None:
    _, _, table = text_of(PAGE).partition("## What the doctor finds")
    named = set(re.findall(r"`([a-z -]+)`", table))
    assert {check.name for check in CHECKS} - named == set()
    assert named - {check.name for check in CHECKS} <= {"sudo ringfence doctor"}
