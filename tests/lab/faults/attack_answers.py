"""Rows of a platform whose answers to our questions are torture: odd from a living one, nonsense for a dead one."""

from __future__ import annotations

from tests.lab.attack.relay import Relay
from tests.lab.attack.torture_answers import ALIVE, NOTHING
from tests.lab.faults.attack_stage import divert_count
from tests.lab.faults.measuring import Act, Fault, Kind
from tests.lab.faults.stage import Stage
from tests.lab.faults.told import Verdicts

SAID = tuple(odd for odd in NOTHING if odd.name not in ("503", "408", "the question itself"))
"""The first two are a platform's own word that it does not serve; all others have to be silence. The third
meets Asterisk as a request of the trunk, for in the lab all have one address, and a call then waited a quarter of a
second. Our own probe is held to it in the unit tests."""


def answer_faults(relay: Relay) -> list[Fault]:
    """In the order of the table, all on one stage, with `relay` before the platform."""
    return [_odd(relay), _nonsense(relay)]


def _odd(relay: Relay) -> Fault:
    verdicts = Verdicts()

    async def answer_oddly(stage: Stage) -> None:
        relay.say(ALIVE)

    async def witness(stage: Stage) -> None:
        degraded = round(100 * verdicts.seen.count("degraded") / max(1, len(verdicts.seen)))
        stage.notes.append(
            f"{relay.answered.total()} answers, {len(relay.answered)} kinds of them; told `degraded` for {degraded} % "
            "of the time, for Asterisk itself cannot read each of them"
        )
        stage.must("failovers", divert_count(stage), 0)
        stage.must("told `down` or `unknown`", sum(said in ("down", "unknown") for said in verdicts.seen), 0)
        stage.must("our own probe against it", int("sip_options" in verdicts.against), 0)
        stage.must("never looked", int(not verdicts.seen), 0)

    return Fault(
        "odd answers to OPTIONS",
        f"the platform is healthy, and answers OPTIONS in {len(ALIVE)} odd ways in turn",
        Kind.TRANSPARENT,
        verdicts.during(answer_oddly),
        witness=witness,
        mend=_as_usual(relay),
    )


def _nonsense(relay: Relay) -> Fault:
    async def talk_nonsense(stage: Stage) -> None:
        relay.say(SAID)
        await stage.strike()

    async def witness(stage: Stage) -> None:
        stage.notes.append(f"{relay.answered.total()} answers")

    return Fault(
        "nonsense for an answer",
        f"the platform is killed, and what stands before it goes on answering OPTIONS in {len(SAID)} ways that answer "
        "nothing that was asked",
        Kind.SILENT,
        talk_nonsense,
        witness=witness,
        mend=_as_usual(relay),
        verdict_seconds=3,
    )


def _as_usual(relay: Relay) -> Act:
    async def act(stage: Stage) -> None:
        relay.say(ALIVE[:1])

    return act
