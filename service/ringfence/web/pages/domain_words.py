"""The sentences that the domain gives to its reasons: shown on pages in the reader's language, though the domain knows
of none."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.domain.access import Permission
from ringfence.domain.coverage import CoverageReason
from ringfence.domain.override import PRECEDENCE_WORDS
from ringfence.domain.policy import Refusal
from ringfence.domain.reasons import Reason
from ringfence.domain.route_plan import Omission, StepReason


def domain_texts() -> Iterator[str]:
    """Every such sentence: each needs a translation like a text of the templates."""
    for kind in (Reason, StepReason, Omission, Refusal, CoverageReason):
        yield from (member.sentence for member in kind)
    yield PRECEDENCE_WORDS
    yield from (permission.words for permission in Permission)
