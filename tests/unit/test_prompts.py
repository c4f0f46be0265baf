"""What is said: every prompt in every language, and nothing to whoever has not accepted yet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringfence.domain.prompts import (
    LANGUAGES,
    SHIPPED_ANNOUNCEMENTS,
    Prompt,
    announcement_name,
    is_language,
    sound_of,
    why_no_words,
)
from ringfence.voice.texts import texts_of

DIALPLAN = Path(__file__).parents[2] / "asterisk-conf"
NAMES = re.compile(r"\{|\$|%|ringfence", re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_prompt_has_words(language: str) -> None:
    texts = texts_of(language)
    assert set(texts) == set(Prompt)
    assert {prompt: fault for prompt, text in texts.items() if (fault := why_no_words(text))} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_prompt_holds_a_digit_or_a_name(language: str) -> None:
    """Digits Asterisk says itself; and a prompt is the same for every caller, so it can tell nobody anything."""
    texts = texts_of(language).values()
    assert [text for text in texts if re.search(r"\d", text) or NAMES.search(text)] == []


def test_nobody_records_a_prompt_that_is_never_played() -> None:
    lines = "\n".join(path.read_text() for path in sorted(DIALPLAN.glob("extensions_*.conf")))
    played = {prompt for prompt in Prompt if re.search(rf"{sound_of(prompt)}(?![\w-])", lines)}
    assert set(Prompt) - played - set(SHIPPED_ANNOUNCEMENTS) == set()


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_a_translation_is_one(language: str) -> None:
    english, texts = texts_of("en"), texts_of(language)
    assert [prompt for prompt in Prompt if texts[prompt] == english[prompt]] == []


def test_a_country_speaks_its_language_and_a_foreign_one_has_no_words() -> None:
    assert texts_of("de_CH") == texts_of("de")
    assert texts_of("nl") == {}


@pytest.mark.parametrize("text", ["", "  ", "a" * 601, "one\ntwo", "<break/>", "[[h@'loU]]"])
def test_words_that_cannot_be_spoken_are_refused(text: str) -> None:
    assert why_no_words(text) is not None


@pytest.mark.parametrize(
    ("text", "good"),
    [("en", True), ("de_CH", True), ("EN", False), ("../en", False), ("en_gb", False), ("", False), ("en\n", False)],
)
def test_languages_are_named_as_asterisk_names_them(text: str, good: bool) -> None:
    assert is_language(text) is good


def test_prompts_as_announcements_have_plain_names() -> None:
    assert announcement_name(Prompt.OUT_OF_HOURS) == "out_of_hours"
