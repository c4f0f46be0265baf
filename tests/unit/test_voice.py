"""Prompts spoken into a folder: repeatable, whole, and never over a recording."""

from __future__ import annotations

import io
import itertools
import math
import os
import wave
from array import array
from pathlib import Path

import pytest

from ringfence.domain.prompts import Prompt
from ringfence.voice.building import Built, build, look, wanted_in
from ringfence.voice.sounds import MANIFEST, LanguageSounds, SoundsFault, SoundState, Wanted
from ringfence.voice.wave import RATE, WaveError, telephone_wave


def tone(hertz: float, *, rate: int = 22050, seconds: float = 0.2, channels: int = 1) -> bytes:
    count = round(rate * seconds) * channels
    samples = array("h", (round(9000 * math.sin(math.tau * hertz * i / rate)) for i in range(count)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


class Humming:
    """Hums each text at its own pitch."""

    def __init__(self, voice: str = "hum 1") -> None:
        self.voice = voice
        self.hummed: list[str] = []

    def voice_of(self, language: str) -> str:
        return f"{self.voice} {language}"

    def speak(self, text: str, language: str) -> bytes:
        self.hummed.append(text)
        return telephone_wave(tone(300 + len(text), seconds=0.05))


def built(sounds: Path, *languages: str, force: bool = False, by: Humming | None = None) -> Built:
    return build(sounds, wanted_in(languages or ("en",), {}), by or Humming(), force=force)


def folder(sounds: Path, language: str = "en") -> Path:
    return sounds / language / "ringfence"


def contents(sounds: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder(sounds).iterdir()}


def states(sounds: Path) -> dict[str, SoundState]:
    return {one.wanted.stem: one.state for one in look(sounds, wanted_in(["en"], {}), Humming().voice_of)}


def test_every_prompt_is_made_once(tmp_path: Path) -> None:
    first = built(tmp_path)
    assert [one.stem for one in first.made] == list(Prompt)
    before = contents(tmp_path)
    assert set(before) == {f"{prompt}.wav" for prompt in Prompt} | {MANIFEST}
    second = built(tmp_path)
    assert (second.made, len(second.current)) == ([], len(Prompt))
    assert len(built(tmp_path, force=True).made) == len(Prompt)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_are_what_asterisk_plays_and_can_be_read_by_it(tmp_path: Path, umask: int) -> None:
    os.umask(umask)
    built(tmp_path)
    path = folder(tmp_path) / "accept.wav"
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
    assert path.stat().st_mode & 0o777 == 0o644
    for above in (folder(tmp_path), folder(tmp_path).parent):
        assert above.stat().st_mode & 0o055 == 0o055


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["accept.wav", "accept.gsm", "accept.alaw", "accept.sln16", "accept.WAV"])
def test_a_recording_is_never_touched(tmp_path: Path, name: str, force: bool) -> None:
    folder(tmp_path).mkdir(parents=True)
    (folder(tmp_path) / name).write_bytes(b"a human voice")
    done = built(tmp_path, force=force)
    assert [one.stem for one in done.kept] == ["accept"]
    assert (folder(tmp_path) / name).read_bytes() == b"a human voice"
    assert [path.name for path in folder(tmp_path).glob("accept.*")] == [name]


def test_ours_replaced_by_somebody_is_a_recording(tmp_path: Path) -> None:
    built(tmp_path)
    (folder(tmp_path) / "accept.wav").write_bytes(b"a human voice")
    assert states(tmp_path)["accept"] is SoundState.UNPLAYABLE
    (folder(tmp_path) / "accept.wav").write_bytes(tone(440, rate=RATE))
    assert states(tmp_path)["accept"] is SoundState.RECORDED
    (folder(tmp_path) / "accept.wav").write_bytes(b"a human voice")
    assert [one.stem for one in built(tmp_path, force=True).kept] == ["accept"]
    assert (folder(tmp_path) / "accept.wav").read_bytes() == b"a human voice"


@pytest.mark.parametrize("spoken", [tone(440, rate=44100), tone(440, rate=RATE, channels=2), b"ID3"])
def test_a_recording_that_asterisk_does_not_play_is_told_apart_and_kept(tmp_path: Path, spoken: bytes) -> None:
    folder(tmp_path).mkdir(parents=True)
    (folder(tmp_path) / "accept.wav").write_bytes(spoken)
    assert states(tmp_path)["accept"] is SoundState.UNPLAYABLE
    assert [one.stem for one in built(tmp_path, force=True).kept] == ["accept"]
    (folder(tmp_path) / "accept.alaw").write_bytes(b"a human voice")
    assert states(tmp_path)["accept"] is SoundState.RECORDED, "Asterisk has another one to play"


def test_ours_goes_where_a_recording_in_another_format_comes(tmp_path: Path) -> None:
    """Asterisk plays whichever suits the call, so a caller would hear now the one, now the other."""
    built(tmp_path)
    (folder(tmp_path) / "accept.alaw").write_bytes(b"a human voice")
    assert [one.stem for one in built(tmp_path).withdrawn] == ["accept"]
    assert [path.name for path in folder(tmp_path).glob("accept.*")] == ["accept.alaw"]
    assert built(tmp_path).withdrawn == []


def test_a_file_that_is_no_sound_is_no_recording(tmp_path: Path) -> None:
    folder(tmp_path).mkdir(parents=True)
    (folder(tmp_path) / "accept.txt").write_text("notes")
    assert "accept" in [one.stem for one in built(tmp_path).made]


def test_other_words_or_another_voice_are_spoken_anew(tmp_path: Path) -> None:
    one, other = Wanted("en", "announcement-x", "one"), Wanted("en", "announcement-x", "other")
    build(tmp_path, [one], Humming())
    assert build(tmp_path, [one], Humming()).made == []
    assert build(tmp_path, [other], Humming()).made == [other]
    assert build(tmp_path, [other], Humming("hum 2")).made == [other]
    assert look(tmp_path, [one])[0].state is SoundState.OUTDATED


def test_whoever_is_ended_in_the_middle_leaves_nothing_that_looks_like_a_recording(tmp_path: Path) -> None:
    """A folder in place of a file stops the second rename: the first file is new by then, the third still old."""
    stems = ("a", "b", "c")
    build(tmp_path, [Wanted("en", f"announcement-{stem}", "old") for stem in stems], Humming())
    new = [Wanted("en", f"announcement-{stem}", "newer words") for stem in stems]
    blocked = folder(tmp_path) / "announcement-b.wav"
    blocked.unlink()
    (blocked / "in-the-way").mkdir(parents=True)
    sounds = LanguageSounds(tmp_path, "en")
    with pytest.raises(SoundsFault):
        sounds.put({one: Humming().speak(one.text, "en") for one in new}, Humming().voice_of("en"))
    (blocked / "in-the-way").rmdir()
    blocked.rmdir()
    assert [one.state for one in look(tmp_path, new)] == [
        SoundState.OUTDATED,
        SoundState.MISSING,
        SoundState.OUTDATED,
    ]
    assert build(tmp_path, new, Humming()).made == new


def test_a_link_that_lies_in_the_way_is_not_written_through(tmp_path: Path) -> None:
    aim, folder = tmp_path / "aim", tmp_path / "en" / "ringfence"
    aim.write_text("somebody else's")
    folder.mkdir(parents=True)
    (folder / f".{MANIFEST}.{os.getpid()}").symlink_to(aim)
    sounds, one = LanguageSounds(tmp_path, "en"), Wanted("en", "hello", "Hello.")
    sounds.put({one: Humming().speak(one.text, "en")}, Humming().voice_of("en"))
    assert aim.read_text() == "somebody else's"
    assert sorted(path.name for path in folder.iterdir()) == sorted([MANIFEST, "hello.wav"])


def test_a_manifest_that_cannot_be_read_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    built(tmp_path)
    (folder(tmp_path) / MANIFEST).write_text("{")
    before = contents(tmp_path)
    with pytest.raises(SoundsFault, match="cannot be read") as fault:
        built(tmp_path)
    assert "Remove it" in fault.value.fix
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("a file where a folder should be")
    with pytest.raises(SoundsFault, match="Not a directory"):
        built(tmp_path)


def test_a_language_without_words_takes_recordings_only(tmp_path: Path) -> None:
    done = built(tmp_path, "nl")
    assert len(done.wordless) == len(Prompt)
    assert not folder(tmp_path, "nl").exists()


def test_a_sites_own_announcement_is_spoken_in_the_languages_it_has(tmp_path: Path) -> None:
    wanted = wanted_in(["en", "de_CH", "cy"], {"flood": {"en": "The cellar is wet.", "de": "Der Keller ist nass."}})
    own = [(one.language, one.text) for one in wanted if one.stem == "announcement-flood"]
    assert own == [("en", "The cellar is wet."), ("de_CH", "Der Keller ist nass.")]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100])
def test_a_tone_keeps_its_pitch_and_loudness(rate: int) -> None:
    samples = samples_of(telephone_wave(tone(1000, rate=rate)))
    middle = samples[400:1200]
    crossings = sum(a < 0 <= b for a, b in itertools.pairwise(middle))
    assert abs(crossings - 100) <= 1
    assert max(samples) == pytest.approx(0.7 * 32767, rel=0.05)


def test_what_a_telephone_cannot_carry_does_not_come_back_as_another_tone() -> None:
    """5 kHz sampled 8,000 times a second without a filter would be heard as 3 kHz."""
    both = samples_of(telephone_wave(mixed(500, 5000)))
    alone = samples_of(telephone_wave(mixed(500, 0)))
    assert max(abs(a - b) for a, b in zip(both[200:1400], alone[200:1400], strict=True)) < 0.05 * 32767


@pytest.mark.parametrize("spoken", [b"", b"RIFF", tone(0), tone(440, channels=2)])
def test_what_is_no_sound_is_refused(spoken: bytes) -> None:
    with pytest.raises(WaveError):
        telephone_wave(spoken)


def samples_of(sound: bytes) -> array[int]:
    with wave.open(io.BytesIO(sound)) as file:
        return array("h", file.readframes(file.getnframes()))


def mixed(low: float, high: float) -> bytes:
    rate = 22050
    samples = array(
        "h",
        (
            round(9000 * math.sin(math.tau * low * i / rate) + 9000 * math.sin(math.tau * high * i / rate))
            for i in range(rate // 5)
        ),
    )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        file.writeframes(samples.tobytes())
    return buffer.getvalue()
