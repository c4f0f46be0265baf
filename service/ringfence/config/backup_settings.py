"""The settings of backups."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ringfence.config.words import Table

_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PUBLIC: Final = re.compile(r"age1[02-9ac-hj-np-z]{20,4000}")


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError(f"{text!r} is no time of day such as 02:15")
    return text


def _recipient(text: str) -> str:
    if text.upper().startswith("AGE-SECRET-KEY-"):
        # Not quoted: it would stand in a log.
        raise ValueError("this is a secret key; keep it off this machine, and give its public half, age1…")
    if not _PUBLIC.fullmatch(text):
        raise ValueError(f"{text!r} is no age public key (age1…); make one with `ringfence backup new-key`")
    return text


class BackupSettings(Table):
    """[backup]: who can open backups, and the ones that the daemon makes by itself."""

    recipients: list[Annotated[str, AfterValidator(_recipient)]] = Field(
        [], max_length=20, description="age public keys that open them; empty: the daemon makes none"
    )
    directory: Path | None = Field(None, description="where the daemon puts them; default backups in state_dir")
    at: list[Annotated[str, AfterValidator(_time)]] = Field(
        ["02:15"], min_length=1, max_length=24, description="times of day, in the time zone of [hr]"
    )
    keep: int = Field(14, ge=1, le=1000, description="how many of them are kept")
    max_age_hours: int = Field(50, ge=1, le=8760, description="with none younger than this people are told")

    @property
    def times(self) -> tuple[time, ...]:
        return tuple(sorted({time.fromisoformat(text) for text in self.at}))

    def place(self, state_dir: Path) -> Path:
        return self.directory or state_dir / "backups"
