"""Durations as people write them: `90s`, `15m`, `2h`, `1d`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

PATTERN: Final = r"^[1-9][0-9]{0,6}[smhd]$"
FORM: Final = "90s, 15m, 2h or 1d"

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_duration(text: str) -> timedelta:
    """Raises ValueError with a sentence for people."""
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"is not a duration; write it as {FORM}")
    return timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])
