"""A simulated call for people: what happens, and what the caller hears meanwhile. Private numbers are masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.domain.calls import AnsweredBy
from ringfence.domain.numbers import mask
from ringfence.domain.simulation_values import Ending, Happening, Shows, What

NOT_SIMULATED: Final = (
    "the caps on what diverts cost, and full trunks",
    "members of a team who are on another call",
    "calls of ours that come back without a header to tell",
    "what the site's own dialplan does with a call that is handed to it",
    "fractions of a second: the dialplan counts ringing and waiting in whole ones",
)
NOT_ASKED: Final = (
    "whom a rotation rang last, and what carriers refuse of our identity: Asterisk cannot be asked just now"
)

_ENDS: Final = {
    "answered": "answers",
    "failure": "fails",
    "undeliverable": "cannot be reached",
    "busy": "is busy",
    "declined": "declines",
    "unanswered": "is not answered",
    "unaccepted": "is answered, and nobody presses 1",
}
_ALL_END: Final = {
    "answered": "somebody answers",
    "busy": "all are busy",
    "declined": "all decline",
    "undeliverable": "none can be reached",
    "unaccepted": "nobody presses 1",
}
_SHOWN: Final = {
    Shows.CALLER: "the caller's number",
    Shows.DID: "our DID",
    Shows.TRUNK: "the trunk's number",
    Shows.NOBODY: "no number",
}
_ENDINGS: Final = {
    AnsweredBy.PLATFORM: "the platform takes the call",
    AnsweredBy.PERSON: "a person takes the call on a default number",
    AnsweredBy.SITE: "a site's, team's or trunk's own number takes the call",
    AnsweredBy.TEAM: "somebody of the team takes the call",
    AnsweredBy.VOICEMAIL: "the caller leaves a message",
    AnsweredBy.ANNOUNCEMENT: "the caller hears the announcement and is hung up",
    AnsweredBy.DIALPLAN: "the site's own dialplan takes the call",
    AnsweredBy.NOBODY: "the carrier is told that the call was not answered, as the platform said it",
}


def shown_targets(happening: Happening) -> tuple[str, ...]:
    """Private numbers masked."""
    return tuple(map(mask, happening.targets)) if happening.private else happening.targets


def sentence(happening: Happening, names: Mapping[str, str]) -> str:
    """What happens. `names`: what people call a team's or a site's id."""
    targets = ", ".join(names.get(target, target) for target in shown_targets(happening))
    of_team = f" of team {names.get(happening.team, happening.team)}" if happening.team else ""
    match happening.what:
        case What.PLATFORM:
            ends = "turns the call down" if happening.result == "undeliverable" else _ENDS[happening.result]
            return f"platform {targets} {ends}"
        case What.HANDED_OVER:
            fails = ""
            if happening.result != "answered":
                fails = "; its Dial fails, and only ringfence-failed in there would lead to the plan"
            return f"goes on in context {targets} of the site's own dialplan{fails}"
        case What.RINGS:
            return f"{targets}{of_team} {_rings(happening)}"
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
            spoken = f" in {happening.language}" if happening.language else ""
            return f"announcement {targets or 'tones'}{spoken}"
        case What.RETURNED:
            return "the call has been out through us before, and goes out no more"


def _rings(happening: Happening) -> str:
    if len(happening.targets) > 1:
        shows = f", showing {_SHOWN[happening.shows]}" if happening.shows else ""
        ends = _ALL_END.get(happening.result, "nobody answers")
        return f"ring together{shows}, and {ends}{_pressed(happening)}"
    if happening.result in ("failure", "undeliverable", "busy"):
        return _ENDS[happening.result]
    shows = f", showing {_SHOWN[happening.shows]}" if happening.shows else ""
    return f"rings{shows}, and {_ENDS.get(happening.result, happening.result)}{_pressed(happening)}"


def _pressed(happening: Happening) -> str:
    if happening.result != "answered":
        return ""
    told = ", and is told who calls" if happening.told else ""
    return (" and presses 1" if happening.asked else "") + told


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
            return "the announcement, " + ("before any answer" if happening.result == "early" else "answered")
    return ""


def ending_sentence(ending: Ending) -> str:
    if ending.result == "unknown":
        return "what comes of the call is the site's own dialplan's affair"
    return _ENDINGS[ending.answered_by]
