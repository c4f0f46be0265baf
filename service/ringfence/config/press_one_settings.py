"""[press_one]: who has to press 1 before a caller is put through."""

from __future__ import annotations

from pydantic import Field

from ringfence.config.words import Table
from ringfence.domain.numbers import NumberKind
from ringfence.domain.press_one import ASKED_BY_DEFAULT


class PressOneSettings(Table):
    """[press_one]: whose answer counts only when 1 was pressed; a voicemail presses nothing."""

    enabled: bool = Field(True, description="`false`: only who answers a number that is imported with `press1`")
    kinds: list[NumberKind] = Field(
        sorted(ASKED_BY_DEFAULT),
        description="types of default numbers that are asked, unless imported with `nopress`; `unknown`: in no range",
    )
    seconds: int = Field(
        10,
        ge=5,
        le=30,
        description="what is kept of `ring_budget_seconds` for asking: the prompt, and the time to press",
    )

    @property
    def asked(self) -> frozenset[NumberKind]:
        return frozenset(self.kinds) if self.enabled else frozenset()
