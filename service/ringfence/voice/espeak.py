"""Debian's espeak-ng as a child process. Why it and no other: docs/explanation/dependencies.md."""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from ringfence.voice.wave import WaveError, telephone_wave

PROGRAM: Final = "espeak-ng"
DEADLINE_SECONDS: Final = 30.0
WORDS_A_MINUTE: Final = 145
"""Slower than its own 175: heard once, on a bad line."""

# Where its name of a voice is not the language's own.
_VOICES: Final = {"en": "en-gb", "en_GB": "en-gb", "en_US": "en-us", "fr": "fr-fr"}


class SynthesiserError(Exception):
    """Nothing was spoken. `fix` says what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Espeak:
    """Speaks. Raises SynthesiserError when there is no such program."""

    def __init__(self, program: str = PROGRAM) -> None:
        found = shutil.which(program)
        if found is None:
            raise SynthesiserError(
                f"{program} is not installed, so nothing can be spoken.",
                "Debian and Ubuntu: apt-get install espeak-ng. Or put recordings there: docs/howto/voice.md.",
            )
        self._program = found

    def voice_of(self, language: str) -> str:
        """What a file spoken now would be told by; another voice speaks everything anew."""
        voice = _VOICES.get(language) or _VOICES.get(language.partition("_")[0]) or language.partition("_")[0]
        return f"{PROGRAM} {voice} {WORDS_A_MINUTE}"

    def speak(self, text: str, language: str) -> bytes:
        """A WAV file for Asterisk. Raises SynthesiserError."""
        _, voice, speed = self.voice_of(language).split()
        # The text goes in by standard input: it can be no option, and no process list shows it.
        command = [self._program, "-v", voice, "-s", speed, "-b", "1", "--stdin", "--stdout"]
        try:
            done = subprocess.run(  # noqa: S603 - a program by its full path, arguments of our own
                command, input=text.encode(), capture_output=True, timeout=DEADLINE_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SynthesiserError(f"{PROGRAM} did not work: {error}.", f"Try it: echo test | {PROGRAM}") from None
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SynthesiserError(
                f"{PROGRAM} refused the voice {voice}: {said[-1] if said else 'no reason given'}.",
                f"`{PROGRAM} --voices` names those it has; apt-get install espeak-ng-data brings them.",
            )
        try:
            return telephone_wave(done.stdout)
        except WaveError as error:
            raise SynthesiserError(f"{PROGRAM} spoke nothing to be used: {error}.", "Is the text empty?") from None
