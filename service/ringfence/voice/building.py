"""Which prompts a site needs, and speaking those that nobody has recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ringfence.domain.prompts import Prompt, announcement_stem
from ringfence.voice.sounds import Found, LanguageSounds, SoundState, Wanted
from ringfence.voice.texts import texts_of

Announcements = Mapping[str, Mapping[str, str]]
"""A site's own: name -> language -> words."""


class Synthesiser(Protocol):
    """What speaks; `voice.espeak` does it with a program."""

    def voice_of(self, language: str) -> str: ...

    def speak(self, text: str, language: str) -> bytes: ...


@dataclass(slots=True)
class Built:
    """What was done. `wordless`: nobody has words in that language, so only a recording can be given."""

    made: list[Wanted] = field(default_factory=list)
    kept: list[Wanted] = field(default_factory=list)
    """Recordings."""
    current: list[Wanted] = field(default_factory=list)
    withdrawn: list[Wanted] = field(default_factory=list)
    """Our own, beside which somebody has put a recording in another format."""
    wordless: list[Wanted] = field(default_factory=list)


def wanted_in(languages: Iterable[str], announcements: Announcements) -> list[Wanted]:
    """Every file, language by language: the prompts, then the site's own announcements.

    An announcement without words in a language is not wanted there: Asterisk then plays its English file.
    """
    wanted = []
    for language in languages:
        texts = texts_of(language)
        wanted += [Wanted(language, prompt, texts.get(prompt, "")) for prompt in Prompt]
        for name, words in announcements.items():
            text = words.get(language) or words.get(language.partition("_")[0])
            if text:
                wanted.append(Wanted(language, announcement_stem(name), text))
    return wanted


def look(sounds: Path, wanted: Sequence[Wanted], voice_of: Callable[[str], str] | None = None) -> list[Found]:
    """What is there of them, in their order. May raise SoundsFault."""
    folders = _folders(sounds, wanted)
    return [folders[one.language].look(one, voice_of(one.language) if voice_of else None) for one in wanted]


def build(
    sounds: Path,
    wanted: Sequence[Wanted],
    synthesiser: Synthesiser,
    *,
    force: bool = False,
    told: Callable[[Wanted], None] = lambda one: None,
) -> Built:
    """Speaks what is missing or out of date, with `force` also what is current; recordings are never touched.

    `told` hears of each file once it has been dealt with. May raise SoundsFault and SynthesiserError; languages that
    were finished before stay.
    """
    built = Built()
    for language, folder in _folders(sounds, wanted).items():
        ours = [one for one in wanted if one.language == language]
        voice = synthesiser.voice_of(language)
        gone = folder.withdraw(one.stem for one in ours)
        built.withdrawn += [one for one in ours if one.stem in gone]
        waves = {}
        for one in ours:
            state = folder.look(one, voice).state
            if state in (SoundState.RECORDED, SoundState.UNPLAYABLE):
                built.kept.append(one)
            elif not one.text:
                built.wordless.append(one)
            elif state is SoundState.SYNTHESISED and not force:
                built.current.append(one)
            else:
                waves[one] = synthesiser.speak(one.text, language)
                built.made.append(one)
            told(one)
        if waves:
            folder.put(waves, voice)
    return built


def _folders(sounds: Path, wanted: Sequence[Wanted]) -> dict[str, LanguageSounds]:
    return {language: LanguageSounds(sounds, language) for language in dict.fromkeys(one.language for one in wanted)}
