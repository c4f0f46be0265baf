"""The banner of every page in shadow mode."""

from __future__ import annotations

from ringfence.app.snapshot import Snapshot
from ringfence.domain.outage import Decision
from ringfence.web.pages.state_words import Said, Weight, since_of
from ringfence.web.pages.texts import N_


def shadow_banner(snapshot: Snapshot) -> Said:
    """That nothing is done to calls, and where they would go."""
    away = (Decision.DIVERT, Decision.TRIAL)
    diverted = sorted(name for name, view in snapshot.scopes.items() if view.decision in away)
    if not diverted:
        return Said(Weight.NOTE, N_("SHADOW MODE: everything is decided and shown, nothing is done to calls."))
    since, why = min(since_of(snapshot.scopes[name]) for name in diverted)
    return Said(
        Weight.NOTE,
        N_("SHADOW MODE: nothing is done to calls. Live, calls of %(names)s would go to default numbers (DR mode)."),
        {"names": ", ".join(diverted)},
        since=since,
        why=why if len(diverted) == 1 else "",
    )
