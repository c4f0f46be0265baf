"""The state in plain words: the banner of every page, and the alarms with what to do about each.

The texts are whole sentences with gaps, so that they can be translated; the API's own sentences are composed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from ringfence.app.snapshot import ScopeView, Snapshot
from ringfence.domain.health import TargetRole
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.verdict import VerdictState
from ringfence.web.pages.evidence_words import ROLE_WORDS, VERDICT_WORDS
from ringfence.web.pages.texts import N_
from ringfence.web.status_view import EQUAL


class Weight(StrEnum):
    """How much something matters; shown as a word and a shape, and only then as a colour."""

    GOOD = "good"
    NOTE = "note"
    ALARM = "alarm"


WEIGHT_WORDS: Final[Mapping[Weight, str]] = {
    Weight.GOOD: N_("All is well"),
    Weight.NOTE: N_("Take note"),
    Weight.ALARM: N_("Alarm"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with gaps, what goes into them, and what to do. Values that are texts of ours are in `translated`.
    `link` leads to the page that helps. `since`: from when it is so; `why`: a text of ours that says why."""

    weight: Weight
    text: str
    gaps: Mapping[str, object] = field(default_factory=dict)
    translated: Mapping[str, str] = field(default_factory=dict)
    todo: str = ""
    link: str = ""
    since: datetime | None = None
    why: str = ""

    @property
    def label(self) -> str:
        return WEIGHT_WORDS[self.weight]


MODE_WORDS: Final[Mapping[Mode, str]] = {
    Mode.NORMAL: N_("normal"),
    Mode.FAILED_OVER: N_("DR mode"),
    Mode.HOLD_DOWN: N_("DR mode (the platform answers again, waiting out the hold-down)"),
    Mode.TRIAL: N_("trying the platform"),
}

DECISION_WORDS: Final[Mapping[Decision, str]] = {
    Decision.NORMAL: N_("calls go to the platform; a call it fails is diverted on the spot"),
    Decision.PINNED: N_("calls go to the platform whatever becomes of them"),
    Decision.DIVERT: N_("calls go to default numbers"),
    Decision.TRIAL: N_("a few calls go to the platform, the others to default numbers"),
}

DECIDED: Final = N_("a person decided so")

MODE_TODO: Final[Mapping[Decision, str]] = {
    Decision.NORMAL: "",
    Decision.PINNED: N_(
        "A person decided that calls go to the platform all the same: they fail as long as it does. Release that "
        "decision unless the platform works."
    ),
    Decision.DIVERT: N_(
        "Calls reach people by their default numbers. Tell the platform's vendor; it goes back by itself."
    ),
    Decision.TRIAL: N_("Nothing: if the few calls are put through, all of them go to the platform again."),
}
"""What to do while a platform is not in normal mode, by where its calls go."""

OVERRIDE_WORDS: Final[Mapping[OverrideKind, str]] = {
    OverrideKind.DR: N_("to default numbers (DR)"),
    OverrideKind.NORMAL: N_("to the platform (normal)"),
    OverrideKind.FREEZE: N_("frozen as it is"),
}


def banner_of(snapshot: Snapshot) -> Said:
    """The one sentence at the top of every page: where calls go now."""
    diverted = sorted(name for name, view in snapshot.scopes.items() if view.decision is Decision.DIVERT)
    on_trial = sorted(name for name, view in snapshot.scopes.items() if view.decision is Decision.TRIAL)
    if diverted:
        since, why = min(since_of(snapshot.scopes[name]) for name in diverted)
        return Said(
            Weight.ALARM,
            N_("Calls of %(names)s go to default numbers (DR mode)."),
            {"names": ", ".join(diverted)},
            since=since,
            why=why if len(diverted) == 1 else "",
        )
    if on_trial:
        return Said(Weight.NOTE, N_("Trying the platform again: %(names)s."), {"names": ", ".join(on_trial)})
    said = list(alarms_of(snapshot))
    alarming = [one for one in said if one.weight is Weight.ALARM]
    if alarming:
        return Said(
            Weight.ALARM,
            N_("Calls go to the platform. Alarms that need somebody: %(number)s."),
            {"number": len(alarming)},
        )
    if said:
        return Said(Weight.NOTE, N_("Calls go to the platform. Things to know: %(number)s."), {"number": len(said)})
    return Said(Weight.GOOD, N_("Calls go to the platform."))


def since_of(view: ScopeView) -> tuple[datetime, str]:
    """From when the calls go where they go, and why."""
    forced = view.override is not None and view.override.kind is not OverrideKind.FREEZE
    if view.override is not None and forced:
        return view.override.set_at, DECIDED
    return view.state.since.wall, view.state.reason.sentence


def alarms_of(snapshot: Snapshot) -> Iterator[Said]:
    """What a person should know of now, the gravest first."""
    found = [*_of_links(snapshot), *_of_scopes(snapshot), *_of_trunks(snapshot), *_of_roster(snapshot)]
    yield from sorted(found, key=lambda said: said.weight is not Weight.ALARM)


def _of_links(snapshot: Snapshot) -> Iterator[Said]:
    if not snapshot.asterisk.up:
        yield Said(
            Weight.ALARM,
            N_("Asterisk does not answer: %(detail)s."),
            {"detail": snapshot.asterisk.detail},
            todo=N_("Calls follow the last table. Look whether Asterisk runs, then whether its password fits."),
        )
    elif snapshot.no_dialplan:
        words = N_("Asterisk runs without Ringfence's dialplan: no call comes to Ringfence.")
        yield Said(Weight.ALARM, words, todo=N_("`ringfence doctor` on the server says what to correct."))
    elif snapshot.missing_modules:
        words = N_("Asterisk has not loaded what calls need: %(modules)s.")
        names = ", ".join(f"{name}.so" for name in sorted(snapshot.missing_modules))
        yield Said(
            Weight.ALARM, words, {"modules": names}, todo=N_("`ringfence doctor` on the server says what to correct.")
        )
    elif snapshot.table.state != EQUAL:
        yield Said(
            Weight.NOTE,
            N_("The table in Asterisk is not verified: %(state)s %(detail)s"),
            {"state": snapshot.table.state, "detail": snapshot.table.detail},
            todo=N_("Wait a minute: it is compared and put right by itself."),
        )
    if not snapshot.store.up:
        yield Said(
            Weight.ALARM,
            N_("The database does not answer: %(detail)s."),
            {"detail": snapshot.store.detail},
            todo=N_("Calls are routed all the same. Look whether its disk is full."),
        )
    for fault in snapshot.telling:
        yield Said(Weight.NOTE, N_("Notifications: %(fault)s"), {"fault": fault}, link="/notices")
    if snapshot.unstored_changes:
        yield Said(
            Weight.NOTE,
            N_("%(number)s decided changes are not stored yet."),
            {"number": snapshot.unstored_changes},
            todo=N_("They are kept in a file and stored when the database answers."),
        )


def _of_scopes(snapshot: Snapshot) -> Iterator[Said]:
    for name, view in sorted(snapshot.scopes.items()):
        if not view.published and snapshot.asterisk.up:
            yield Said(Weight.ALARM, N_("The mode of %(name)s is not in Asterisk yet."), {"name": name})
        if view.state.mode is not Mode.NORMAL:
            yield Said(
                Weight.ALARM if view.state.mode is Mode.FAILED_OVER else Weight.NOTE,
                N_("%(name)s is in %(mode)s: %(sentence)s."),
                {"name": name},
                {"mode": MODE_WORDS[view.state.mode], "sentence": view.state.reason.sentence},
                todo=MODE_TODO[view.decision],
                since=view.state.since.wall,
            )
        if view.override is not None:
            yield Said(
                Weight.NOTE,
                N_("%(who)s has decided for %(name)s: %(kind)s. Reason: %(why)s"),
                {"name": name, "who": view.override.who, "why": view.override.why},
                {"kind": OVERRIDE_WORDS[view.override.kind]},
                todo=N_("Release it when the reason is gone."),
                since=view.override.set_at,
            )
        said = view.state.mode is not Mode.NORMAL and view.state.reason is view.verdict.reason
        if view.verdict.state in (VerdictState.DOWN, VerdictState.DEGRADED) and not said:
            yield Said(
                Weight.ALARM if view.verdict.state is VerdictState.DOWN else Weight.NOTE,
                N_("Platform %(name)s is %(state)s: %(sentence)s."),
                {"name": name},
                {"state": VERDICT_WORDS[view.verdict.state], "sentence": view.verdict.reason.sentence},
            )
    narrow = sum(not word.target.is_wide for word in snapshot.overrides)
    if narrow:
        words = N_("Decisions of people about sites, teams or DIDs are in force: %(number)s.")
        yield Said(Weight.NOTE, words, {"number": narrow}, todo=N_("Release each when its reason is gone."))
    for name in sorted(snapshot.table.lost_scopes):
        yield Said(
            Weight.ALARM,
            N_("DIDs belong to platform %(name)s, which is not configured: their plans are not used."),
            {"name": name},
            todo=N_("Configure the platform, or import the DIDs with another one."),
        )
    if snapshot.backup is not None and snapshot.backup.late:
        words = N_("No backup is younger than %(hours)s hours; `ringfence backup` on the server says why.")
        yield Said(Weight.NOTE, words, {"hours": round(snapshot.backup.max_age_seconds / 3600)})
    if snapshot.table.would_loop:
        yield Said(
            Weight.ALARM,
            N_("Numbers are left out of plans, because calls to them would come back to us: %(way)s"),
            {"way": snapshot.table.would_loop[0]},
            todo=N_("Correct the number, or take out the forward; `ringfence doctor` names them all."),
        )


def _of_trunks(snapshot: Snapshot) -> Iterator[Said]:
    for name in snapshot.usual.quiet_trunks:
        yield Said(
            Weight.NOTE,
            N_("No calls come in by trunk %(name)s, where many are usual at this hour."),
            {"name": name},
            todo=N_("Call one of its numbers from outside, and ask the carrier. On a day off it is no fault."),
        )
    for target, seen in sorted(snapshot.targets.items(), key=lambda item: str(item[0])):
        if target.role is not TargetRole.PLATFORM and seen.verdict.state in (VerdictState.DOWN, VerdictState.DEGRADED):
            yield Said(
                Weight.ALARM if seen.verdict.state is VerdictState.DOWN else Weight.NOTE,
                N_("The %(role)s %(name)s is %(state)s: %(sentence)s."),
                {"name": target.name},
                {
                    "role": ROLE_WORDS[target.role],
                    "state": VERDICT_WORDS[seen.verdict.state],
                    "sentence": seen.verdict.reason.sentence,
                },
                todo=N_("Call the carrier with the evidence below."),
            )


def _of_roster(snapshot: Snapshot) -> Iterator[Said]:
    roster, measured = snapshot.roster, snapshot.coverage
    if roster.fault:
        yield Said(Weight.ALARM, N_("The directory in force is not published: %(fault)s"), {"fault": roster.fault})
    for view in roster.sources:
        if view.fault:
            yield Said(
                Weight.NOTE,
                N_("HR source %(name)s fails: %(fault)s"),
                {"name": view.name, "fault": view.fault},
                link="/sources",
            )
        if view.late:
            yield Said(Weight.NOTE, N_("HR source %(name)s is late."), {"name": view.name}, link="/sources")
    if roster.open_plans:
        yield Said(
            Weight.NOTE,
            N_("HR changes are held and wait for a person: %(number)s."),
            {"number": roster.open_plans},
            todo=N_("Look at them, then approve or reject."),
            link="/plans",
        )
    if roster.conflicts:
        yield Said(
            Weight.NOTE, N_("DIDs claimed by two people: %(number)s."), {"number": roster.conflicts}, link="/sources"
        )
    if measured is not None and measured.below:
        yield Said(
            Weight.NOTE,
            N_("Coverage is %(percent)s %%, below its target of %(target)s %%."),
            {"percent": measured.coverage.percent, "target": f"{measured.target_percent:g}"},
            link="/coverage",
        )
