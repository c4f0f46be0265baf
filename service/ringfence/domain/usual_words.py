"""What the usual says about a platform's or a trunk's calls, as evidence that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.domain.moment import Moment
from ringfence.domain.usual import Share, Trait
from ringfence.domain.usual_trail import MIN_CALLS, Quiet, Seen
from ringfence.domain.verdict import Evidence, Speaks

ENDLESS_CALLS: Final = 16
"""So many in a row, and where half of the calls fail it is no accident of a few."""

_OR_CLOSED: Final = ". On a day off it is no fault: enter the day as a holiday of the site"
_KINDS: Final = {
    Trait.UNANSWERED: EvidenceKind.ANSWER_RATIO,
    Trait.SHORT: EvidenceKind.SHORT_CALLS,
    Trait.AT_ONCE: EvidenceKind.ANNOUNCING,
    Trait.ALIKE: EvidenceKind.ANNOUNCING,
}


UNUSUAL_KINDS: Final = (
    EvidenceKind.ANSWER_RATIO,
    EvidenceKind.SHORT_CALLS,
    EvidenceKind.INBOUND_SILENCE,
    EvidenceKind.ENDLESS_RINGING,
    EvidenceKind.ANNOUNCING,
)


@dataclass(frozen=True, slots=True)
class UsualView:
    """For the status. `weeks` of history are known; `unusual` has every target that is watched, with what is not as
    usual there."""

    weeks: int = 0
    unusual: Mapping[TargetId, tuple[Evidence, ...]] = field(default_factory=dict)

    @property
    def quiet_trunks(self) -> dict[str, str]:
        """Inbound trunks without calls where there should be some, and what is known of it. Of platforms their verdicts
        tell."""
        return {
            target.name: "; ".join(hint.words for hint in against)
            for target, against in sorted(self.unusual.items(), key=lambda item: item[0].name)
            if target.role is TargetRole.TRUNK and against
        }


def trait_evidence(
    trait: Trait, standing: bool, recent: Sequence[Seen], share: Share | None, short_seconds: float
) -> Evidence | None:
    """`recent`: the newest calls, newest first. None where there is nothing worth a line: of what is rare when all is
    well, only that it is not."""
    if not standing:
        if trait is not Trait.UNANSWERED or share is None or len(recent) < MIN_CALLS:
            return None
        return Evidence(EvidenceKind.ANSWER_RATIO, Speaks.FOR, _answered(recent, share))
    if trait is Trait.UNANSWERED and (ringing := _endless(recent)):
        words = f"the last {ringing} calls rang, at {_dids(recent[:ringing])} DIDs, and nobody answered"
        return Evidence(EvidenceKind.ENDLESS_RINGING, Speaks.AGAINST, words + _usual("are answered", share, True))
    return Evidence(_KINDS[trait], Speaks.AGAINST, _bad(trait, recent, share, short_seconds))


def silence_evidence(quiet: Quiet, calls_per_hour: float, now: Moment) -> Evidence | None:
    """None where calls are rare at this hour, or one came just now and none is missing."""
    if quiet.standing:
        minutes = int(now.since(quiet.since) / 60) if quiet.since is not None else 0
        lately = f"no call has come in for {minutes} min" if quiet.missing >= 1 else "few calls come in after a silence"
        return Evidence(
            EvidenceKind.INBOUND_SILENCE,
            Speaks.AGAINST,
            f"{lately}, where at least {calls_per_hour:.0f} an hour are usual; the carrier or the trunk may be at "
            "fault as well" + _OR_CLOSED,
        )
    if calls_per_hour < 1:
        return None
    words = f"calls come in; at least {calls_per_hour:.0f} an hour are usual"
    return Evidence(EvidenceKind.INBOUND_SILENCE, Speaks.FOR, words)


def _answered(recent: Sequence[Seen], share: Share | None) -> str:
    good = sum(not seen.bad for seen in recent)
    return f"{good} of the last {len(recent)} calls were answered" + _usual("", share, True)


def _bad(trait: Trait, recent: Sequence[Seen], share: Share | None, short_seconds: float) -> str:
    if trait is Trait.UNANSWERED:
        return _answered(recent, share)
    bad = f"{sum(seen.bad for seen in recent)} of the last {len(recent)} answered calls"
    what = {
        Trait.SHORT: f"were over within {short_seconds:g} s",
        Trait.AT_ONCE: "were answered at once, without ringing: an announcement, not a person",
        Trait.ALIKE: "were as long as the one before: an announcement, not a person",
    }[trait]
    return f"{bad} {what}{_usual('', share, False)}" + ("" if trait is Trait.SHORT else _OR_CLOSED)


def _usual(what: str, share: Share | None, good: bool) -> str:
    if share is None:
        return ""
    percent = 100 * (1 - share.usual if good else share.usual)
    return f"; usual at this hour: {percent:.0f} %{f' {what}' if what else ''}"


def _endless(recent: Sequence[Seen]) -> int:
    """How many of the newest rang and were not answered, one after another; 0: not enough to say so."""
    run = next((number for number, seen in enumerate(recent) if not (seen.bad and seen.rang)), len(recent))
    return run if run >= min(ENDLESS_CALLS, len(recent)) else 0


def _dids(calls: Sequence[Seen]) -> int:
    return len({seen.did for seen in calls})
