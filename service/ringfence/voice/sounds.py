"""One language's folder of prompts: what lies in it, whose it is, and how it is filled.

A file that is not ours is somebody's recording, and is never touched. What is ours stands in `spoken.json` beside the
files, by its digest: a file of ours that somebody replaced has become a recording by that.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ringfence.domain.prompts import FOLDER
from ringfence.voice.wave import is_telephone_wave, seconds_of

MANIFEST: Final = "spoken.json"
ENDING: Final = ".wav"

# Asterisk plays whichever of these suits the call best, so any of them beside ours may be heard instead of it.
_SOUND: Final = re.compile(
    r"\.(wav|wav49|gsm|alaw|al|alw|ulaw|ul|ulw|mu|pcm|au|sln\d*|raw|g719|g722|g723|g723sf|g726-\d\d|g729|ilbc|ogg|opus|vox"
    r"|siren7|siren14)",
    re.IGNORECASE,
)


class SoundsFault(Exception):
    """The folder cannot be used. `fix` says what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class SoundState(StrEnum):
    """What a caller would hear."""

    RECORDED = "recorded"
    UNPLAYABLE = "unplayable"
    """A recording as WAV that is not 8 kHz, 16 bits, one channel: Asterisk refuses it, and the caller hears tones."""
    SYNTHESISED = "synthesised"
    OUTDATED = "outdated"
    """Synthesised from another text, or by another voice."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file there should be. `text` is empty where we have no words in that language."""

    language: str
    stem: str
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of it. `seconds` is None where it cannot be told without decoding."""

    wanted: Wanted
    state: SoundState
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line of the manifest. `digests`: of the file as it is, and while it is being replaced, as it was."""

    text: str
    voice: str
    digests: tuple[str, ...]


class LanguageSounds:
    """`<sounds>/<language>/ringfence`. Every method may raise SoundsFault."""

    def __init__(self, sounds: Path, language: str) -> None:
        self.language = language
        self.folder = sounds / language / FOLDER
        self._manifest = self._read_manifest()

    def look(self, wanted: Wanted, voice: str | None) -> Found:
        """`voice`: what would speak now; None where nobody can, and then no voice is out of date."""
        files = self._files(wanted.stem)
        entry = self._manifest.get(wanted.stem)
        own = self.folder / f"{wanted.stem}{ENDING}"
        if recordings := [file for file in files if file != own or not self._is_ours(file, entry)]:
            wave = next((file for file in recordings if file == own), None)
            if wave is None or len(recordings) > 1:
                return Found(wanted, SoundState.RECORDED, None)
            played = is_telephone_wave(self._content(wave))
            return Found(wanted, SoundState.RECORDED if played else SoundState.UNPLAYABLE, _seconds(wave))
        if not files or entry is None:
            return Found(wanted, SoundState.MISSING)
        # Two digests: whoever was replacing it was ended, and it may be the old file as well as the new one.
        current = entry.text == wanted.text and voice in (None, entry.voice) and len(entry.digests) == 1
        return Found(wanted, SoundState.SYNTHESISED if current else SoundState.OUTDATED, _seconds(own))

    def put(self, waves: Mapping[Wanted, bytes], voice: str) -> None:
        """All of them in place. Who ends us in the middle leaves files that the manifest still calls ours."""
        new = {one.stem: Spoken(one.text, voice, (_digest(wave),)) for one, wave in waves.items()}
        try:
            _make(self.folder)
            self._write_manifest(
                self._manifest
                | {
                    stem: Spoken(spoken.text, voice, (*spoken.digests, *self._digests(stem)))
                    for stem, spoken in new.items()
                }
            )
            for one, wave in waves.items():
                _replace(self.folder / f"{one.stem}{ENDING}", wave)
            self._write_manifest(self._manifest | new)
        except OSError as error:
            raise _fault(error, self.folder) from None

    def withdraw(self, stems: Iterable[str]) -> list[str]:
        """Takes our own file away where a recording in another format lies beside it; which ones."""
        gone = []
        try:
            for stem in stems:
                own = self.folder / f"{stem}{ENDING}"
                others = [file for file in self._files(stem) if file != own]
                if others and own.exists() and self._is_ours(own, self._manifest.get(stem)):
                    own.unlink()
                    gone.append(stem)
            if gone:
                self._write_manifest({stem: one for stem, one in self._manifest.items() if stem not in gone})
        except OSError as error:
            raise _fault(error, self.folder) from None
        return gone

    def _files(self, stem: str) -> list[Path]:
        try:
            entries = sorted(self.folder.glob(f"{stem}.*"))
        except OSError as error:
            raise _fault(error, self.folder) from None
        return [
            path for path in entries if path.name.startswith(f"{stem}.") and _SOUND.fullmatch(path.name[len(stem) :])
        ]

    def _is_ours(self, file: Path, entry: Spoken | None) -> bool:
        return entry is not None and _digest(self._content(file)) in entry.digests

    def _content(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except OSError as error:
            raise _fault(error, file) from None

    def _digests(self, stem: str) -> tuple[str, ...]:
        entry = self._manifest.get(stem)
        return () if entry is None else entry.digests

    def _read_manifest(self) -> dict[str, Spoken]:
        path = self.folder / MANIFEST
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return {
                str(stem): Spoken(str(one["text"]), str(one["voice"]), tuple(str(digest) for digest in one["sha256"]))
                for stem, one in raw.items()
            }
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _fault(error, path) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise SoundsFault(
                f"{path} cannot be read: it says which files were synthesised.",
                "Remove it. Every file beside it then counts as a recording, and stays; remove those you want anew.",
            ) from None

    def _write_manifest(self, manifest: dict[str, Spoken]) -> None:
        raw = {
            stem: {"text": one.text, "voice": one.voice, "sha256": list(one.digests)}
            for stem, one in sorted(manifest.items())
        }
        _replace(self.folder / MANIFEST, (json.dumps(raw, indent=1, ensure_ascii=False) + "\n").encode())
        self._manifest = manifest


def _make(folder: Path) -> None:
    """With what is missing above it, and open to everybody whatever the umask is: Asterisk has to come in."""
    for missing in (*(one for one in reversed(folder.parents) if not one.exists()), folder):
        missing.mkdir(exist_ok=True)
        if missing.stat().st_uid == os.geteuid():
            missing.chmod(missing.stat().st_mode | 0o755)


def _replace(path: Path, content: bytes) -> None:
    """Complete or as it was: a call may be playing it. Readable by everybody: Asterisk has an account of its own, and
    the folder may be that account's. So root never writes through what lies there under the other name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), 0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _seconds(path: Path) -> float:
    return seconds_of(path.stat().st_size)


def _fault(error: OSError, path: Path) -> SoundsFault:
    return SoundsFault(
        f"{error.filename or path}: {error.strerror}.",
        "Run as root, or name another folder: `ringfence voice build --to DIR`, or sounds_dir under [asterisk].",
    )
