"""Asterisk's data folder with Ringfence's prompts among its sounds, and music to wait by: made once, kept in the cache.

The distribution's own folder is shared by every Asterisk of the lab, and on a developer's machine it is the system's:
so ours stands beside it and points into it.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import wave
from array import array
from functools import cache
from pathlib import Path

from ringfence.domain.prompts import LANGUAGES
from ringfence.voice import building
from ringfence.voice import wave as telephone
from ringfence.voice.espeak import PROGRAM, Espeak
from tests.lab.cache import apt_install, cache_directory, has_apt, only_one, say
from tests.lab.installation import Home
from tests.lab.waiting import LabError

MUSIC = "music"
"""A folder of it, for the class `default` of musiconhold.conf."""
NO_SYNTHESISER = f"no {PROGRAM} on PATH: install it (Debian and Ubuntu: sudo apt-get install {PROGRAM})"


def with_prompts(home: Home, shipped: str) -> str:
    """The path, as Asterisk sees it, of a data folder like `shipped` in which every prompt can be played."""
    parent = str(cache_directory()) if home.root is None else "/var/cache/ringfence-lab"
    inside = f"{parent}/data-{_stamp()}"
    if not home.outside(inside).is_dir():
        home.outside(parent).mkdir(parents=True, exist_ok=True)
        cache_directory().mkdir(parents=True, exist_ok=True)
        _ensure_synthesiser()
        with only_one(cache_directory() / "lock"):
            if not home.outside(inside).is_dir():
                _build(home, shipped, home.outside(inside))
    return inside


@cache
def _stamp() -> str:
    """Whatever changes what is heard."""
    wanted = building.wanted_in(LANGUAGES, {})
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (telephone, building))
    return hashlib.sha256(repr(wanted).encode() + code + Path(__file__).read_bytes()).hexdigest()[:12]


def _build(home: Home, shipped: str, target: Path) -> None:
    say("speaking the prompts (some seconds, once)")
    aside = target.with_name(f"{target.name}.building")
    shutil.rmtree(aside, ignore_errors=True)
    (aside / "sounds").mkdir(parents=True)
    for name in os.listdir(home.outside(shipped)):
        if name not in ("sounds", MUSIC):
            (aside / name).symlink_to(f"{shipped}/{name}")
    sounds = f"{shipped}/sounds"
    for name in os.listdir(home.outside(sounds)) if home.outside(sounds).is_dir() else ():
        if name not in LANGUAGES:
            (aside / "sounds" / name).symlink_to(f"{sounds}/{name}")
            continue
        folder = _resolved(home, f"{sounds}/{name}")
        (aside / "sounds" / name).mkdir()
        for sound in os.listdir(home.outside(folder)):
            if sound != "ringfence":
                (aside / "sounds" / name / sound).symlink_to(f"{folder}/{sound}")
    building.build(aside / "sounds", building.wanted_in(LANGUAGES, {}), Espeak())
    (aside / MUSIC).mkdir()
    _write_music(aside / MUSIC / "two-notes.wav")
    aside.rename(target)


def _resolved(home: Home, inside: str) -> str:
    """Where links lead, as the program sees them: Debian's lead through /etc/alternatives, which ours also has."""
    while (outside := home.outside(inside)).is_symlink():
        inside = os.path.normpath(os.path.join(os.path.dirname(inside), os.readlink(outside)))
    return inside


def _write_music(path: Path) -> None:
    """Five seconds of two notes in turn: never silent, and nothing that could be taken for a ringing tone."""
    rate = telephone.RATE
    samples = array(
        "h", (round(8000 * math.sin(math.tau * (523, 659)[i // rate % 2] * i / rate)) for i in range(5 * rate))
    )
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, len(samples), "NONE", "not compressed"))
        file.writeframes(samples.tobytes())


def _ensure_synthesiser() -> None:
    if shutil.which(PROGRAM):
        return
    if os.geteuid() != 0 or not has_apt():
        raise LabError(NO_SYNTHESISER)
    with only_one(cache_directory() / "lock"):
        if shutil.which(PROGRAM) is None:
            apt_install([PROGRAM])
