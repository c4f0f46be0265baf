"""The words of each prompt, from the package's own files: one a language, so that a translator needs no Python."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from ringfence.domain.prompts import LANGUAGES, Prompt

_FOLDER: Final = Path(__file__).parent / "texts"


@cache
def texts_of(language: str) -> Mapping[Prompt, str]:
    """What each prompt says; empty for a language we have no words for. `de_CH` speaks as `de` does."""
    base = language.partition("_")[0]
    if base not in LANGUAGES:
        return {}
    found = tomllib.loads((_FOLDER / f"{base}.toml").read_text(encoding="utf-8"))
    return {Prompt(name): text for name, text in found.items()}
