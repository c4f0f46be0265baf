"""What a caller would experience: one operation, which places no call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from ringfence.app.operator import Operator, OrderRefused
from ringfence.app.simulating import Simulator
from ringfence.domain.assumed import AssumedPlatform, FarEnd
from ringfence.domain.calls import caller_of, shown_caller
from ringfence.domain.simulation_values import Assumptions
from ringfence.domain.simulation_words import NOT_ASKED, NOT_SIMULATED, ending_sentence, heard, sentence, shown_targets
from ringfence.web.errors import declared
from ringfence.web.order_models import MAX_DID_CHARACTERS, MAX_SCOPE_CHARACTERS, DidText
from ringfence.web.order_targets import read_did
from ringfence.web.simulation_models import EndingOut, HappeningOut, SimulationOut

MAX_STEP = 16

FromText = Annotated[
    str, Query(alias="from", max_length=MAX_DID_CHARACTERS, description="the caller's number; empty: withheld")
]
TrunkName = Annotated[
    str | None,
    Query(max_length=MAX_SCOPE_CHARACTERS, description="by which trunk it comes; default the DID's usual one"),
]
AtText = Annotated[
    str | None, Query(max_length=40, description="when, with its time zone, as 2030-01-31T18:00:00+00:00; default now")
]
Answers = Annotated[int | None, Query(ge=1, le=MAX_STEP, description="whoever is rung at this step answers")]
Numbers = Annotated[FarEnd, Query(description="what every other number does that is rung")]
CameBack = Annotated[bool, Query(description="its headers say that it has been out through us before")]
Trial = Annotated[bool, Query(description="in a trial: whether this call is one of those that try the platform")]


def routes(simulator: Simulator, operator: Operator, default_country: str) -> APIRouter:
    router = APIRouter(tags=["questions"])

    @router.get("/simulate/{did}", responses=declared(409), operation_id="simulate")
    async def simulate(
        did: Annotated[DidText, Path()],
        from_: FromText = "",
        at: AtText = None,
        trunk: TrunkName = None,
        platform: AssumedPlatform = AssumedPlatform.UP,
        answers: Answers = None,
        numbers: Numbers = FarEnd.UNANSWERED,
        trial: Trial = True,
        came_back: CameBack = False,
    ) -> SimulationOut:
        """Step by step what a call to this DID would experience, by the records that are published. No call is
        placed."""
        assumed = Assumptions(platform.does, {}, numbers, answers, trial, came_back)
        asked_for = read_did(did, default_country)
        question, found, read = await simulator.ask(asked_for, trunk, _moment(at), assumed, from_)
        names, end = simulator.names(), found.ending
        return SimulationOut(
            did=question.did,
            caller=shown_caller(caller_of(from_)),
            trunk=question.trunk,
            at=question.at,
            scope=found.scope,
            shadow=operator.current.shadow,
            happenings=[
                HappeningOut(
                    at_seconds=happening.at_seconds,
                    seconds=happening.seconds,
                    what=happening.what,
                    step=happening.step,
                    targets=list(shown_targets(happening)),
                    result=happening.result,
                    why=happening.why,
                    shows=happening.shows,
                    asked=happening.asked,
                    language=happening.language,
                    sentence=sentence(happening, names),
                    heard=heard(happening),
                )
                for happening in found.happenings
            ],
            ending=EndingOut(
                at_seconds=end.at_seconds,
                answered_by=end.answered_by,
                result=end.result,
                decision=end.decision,
                path=end.path,
                reason=end.reason,
                step=end.step,
                sentence=ending_sentence(end),
            ),
            not_simulated=[*NOT_SIMULATED, *([] if read else [NOT_ASKED])],
        )

    return router


def _moment(text: str | None) -> datetime | None:
    """Raises OrderRefused."""
    if text is None:
        return None
    try:
        # A plus in a query is a space to whoever forgot to write it as %2B.
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise OrderRefused("at", "is not a time", "Write it as 2030-01-31T18:00:00+00:00.") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
