"""What a run of kills came to, for people and for programs."""

from __future__ import annotations

from statistics import median

from tests.lab.chaos.aim import Aim
from tests.lab.chaos.run import Outcome


def table(outcome: Outcome) -> str:
    """Markdown."""
    ready = median(outcome.ready_seconds) if outcome.ready_seconds else 0.0
    each = outcome.seconds / max(1, outcome.kills)
    rows = [
        f"Seed {outcome.seed}, {outcome.database}: {outcome.kills} kills in {outcome.seconds / 60:.1f} minutes "
        f"({each:.1f} s each; from start to ready {ready:.2f} s, the median). {sum(outcome.orders.values()):,} orders "
        f"were answered with success, {sum(outcome.settled.values()):,} were in doubt at a kill, "
        f"{outcome.repeated:,} of these were repeated with their key, {outcome.overtaken:,} that had been carried out "
        f"after somebody else had spoken about the same. {len(outcome.faults)} disagreements.",
        "",
        "| phase | aimed at | hit | of all kills |",
        "|---|---:|---:|---:|",
        *(f"| {aim} | {outcome.aimed[aim]} | {_hits(outcome, aim)} |" for aim in Aim),
        "",
        "| order | accepted |",
        "|---|---:|",
        *(f"| {kind} | {count:,} |" for kind, count in sorted(outcome.orders.items())),
        "",
        "| in doubt at a kill | orders |",
        "|---|---:|",
        *(f"| {what} | {count:,} |" for what, count in sorted(outcome.settled.items())),
    ]
    return "\n".join([*rows, *(["", *(f"- {fault}" for fault in outcome.faults)] if outcome.faults else [])])


def to_json(outcome: Outcome) -> dict[str, object]:
    return {
        "seed": outcome.seed,
        "database": outcome.database,
        "kills": outcome.kills,
        "seconds": round(outcome.seconds, 1),
        "ready_seconds": [round(seconds, 3) for seconds in outcome.ready_seconds],
        "aimed": dict(outcome.aimed),
        "hit": dict(outcome.hit),
        "orders": dict(outcome.orders),
        "in_doubt": dict(outcome.settled),
        "refused": dict(outcome.refused),
        "repeated": outcome.repeated,
        "overtaken": outcome.overtaken,
        "faults": outcome.faults,
    }


def _hits(outcome: Outcome, aim: Aim) -> str:
    """How often, and the share: one kill may hit several phases."""
    if aim is Aim.ANYWHERE:
        return "- | -"
    return f"{outcome.hit[aim]} | {100 * outcome.hit[aim] / max(1, outcome.kills):.0f} %"
