"""`ringfence voice` with the real synthesiser, and what the doctor says of the folder it fills."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.cli.doctor.finding import State
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.voice_checks import prompts
from ringfence.config import load
from ringfence.domain.prompts import LANGUAGES, Prompt
from ringfence.voice.building import wanted_in
from tests.lab.asterisk import data_directory
from tests.lab.heard import AUDIBLE
from tests.lab.installation import Installation
from tests.unit.command_line import ringfence, run_ringfence, told

ESSENTIAL = ("--platform", "192.0.2.10:5060", "--trunk-source", "198.51.100.1", "--egress", "203.0.113.20:5060")
OWN = """
[[announcement]]
name = "flood"
text = { en = "The cellar is wet. Please send an email." }
"""


@pytest.fixture(autouse=True)
def synthesiser(installation: Installation) -> None:
    """The lab has brought it, with its prompts."""
    data_directory(installation.asterisk)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """As `init` writes it, with Welsh callers and an announcement of the site's own."""
    path = tmp_path / "ringfence.toml"
    made = run_ringfence("init", *ESSENTIAL, "--config", str(path), "--asterisk-conf-dir", str(tmp_path / "ringfence"))
    assert made.exit_code == 0, made.output
    assert "voice build" in made.output
    text = path.read_text().replace("[[trunk]]", '[[trunk]]\nlanguage = "cy"')
    path.write_text(f'{text}\n[asterisk]\nsounds_dir = "{tmp_path / "sounds"}"\n{OWN}')
    return path


def wave_files(sounds: Path) -> list[str]:
    return sorted(str(path.relative_to(sounds)) for path in sounds.rglob("*.wav"))


def test_the_configured_languages_are_spoken_once(config: Path, tmp_path: Path) -> None:
    done = told(ringfence(None, "voice", "build", "--json", config=config))
    expected = sorted(
        [f"{language}/{prompt}" for language in ("en", "cy") for prompt in Prompt] + ["en/announcement-flood"]
    )
    assert sorted(done["made"]) == expected
    assert wave_files(tmp_path / "sounds") == sorted(name.replace("/", "/ringfence/") + ".wav" for name in expected)
    again = told(ringfence(None, "voice", "build", "--json", config=config))
    assert (again["made"], len(again["already_current"])) == ([], len(expected))
    listed = told(ringfence(None, "voice", "list", "--check", "--json", config=config))
    assert {one["state"] for one in listed["prompts"]} == {"synthesised"}
    assert min(one["seconds"] for one in listed["prompts"]) > 0.5


def test_speaking_is_repeatable_to_the_byte(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        told(ringfence(None, "voice", "build", "--language", "cy", "--to", str(tmp_path / folder), "--json"))
    names = wave_files(tmp_path / "one")
    assert names == wave_files(tmp_path / "other")
    assert [n for n in names if (tmp_path / "one" / n).read_bytes() != (tmp_path / "other" / n).read_bytes()] == []


def test_a_recording_is_kept_and_named(config: Path, tmp_path: Path) -> None:
    recording = tmp_path / "sounds/en/ringfence/unavailable.wav"
    recording.parent.mkdir(parents=True)
    recording.write_bytes(b"a human voice")
    done = ringfence(None, "voice", "build", "--force", "--language", "en", config=config)
    assert "kept  en/unavailable (a recording)" in done.output
    assert recording.read_bytes() == b"a human voice"


def test_without_the_synthesiser_it_says_what_to_install(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = ringfence(None, "voice", "build", config=config)
    assert done.exit_code == 1
    assert "apt-get install espeak-ng" in done.output
    listed = told(ringfence(None, "voice", "list", "--check", "--json", config=config), exit_code=4)
    assert {one["state"] for one in listed["prompts"]} == {"missing"}


def test_what_is_no_language_makes_no_folder(tmp_path: Path) -> None:
    done = ringfence(None, "voice", "build", "--language", "../../etc", "--to", str(tmp_path))
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, [])


async def test_the_doctor_names_what_is_missing_or_says_something_else(config: Path, tmp_path: Path) -> None:
    ground = Ground(config, settings_read=load(config))
    (missing,) = await prompts(ground)
    assert missing.state is State.WARN
    assert "en/accept" in missing.words
    assert "voice build" in missing.fix
    told(ringfence(None, "voice", "build", "--json", config=config))
    assert [finding.state for finding in await prompts(ground)] == [State.OK]
    (tmp_path / "sounds/cy/ringfence/goodbye.wav").chmod(0o600)
    config.write_text(config.read_text().replace("The cellar is wet.", "The cellar is dry again."))
    ground.settings_read = load(config)
    words = [finding.words for finding in await prompts(ground)]
    assert ["en/announcement-flood" in words[0], "cy/ringfence/goodbye.wav" in words[1]] == [True, True]
    (tmp_path / "asterisk.conf").write_text(f"[directories]\nastdatadir => {tmp_path}/data\n")
    (tmp_path / "data").mkdir()
    assert f'sounds_dir = "{tmp_path}/data/sounds"' in (await prompts(ground))[-1].fix


def test_every_prompt_of_the_lab_is_audible_in_every_language(installation: Installation) -> None:
    home = installation.asterisk
    sounds = home.outside(data_directory(home)) / "sounds"
    for one in wanted_in(LANGUAGES, {}):
        body = (sounds / one.language / "ringfence" / f"{one.stem}.wav").read_bytes()[44:]
        assert len(body) > 8000, one
        loud = max(abs(int.from_bytes(body[at : at + 2], "little", signed=True)) for at in range(0, len(body), 2))
        assert loud > 20 * AUDIBLE, one
