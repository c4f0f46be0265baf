"""[[announcement]], languages and early media: from the file to what the dialplan plays."""

from __future__ import annotations

import tomllib

import pytest

from ringfence.asterisk.dialplan import render_dialplan
from ringfence.config import ConfigError, Settings, parse
from ringfence.config.snippets import site_dialplan
from tests.fakes.smallest import smallest


def settings(more: str = "", first: str = "", trunk: str = "") -> Settings:
    sources = 'sources = ["198.51.100.1"]'
    return parse(tomllib.loads(smallest(first, trunk=f"{sources}\n{trunk}", last=more)))


def values(read: Settings) -> dict[str, str]:
    """The dialplan's global variables."""
    lines = render_dialplan(site_dialplan(read)).splitlines()
    pairs = [line.partition("Set(GLOBAL(")[2].partition(")=") for line in lines if "Set(GLOBAL(" in line]
    return {name: value.removesuffix(")") for name, _, value in pairs}


def announcement(name: str, words: str) -> str:
    return f'\n[[announcement]]\nname = "{name}"\n{words}\n'


def test_without_any_the_shipped_prompts_are_played() -> None:
    found = values(settings())
    assert found["RF_SOUND_unavailable"] == "ringfence/unavailable"
    assert found["RF_SOUND_out_of_hours"] == "ringfence/out-of-hours"
    assert found["RF_DEFAULT_ANNOUNCEMENT"] == "unavailable"


def test_a_sites_own_stand_beside_them_and_may_take_their_names() -> None:
    flood = announcement("flood", 'text = { en = "The cellar is wet." }')
    read = settings(flood + announcement("unavailable", 'sounds = ["custom/one", "custom/two"]'))
    found = values(read)
    assert found["RF_SOUND_flood"] == "ringfence/announcement-flood"
    assert found["RF_SOUND_unavailable"] == "custom/one&custom/two"
    assert found["RF_SOUND_holiday"] == "ringfence/holiday"
    assert found["RF_DEFAULT_ANNOUNCEMENT"] == "flood"
    assert read.own_words == {"flood": {"en": "The cellar is wet."}}


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "either sounds or text"),
        ('sounds = ["a"]\ntext = { en = "words" }', "either sounds or text"),
        ('text = { english = "words" }', "as Asterisk names them"),
        ('text = { "../en" = "words" }', "as Asterisk names them"),
        ('text = { en = " " }', "has no words"),
        ('text = { en = "<audio src=x>" }', "not spoken"),
    ],
)
def test_what_cannot_be_played_is_refused(words: str, fault: str) -> None:
    with pytest.raises(ConfigError) as refused:
        settings(announcement("flood", words))
    assert fault in str(refused.value.faults)


def test_a_trunk_speaks_the_files_language_unless_it_says_another() -> None:
    other = '\n[[trunk]]\nname = "berlin"\nplatform = "uc"\nsources = ["198.51.100.2"]\nlanguage = "de"\n'
    read = settings(other, first='language = "cy"\n')
    found = values(read)
    assert (found["RF_LANGUAGE"], found["RF_T_carrier_LANGUAGE"], found["RF_T_berlin_LANGUAGE"]) == ("cy", "cy", "de")
    assert read.languages == ["cy", "de"]


@pytest.mark.parametrize(("said", "value"), [("", "answered"), ('announcements = "early-media"', "early")])
def test_early_media_is_the_trunks_word(said: str, value: str) -> None:
    assert values(settings(trunk=said))["RF_T_carrier_ANNOUNCE"] == value
