"""What callers are told: whether every prompt lies where Asterisk looks for it."""

from __future__ import annotations

import asyncio
import re
import stat
from pathlib import Path
from typing import Final

from ringfence.cli.doctor.finding import Finding, ok, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.config import Settings
from ringfence.domain.prompts import FOLDER
from ringfence.voice.building import look, wanted_in
from ringfence.voice.sounds import Found, SoundsFault, SoundState

MAX_NAMED: Final = 5
_DATA_DIR: Final = re.compile(r"^\s*astdatadir\s*=>?\s*(\S+)", re.MULTILINE)
_FIX: Final = "`ringfence voice build` makes them (apt-get install espeak-ng), or put recordings there."


async def prompts(ground: Ground) -> list[Finding]:
    """There in each language that is spoken, readable, and in the folder that Asterisk uses."""
    findings = await asyncio.to_thread(_prompts, ground.settings)
    return [*findings, *await asyncio.to_thread(_folder, ground.settings, ground.asterisk_etc)]


def _prompts(settings: Settings) -> list[Finding]:
    sounds = settings.asterisk.sounds_dir
    try:
        found = look(sounds, wanted_in(settings.languages, settings.own_words))
    except SoundsFault as fault:
        return [warn(fault.message, fault.fix)]
    findings = []
    if missing := [one for one in found if one.state is SoundState.MISSING]:
        findings.append(warn(f"Prompts are missing: {_named(missing)}. Callers hear tones instead.", _FIX))
    if outdated := [one for one in found if one.state is SoundState.OUTDATED]:
        findings.append(warn(f"Prompts say what they said before a change: {_named(outdated)}.", _FIX))
    if unplayable := [one for one in found if one.state is SoundState.UNPLAYABLE]:
        words = f"Recordings are not 8 kHz, 16 bits, one channel: {_named(unplayable)}. Callers hear tones instead."
        findings.append(warn(words, "Convert them: sox FILE.wav -r 8000 -c 1 -b 16 NEW.wav"))
    if closed := _not_for_everybody(sounds, settings.languages):
        findings.append(warn(f"{closed[0]} cannot be read by everybody: can Asterisk?", f"chmod a+r {closed[0]}"))
    return findings or [ok(f"All {len(found)} prompts are there, in {', '.join(settings.languages)}.")]


def _folder(settings: Settings, asterisk_etc: Path) -> list[Finding]:
    """Asterisk's own word for where its sounds lie; nothing to say where it cannot be read, or where there is no such
    folder: Asterisk may live in a file tree of its own, a container's say."""
    try:
        said = _DATA_DIR.search((asterisk_etc / "asterisk.conf").read_text(errors="replace"))
    except OSError:
        return []
    if said is None or Path(said[1]) / "sounds" == settings.asterisk.sounds_dir or not Path(said[1]).is_dir():
        return []
    words = f"Asterisk looks for sounds in {said[1]}/sounds, and sounds_dir is {settings.asterisk.sounds_dir}."
    return [warn(words, f'Set sounds_dir = "{said[1]}/sounds" under [asterisk], then `ringfence voice build`.')]


def _not_for_everybody(sounds: Path, languages: list[str]) -> list[Path]:
    files = [path for language in languages for path in sorted((sounds / language / FOLDER).glob("[!.]*"))]
    return [path for path in files if not path.stat().st_mode & stat.S_IROTH]


def _named(found: list[Found]) -> str:
    names = ", ".join(f"{one.wanted.language}/{one.wanted.stem}" for one in found[:MAX_NAMED])
    return names if len(found) <= MAX_NAMED else f"{names} and {len(found) - MAX_NAMED} more"
