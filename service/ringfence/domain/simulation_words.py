"""A simulated call for people: what happens, and what the caller hears meanwhile. Private numbers are masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.numbers import mask
from ringfence.domain.simulation_values import Ending, Happening, What

NOT_SIMULATED: Final = (
    "the caps on what diverts cost, and full trunks",
    "members of a team who are on another call, and whom a rotation rang last",
    "calls that have been out through us before",
)

_ENDS: Final = {
    "answered": "answers",
    "failure": "fails",
    "undeliverable": "says that it cannot reach the person",
    "busy": "is busy",
    "declined": "declines",
    "unanswered": "is not answered",
    "unaccepted": "is answered, and nobody presses 1",
}
_ENDINGS: Final = {
    AnsweredBy.PLATFORM: "the platform takes the call",
    AnsweredBy.PERSON: "a person takes the call on a default number",
    AnsweredBy.SITE: "a site's, team's or trunk's own number takes the call",
    AnsweredBy.TEAM: "somebody of the team takes the call",
    AnsweredBy.VOICEMAIL: "the caller leaves a message",
    AnsweredBy.ANNOUNCEMENT: "the caller hears the announcement and is hung up",
    AnsweredBy.NOBODY: "the carrier is told that the call was not answered, as the platform said it",
}


def shown_targets(happening: Happening) -> tuple[str, ...]:
    """Private numbers masked."""
    return tuple(map(mask, happening.targets)) if happening.private else happening.targets


def sentence(happening: Happening, names: Mapping[str, str]) -> str:
    """What happens. `names`: what people call a team's or a site's id."""
    targets = ", ".join(names.get(target, target) for target in shown_targets(happening))
    of_team = f" of team {names.get(happening.team, happening.team)}" if happening.team else ""
    together = " together" if len(happening.targets) > 1 else ""
    match happening.what:
        case What.PLATFORM:
            return f"platform {targets} {_ENDS[happening.result]}"
        case What.RINGS:
            return f"{targets}{of_team} rings{together}, and {_ENDS.get(happening.result, happening.result)}"
        case What.PASSED_OVER:
            reason = "" if happening.why is None else f": {happening.why.sentence}"
            return f"{targets}{of_team} is passed over{reason}"
        case What.OPEN:
            return f"site {targets} is open"
        case What.CLOSED:
            return f"site {targets} is closed ({happening.result}): its other plan holds"
        case What.WAITS:
            return f"waits for somebody of team {targets}"
        case What.VOICEMAIL:
            return f"voicemail {targets}, if it exists"
        case What.ANNOUNCEMENT:
            return f"announcement {targets or 'tones'}"


def heard(happening: Happening) -> str:
    """What the caller hears; empty where it takes no time."""
    match happening.what:
        case What.RINGS:
            return "ringing" if happening.seconds or happening.result == "answered" else ""
        case What.PLATFORM if happening.result in ("answered", "unanswered"):
            return "ringing"
        case What.PLATFORM:
            return "nothing yet" if happening.seconds else ""
        case What.WAITS:
            return "music, and the place in the line"
        case What.VOICEMAIL:
            return "the greeting"
        case What.ANNOUNCEMENT:
            return "the announcement" + (", before any answer" if happening.result == "early" else "")
    return ""


def ending_sentence(ending: Ending) -> str:
    return _ENDINGS[ending.answered_by]
