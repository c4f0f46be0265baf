"""The pages keep up with the code: links lead somewhere, tasks and commands exist, the drawing is of today."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from ringfence.domain.directory import LineKind
from ringfence.domain.outage import TRANSITIONS, Mode, Signal
from ringfence.domain.override import OverrideKind
from ringfence.domain.verdict import VerdictState
from tests.tidy import mode_diagram, verdict_table
from tests.tidy.tree import ROOT, name_of, pages, text_of

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"(?:`|^ {4}|^\$ )make ([a-z]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert list(_dead_links(page)) == []


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(text_of(index))}
    missing = [name_of(page) for page in pages()[1:] if page != index and page.resolve() not in linked]
    assert missing == [], "add a line to docs/README.md"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_task_that_is_named_exists(page: Path) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(MAKE.findall(text_of(page))) <= targets


def test_the_drawing_is_the_transition_table() -> None:
    page = text_of(mode_diagram.PAGE)
    assert page == mode_diagram.drawn_into(page), "run `python -m tests.tidy.mode_diagram`"


def test_the_table_of_verdicts_is_today_s() -> None:
    page = text_of(verdict_table.PAGE)
    assert verdict_table.BEGIN in page
    assert page == verdict_table.computed_into(page), "run `python -m tests.tidy.verdict_table`"


def test_the_drawing_shows_every_mode_and_every_signal() -> None:
    drawing = mode_diagram.drawing()
    assert all(mode in drawing for mode in Mode)
    assert {signal for row in TRANSITIONS.values() for signal in row} == set(Signal) == set(mode_diagram.SIGNAL_WORDS)


@pytest.mark.parametrize("words", [Mode, OverrideKind, VerdictState, LineKind])
def test_the_glossary_says_what_each_value_means(words: type[Mode]) -> None:
    glossary = text_of(ROOT / "docs" / "glossary.md")
    assert [word.value for word in words if f"`{word.value}`" not in glossary] == []


def _dead_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(FENCED.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            yield f"{name_of(page)}: {link}"
        elif anchor and target.suffix == ".md" and anchor not in _anchors(target):
            yield f"{name_of(page)}: {link} (no such heading)"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
