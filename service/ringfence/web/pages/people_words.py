"""What is known of people, in words for the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.app.hr.ports import PlanStatus, RunOutcome
from ringfence.domain.asked_word import AskedWord
from ringfence.domain.directory import Consent, LineKind
from ringfence.domain.hr.category import Category
from ringfence.domain.hr.provenance import Standing
from ringfence.domain.hr.record import NumberUse
from ringfence.web.pages.texts import N_

STANDINGS: Final[Mapping[Standing, str]] = {
    Standing.EMPLOYED: N_("employed"),
    Standing.NOT_STARTED: N_("has not started yet"),
    Standing.LEFT: N_("has left"),
    Standing.AWAY: N_("away"),
    Standing.UNKNOWN: N_("unknown to HR"),
}

CONSENTS: Final[Mapping[Consent, str]] = {
    Consent.NOT_STATED: N_("not stated"),
    Consent.GIVEN: N_("given"),
    Consent.WITHDRAWN: N_("withdrawn"),
}

ASKED: Final[Mapping[AskedWord, str]] = {
    AskedWord.AS_CONFIGURED: N_("as is usual for such a number"),
    AskedWord.ASKED: N_("has to press 1"),
    AskedWord.NOT_ASKED: N_("is put through at once"),
}
"""What becomes of whoever answers."""

USES: Final[Mapping[NumberUse, str]] = {
    NumberUse.WORK: N_("work telephone"),
    NumberUse.PRIVATE: N_("private telephone"),
}

KINDS: Final[Mapping[LineKind, str]] = {
    LineKind.VOICE: N_("voice"),
    LineKind.FAX: N_("fax"),
    LineKind.ALARM: N_("alarm"),
    LineKind.LIFT: N_("lift"),
    LineKind.TELECARE: N_("telecare"),
    LineKind.DOOR: N_("door"),
    LineKind.SWITCHBOARD: N_("switchboard"),
    LineKind.SAFEGUARDING: N_("safeguarding"),
}

CATEGORIES: Final[Mapping[Category, str]] = {
    Category.JOINER: N_("joins"),
    Category.RETURN: N_("comes back"),
    Category.TERM: N_("employment changes or ends"),
    Category.DID_MOVE: N_("DIDs change hands"),
    Category.NUMBER_CHANGE: N_("default numbers change"),
    Category.DETAIL: N_("name, site or team changes"),
    Category.ABSENCE: N_("missing from the feed"),
    Category.KEY_CHANGE: N_("the key changes"),
    Category.SAME_KEY: N_("two records with one key"),
}

PLAN_STATES: Final[Mapping[PlanStatus, str]] = {
    PlanStatus.OPEN: N_("waits for a person"),
    PlanStatus.APPROVED: N_("approved"),
    PlanStatus.PARTLY: N_("decided in part"),
    PlanStatus.REJECTED: N_("rejected"),
    PlanStatus.SUPERSEDED: N_("replaced by a newer one"),
    PlanStatus.RESOLVED: N_("settled: the source itself says otherwise since"),
}

OUTCOMES: Final[Mapping[RunOutcome, str]] = {
    RunOutcome.APPLIED: N_("taken"),
    RunOutcome.PARTLY_HELD: N_("taken in part, the rest is held"),
    RunOutcome.HELD: N_("held"),
    RunOutcome.UNCHANGED: N_("nothing new"),
    RunOutcome.REFUSED: N_("refused"),
    RunOutcome.FAILED: N_("failed"),
}

FIELD_NAMES: Final[Mapping[str, str]] = {
    "name": N_("Name"),
    "site": N_("Site"),
    "department": N_("Department"),
    "team": N_("Team"),
    "manager": N_("Manager"),
    "deputy": N_("Deputy"),
    "email": N_("Mail address"),
    "dids": N_("DIDs"),
    "numbers": N_("Default numbers"),
    "active": N_("Active"),
    "starts": N_("Begins"),
    "ends": N_("Last day"),
    "ends_at": N_("Ends at"),
    "away_from": N_("Away from"),
    "away_until": N_("Away until"),
    "on_call": N_("On call"),
}


def asked(press_one: bool | None) -> str:
    """Of one number, as it was entered or imported."""
    return ASKED[next(word for word in AskedWord if word.says is press_one)]
