"""Every text of a page can be translated, and is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.tidy.page_texts import PAGES, catalogue, source_texts, translated_languages
from tests.tidy.tree import name_of, text_of

TEMPLATES = sorted((PAGES / "templates").glob("*.html"))
SHOWN_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "aria-description"}
OUR_NAME = "Ringfence"

_GAP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_CALL_WITH_A_VARIABLE = re.compile(r"\b(?:_|n?gettext)\(\s*[^\"'\s]")
_PLACES = re.compile(r"%\((\w+)\)s")


@pytest.mark.parametrize("language", translated_languages())
def test_every_text_is_translated(language: str) -> None:
    known = {message.id: message.string for message in catalogue(language) if message.id}
    missing = []
    for where, text in source_texts():
        found = known.get(text)
        if not (all(found) if isinstance(found, tuple) else found):
            missing.append(f"{where}: {text}")
    assert missing == [], "run `python -m tests.tidy.page_texts`, and translate what it adds"


@pytest.mark.parametrize("language", translated_languages())
def test_no_translation_has_lost_its_text(language: str) -> None:
    written = {text for _, text in source_texts()}
    assert [message.id for message in catalogue(language) if message.id and message.id not in written] == []


@pytest.mark.parametrize("language", translated_languages())
def test_a_translation_has_the_gaps_of_its_text(language: str) -> None:
    assert list(_other_gaps(language)) == []


def test_every_text_of_a_template_goes_through_the_catalogue() -> None:
    assert [found for path in TEMPLATES for found in _bare_texts(path)] == []


def test_only_texts_written_in_a_template_are_taken_as_safe() -> None:
    """What `_()` gives is not escaped: a variable goes through `tr`, for it may hold somebody's words."""
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in TEMPLATES
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if _CALL_WITH_A_VARIABLE.search(line) or "| safe" in line or "|safe" in line
    ]
    assert found == []


def test_no_template_holds_code_or_style() -> None:
    assert [found for path in TEMPLATES for found in _inline(path)] == []


def _other_gaps(language: str) -> Iterator[str]:
    for message in catalogue(language):
        texts = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(_PLACES.findall(texts[-1])) if message.id else set()
        if message.id and any(set(_PLACES.findall(string)) != wanted for string in strings):
            yield str(message.id)


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in SHOWN_ATTRIBUTES]
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(f"<{tag}>")
        self.inline += [name for name in given if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def _parsed(path: Path) -> _Texts:
    parser = _Texts()
    parser.feed(_GAP.sub("", text_of(path)))
    return parser


def _bare_texts(path: Path) -> Iterator[str]:
    for text in _parsed(path).found:
        left = text.replace(OUR_NAME, "")
        if any(character.isalpha() for character in left):
            yield f"{name_of(path)}: {text.strip()}"


def _inline(path: Path) -> Iterator[str]:
    yield from (f"{name_of(path)}: {what}" for what in _parsed(path).inline)
