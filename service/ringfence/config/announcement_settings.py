"""[[announcement]]: what a caller hears when nobody can be reached, and in which languages."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ringfence.config.words import Name, Table
from ringfence.domain.prompts import (
    FOLDER,
    SHIPPED_ANNOUNCEMENTS,
    announcement_name,
    announcement_stem,
    is_language,
    sound_of,
    why_no_words,
)


def _language(text: str) -> str:
    if not is_language(text):
        raise ValueError(f"{text!r} is not a language as Asterisk names them, such as en or de_CH")
    return text


def _words(text: str) -> str:
    if (fault := why_no_words(text)) is not None:
        raise ValueError(f"the text {fault}")
    return text


Language = Annotated[str, AfterValidator(_language)]
Words = Annotated[str, AfterValidator(_words)]
AnnouncementMode = Literal["answered", "early-media"]


class AnnouncementSettings(Table):
    """[[announcement]]: what a caller hears when nobody can be reached."""

    name: Name = Field(description="its name, used in the directory's sites")
    sounds: list[str] = Field([], description="sound files in order, without ending; or give `text`")
    text: dict[Language, Words] = Field(
        {}, description='its words in each language, `{en = "...", de = "..."}`; `ringfence voice build` speaks them'
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if bool(self.sounds) == bool(self.text):
            raise ValueError(f"announcement {self.name!r} needs either sounds or text, and not both")
        return self

    @property
    def played(self) -> tuple[str, ...]:
        """The sounds, whichever way they were given."""
        return tuple(self.sounds) or (f"{FOLDER}/{announcement_stem(self.name)}",)


def shipped_announcements() -> list[AnnouncementSettings]:
    """Those every site has, unless it gives their names to its own."""
    return [
        AnnouncementSettings(name=announcement_name(prompt), sounds=[sound_of(prompt)], text={})
        for prompt in SHIPPED_ANNOUNCEMENTS
    ]
