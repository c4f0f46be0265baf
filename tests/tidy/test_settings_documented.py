"""The page of settings is what the program prints, and no setting is without a word on what it means."""

from __future__ import annotations

from pathlib import Path

from ringfence.config.reference import reference_page, undescribed

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_every_setting_is_described() -> None:
    assert undescribed() == []


def test_the_page_is_what_the_program_prints() -> None:
    hint = "run `ringfence settings > docs/reference/settings.md`"
    assert PAGE.read_text(encoding="utf-8") == reference_page(), hint
