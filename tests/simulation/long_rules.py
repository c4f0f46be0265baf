"""What must hold at every moment of the long simulation, judged by what really happened and by no rule of ours.

`Truth` is what really is; `Rules` compares it with what the daemon does, after every event.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from ringfence.domain.health import TargetId
from ringfence.domain.outage import Mode, ScopeState
from ringfence.domain.outcomes import OutcomeClass
from ringfence.domain.override import Override, OverrideKind
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import VerdictState
from tests.simulation.long_world import OUTCOMES, POLICY, SCOPE, TARGETS, TICK_SECONDS, LongWorld
from tests.simulation.world import PLATFORM

SETTLE_SECONDS, TRIAL_CALLS_SECONDS = 5.0, 120.0
SLACK_SECONDS = 1.0
"""Ticks, the commit's deadline, and the publisher's put."""
ASTDB_SECONDS = 4.0
"""Until a value that somebody changed behind our back is put again."""
NEVER = float("-inf")


class Broken(AssertionError):
    """A rule did not hold."""


@dataclass
class Truth:
    """What really is, in seconds of the world. `last_bad`: when the platform last did not answer or refused."""

    silent_since: dict[TargetId, float] = field(default_factory=dict)
    last_silent: dict[TargetId, float] = field(default_factory=dict)
    cut_since: float | None = None
    last_cut: float = NEVER
    last_refused: float = NEVER
    heard_since_boot: bool = False
    held_back_until: float = NEVER
    """No verdict can be asked for earlier: the daemon was away, stopped, frozen by a person, or cut off."""
    astdb_doubtful_until: float = NEVER
    stepped_at: float = NEVER
    words: dict[str, Override] = field(default_factory=dict)


@dataclass
class Rules:
    """`look` after every event. `lines`: the history, one line for each thing that happened."""

    world: LongWorld
    truth: Truth = field(default_factory=Truth)
    lines: list[str] = field(default_factory=list)
    transitions: Counter[str] = field(default_factory=Counter)
    modes: list[tuple[str, str]] = field(default_factory=list)
    state: ScopeState | None = None
    entered_at: float = 0.0
    bad_trials: int = 0
    ordered: bool = False
    failed_calls: list[tuple[float, str, str]] = field(default_factory=list)
    _looked_at: float = NEVER

    def note(self, words: str) -> None:
        self.lines.append(f"{self.world.clock.seconds:.3f} {words}")

    def called(self, did: str, caller: str, outcome: OutcomeClass | None) -> None:
        """A call that the platform was given, and what it did."""
        now = self.world.clock.seconds
        if outcome is OutcomeClass.PUT_THROUGH:
            self.failed_calls.clear()
        else:
            self.failed_calls.append((now, did, caller))
            self.truth.last_refused = now

    def look(self) -> None:
        """Raises Broken. Between two ticks, and where nothing moved, there is nothing new to see."""
        world, now = self.world, self.world.clock.seconds
        if self.state is world.failover.states[SCOPE] and now - self._looked_at < TICK_SECONDS:
            return
        self._looked_at = now
        self._keep_truth(now)
        state, before = world.failover.states[SCOPE], self.state
        if before is not None and state.mode is not before.mode:
            self._moved(before, state, now)
        self.state = state
        self._stored(state)
        self._words_win(now)
        self._never_normal_for_long(state, now)

    def booted(self) -> None:
        """The state that was found: the mode is the one that was in force, whatever was lost; unless both the database
        and what Asterisk knew are away, and then until the database is read."""
        world, now = self.world, self.world.clock.seconds
        found = world.failover.states[SCOPE]
        if found.reason is Reason.FIRST_START and not world.words_read:
            self.bad_trials, self.entered_at = 0, now
        elif self.state is not None and found.mode is not self.state.mode:
            raise Broken(f"{self.state.mode} was in force, and a restart found {found.mode}")
        if self.state is not None and found.reason is Reason.FOUND_IN_ASTERISK:
            self.bad_trials, self.entered_at = 0, now
        self.state = found
        self.failed_calls.clear()
        self.truth.held_back_until = now
        self.truth.heard_since_boot = False

    def recalled(self, state: ScopeState) -> None:
        """What the database said when it could be read, some time after the start."""
        self.note(f"the database recalls {state.mode}")
        self.state, self.bad_trials = state, state.bad_trials
        self.entered_at = state.since.since(self.world.clock.now()) + self.world.clock.seconds

    def end(self) -> None:
        """When everything answers again: the history is whole, each change is there once, and in order."""
        changes = self.world.outages.changes
        stored = [(c.transition.before.value, c.transition.after.value) for c in changes if c.transition]
        if stored != self.modes:
            raise Broken(f"{len(self.modes)} changes of the mode happened, {len(stored)} are stored")
        if len({change.key for change in changes}) != len(changes):
            raise Broken("a change is stored twice")
        versions = [c.state.version for c in changes if c.state is not None]
        if versions != list(range(1, len(versions) + 1)):
            raise Broken("the versions of the state do not follow one another")
        if set(self.world.outages.overrides) != {word.target for word in self.truth.words.values()}:
            raise Broken("other words are stored than those that stand")

    def _keep_truth(self, now: float) -> None:
        network, truth = self.world.network, self.truth
        for target in TARGETS:
            if target in network.silent:
                truth.silent_since.setdefault(target, now)
                truth.last_silent[target] = now
            else:
                truth.silent_since.pop(target, None)
        if network.cut_off:
            truth.cut_since = now if truth.cut_since is None else truth.cut_since
            truth.last_cut = now
            truth.held_back_until = now + SETTLE_SECONDS + self.world.cadence.interval_seconds * 2
        else:
            truth.cut_since = None
        if self.world.astdb.fault is not None:
            # Asterisk, which is away, asks nobody; nor does it bring calls.
            truth.held_back_until = now + SETTLE_SECONDS
        health = self.world.judge._health[PLATFORM].values()
        truth.heard_since_boot = any(one.ever_passed for one in health)
        if not truth.heard_since_boot:
            truth.held_back_until = now  # what used to answer is in the database, too

    @property
    def bound_seconds(self) -> float:
        """The longest time from a platform's silence to the published decision."""
        cadence, qualify = self.world.cadence, self.world.qualify
        asked = qualify.interval_seconds + qualify.timeout_seconds
        return max(cadence.worst_case_detection_seconds, asked) + cadence.timeout_seconds + SLACK_SECONDS

    def _moved(self, before: ScopeState, state: ScopeState, now: float) -> None:
        self.transitions[f"{before.mode} -> {state.mode}: {state.reason}"] += 1
        self.modes.append((before.mode.value, state.mode.value))
        verdict = self.world.failover.verdicts[PLATFORM]
        self.note(f"{before.mode} -> {state.mode} {state.reason} version {state.version}")
        if state.mode is Mode.FAILED_OVER:
            self._failed_over(before, state, verdict.state, now)
        held = min(POLICY.hold_down_seconds * 2.0**self.bad_trials, POLICY.max_hold_down_seconds)
        # Over a restart a hold-down is counted by the wall clock, which somebody may have set.
        counts = self.truth.stepped_at < self.entered_at or self.world.booted_at < self.entered_at
        if state.reason is Reason.HOLD_DOWN_OVER and now - self.entered_at < held - 0.001 and counts:
            raise Broken(f"the hold-down of {held:g} s was over after {now - self.entered_at:.3f} s")
        if before.mode is Mode.NORMAL and now - self.entered_at >= POLICY.back_off_forgotten_seconds:
            self.bad_trials = 0
        if state.mode is Mode.FAILED_OVER and before.mode in (Mode.TRIAL, Mode.HOLD_DOWN):
            self.bad_trials += 1
        self.entered_at = now

    def _failed_over(self, before: ScopeState, state: ScopeState, verdict: VerdictState, now: float) -> None:
        reason, truth = state.reason, self.truth
        if reason is Reason.TRIAL_CALLS_BAD:
            if now - truth.last_refused > TRIAL_CALLS_SECONDS:
                raise Broken("a trial ended badly without any call that failed")
            return
        if verdict is not VerdictState.DOWN:
            raise Broken(f"failed over by the verdict {verdict}")
        if reason is Reason.REFUSING_CALLS:
            fresh = [call for call in self.failed_calls if now - call[0] <= OUTCOMES.window_seconds]
            if len({did for _, did, _ in fresh}) < OUTCOMES.min_dids:
                raise Broken(f"failed over by {len(fresh)} calls that were refused")
            return
        ago = now - truth.last_silent.get(PLATFORM, NEVER)
        if ago > self.bound_seconds:
            cut = "" if truth.last_cut == NEVER else f", the node was last cut off {now - truth.last_cut:.1f} s ago"
            booted = now - self.world.booted_at
            raise Broken(
                f"failed over ({reason}), and the platform answered for {ago:.1f} s; booted {booted:.1f} s ago{cut}"
            )

    def _stored(self, state: ScopeState) -> None:
        """What is decided is stored, or waits to be. A start without the database knows only a mode: what Asterisk
        holds, or NORMAL if Asterisk has lost its AstDB as well. Since when, and by which version, nobody tells it."""
        waiting = [change.state for change in self.world.ledger.waiting() if change.state is not None]
        last = waiting[-1] if waiting else self.world.outages.states.get(SCOPE)
        found = state.reason in (Reason.FOUND_IN_ASTERISK, Reason.FIRST_START)
        same = last is None or last.since.wall == state.since.wall or found
        if state.reason is Reason.FIRST_START and not self.world.words_read:
            return
        if last is not None and (last.mode is not state.mode or not same):
            raise Broken(f"{state.mode} is decided, {last.mode} is the last that is stored or spooled")
        spooled = {change.key for change in self.world.spool.changes}
        missing = [change for change in self.world.ledger.waiting() if change.key not in spooled]
        if missing:
            raise Broken(f"{len(missing)} changes are neither stored nor spooled")

    def _words_win(self, now: float) -> None:
        """A person's word decides what is published, the machine only where nobody has spoken."""
        self._forget_ended_words()
        held = self.truth.words
        if self.world.publisher._dirty or now < self.truth.astdb_doubtful_until or self.world.astdb.fault:
            return
        if not self.world.words_read:
            return
        word = held.get("scope") or held.get("everything")
        kind = None if word is None else word.kind
        mode = self.world.failover.states[SCOPE].mode
        by_mode = {Mode.NORMAL: "normal", Mode.TRIAL: "trial"}.get(mode, "divert")
        due = {OverrideKind.DR: "divert", OverrideKind.NORMAL: "pinned"}.get(kind, by_mode)  # type: ignore[arg-type]
        published = self.world.published()[1:2]
        if published != [due]:
            raise Broken(f"{published} is published, a person said {kind}, the mode is {mode}")

    def _forget_ended_words(self) -> None:
        """A word is there until its time is over, by the wall clock as it is at a tick, and no longer. Before a start
        has read the words, what it found in Asterisk stands for them: without a name, and without an end."""
        wall, standing = self.world.clock.now().wall, self.world.failover.overrides
        for name, word in list(self.truth.words.items()):
            gone = word.target not in standing
            if gone and not _over(word, wall) and self.world.words_read:
                raise Broken(f"what {word.who} said about {name} until {word.until} is gone")
            if not gone and word.until is not None and (wall - word.until).total_seconds() > SLACK_SECONDS:
                late = self.world.clock.seconds - max(self.truth.stepped_at, self.truth.held_back_until)
                if late > SLACK_SECONDS and self.world.words_read:
                    raise Broken(f"what {word.who} said about {name} until {word.until} still stands")
            if gone and (self.world.words_read or _over(word, wall)):
                del self.truth.words[name]
                self.note(f"the word about {name} has ended")

    def _never_normal_for_long(self, state: ScopeState, now: float) -> None:
        since = self.truth.silent_since.get(PLATFORM)
        if since is None or state.mode not in (Mode.NORMAL, Mode.TRIAL) or not self.truth.heard_since_boot:
            return
        if self._frozen():
            self.truth.held_back_until = now
        elif self._may_suspect_itself(since, now):
            self.truth.held_back_until = now + SETTLE_SECONDS + self.world.cadence.interval_seconds * 2
        due = max(since, self.truth.held_back_until) + self.bound_seconds
        if now > due:
            raise Broken(f"{state.mode}, and the platform has been silent for {now - since:.1f} s")

    def _frozen(self) -> bool:
        return any(word.kind is OverrideKind.FREEZE for word in self.truth.words.values())

    def _may_suspect_itself(self, since: float, now: float) -> bool:
        """Nothing else is heard, and enough was heard before: a node that is cut off would see the same."""
        others = [target for target in TARGETS if target is not PLATFORM]
        dead = [target for target in others if target in self.truth.silent_since]
        return len(dead) == len(others)


def _over(word: Override, wall: datetime) -> bool:
    return word.until is not None and wall >= word.until
