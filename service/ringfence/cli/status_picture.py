"""The status as a picture for a terminal: every state in words, colour only underlines them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ringfence.cli.hr_picture import roster_lines
from ringfence.cli.times import ago, local

_GOOD: Final = "green"
_WARN: Final = "yellow"
_BAD: Final = "bold red"

_VERDICT_STYLES: Final = {"up": _GOOD, "degraded": _WARN, "down": _BAD, "unknown": _WARN}
_MODE_STYLES: Final = {"NORMAL": _GOOD, "FAILED_OVER": _BAD, "HOLD_DOWN": _WARN, "TRIAL": _WARN}
_DECISION_STYLES: Final = {"divert": _BAD, "pinned": _WARN, "trial": _WARN}
_TABLE_STYLES: Final = {"equal": _GOOD, "publishing": _WARN, "differs": _BAD}
SHADOW_WORDS: Final = (
    "SHADOW MODE: nothing is done to calls; what stands below is what would be. `ringfence shadow report` sums it up."
)

_SPEAKS_MARKS: Final = {"for": "+", "against": "-", "neither": "?"}


def picture(seen: dict[str, Any]) -> RenderableType:
    """The whole status."""
    parts: list[RenderableType] = [_headline(seen), scopes_table(seen["scopes"], seen["at"])]
    parts += [_evidence(scope) for scope in seen["scopes"]]
    others = [target for target in seen["targets"] if target["role"] != "platform"]
    if others:
        parts += [Text(), _targets_table(others)]
        parts += [_reasons(target) for target in others if target["verdict"]["state"] in ("degraded", "down")]
    if seen["overrides"]:
        parts += [Text(), _overrides_table(seen["overrides"])]
    parts += [Text(), _links(seen)]
    return Group(*parts)


def scopes_table(scopes: list[dict[str, Any]], now: str) -> Table:
    """One line a platform; also shown before and after an order."""
    table = _table("scope", "mode", "calls", "verdict", "why", "since", "override")
    for scope in scopes:
        verdict = scope["verdict"]
        told = "" if scope["published"] else " (Asterisk not told yet)"
        table.add_row(
            Text(scope["scope"], style="bold"),
            Text(_mode_words(scope), style=_WARN if scope["override"] else _MODE_STYLES.get(scope["mode"], "")),
            Text(scope["decision_words"] + told, style=_DECISION_STYLES.get(scope["decision"], "")),
            Text(verdict["state"], style=_VERDICT_STYLES.get(verdict["state"], "")),
            Text(verdict["sentence"]),
            Text(ago(scope["since"], now)),
            Text(_override_words(scope["override"])),
        )
    return table


def _headline(seen: dict[str, Any]) -> RenderableType:
    started = f"{seen['node']}, {local(seen['at'])}, running since {local(seen['started_at'])}"
    shadow = [(f"\n  {SHADOW_WORDS}", _WARN)] if seen["shadow"] else []
    if not seen["alarms"]:
        return Text.assemble(("ALL WELL", _GOOD), f"  {started}", *shadow, "\n")
    lines = [(f"\n  ! {alarm}", _WARN) for alarm in seen["alarms"]]
    return Text.assemble(("ATTENTION", _BAD), f"  {started}", *shadow, *lines, "\n")


def _evidence(scope: dict[str, Any]) -> RenderableType:
    lines = _lines(scope["verdict"])
    trial = scope["trial"]
    if trial:
        lines.append(f"trial calls in a row: {trial['good']} good, {trial['bad']} bad")
    bound = scope["worst_case_detection_seconds"]
    promise = f"silence is noticed within {at_most(bound)}. " if bound is not None else "it is not probed. "
    lines.append(f"{promise}{scope['without_traffic']}")
    heading = Text(f"{scope['scope']}: {scope['sentence']}")
    return Group(Padding(heading, (0, 0, 0, 2)), *(Padding(Text(line), (0, 0, 0, 4)) for line in lines))


def _reasons(target: dict[str, Any]) -> RenderableType:
    """What speaks for and against a target that is not as it should be."""
    heading = Text(f"{target['role']} {target['name']}: {target['verdict']['sentence']}")
    lines = (Padding(Text(line), (0, 0, 0, 4)) for line in _lines(target["verdict"]))
    return Group(Padding(heading, (0, 0, 0, 2)), *lines)


def _lines(verdict: dict[str, Any]) -> list[str]:
    return [
        f"{_SPEAKS_MARKS[line['speaks']]} {line['kind'].replace('_', ' ')}: {line['words']}"
        for line in verdict["evidence"]
    ]


def at_most(seconds: float) -> str:
    """A promise is rounded up: 2.25 s is not kept within 2.2 s."""
    return f"{math.ceil(round(seconds * 10, 6)) / 10:.1f} s"


def _targets_table(targets: list[dict[str, Any]]) -> Table:
    table = _table("target", "verdict", "why", "silence noticed within")
    for target in targets:
        verdict, bound = target["verdict"], target["worst_case_detection_seconds"]
        table.add_row(
            f"{target['role']} {target['name']}",
            Text(verdict["state"], style=_VERDICT_STYLES.get(verdict["state"], "")),
            Text(verdict["sentence"] + _identity_words(target["identity"])),
            "not probed" if bound is None else at_most(bound),
        )
    return table


def _identity_words(identity: dict[str, Any] | None) -> str:
    return "" if identity is None else f"; {identity['sentence']}, until {local(identity['until'])}"


def _overrides_table(overrides: list[dict[str, Any]]) -> Table:
    table = _table("override of", "to", "by", "why", "set", "until", "id")
    for said in overrides:
        table.add_row(
            Text(said["about"]),
            said["mode"],
            Text(_who_words(said)),
            Text(said["reason"]),
            local(said["set_at"]),
            local(said["until"]) or "released",
            said["id"],
        )
    return table


def _who_words(said: dict[str, Any]) -> str:
    if said["alone"]:
        return f"{said['who']}, ALONE"
    return f"{said['who']}, approved by {said['approved_by']}" if said["approved_by"] else str(said["who"])


def _links(seen: dict[str, Any]) -> Text:
    table = seen["table"]
    age = "never verified" if table["age_seconds"] is None else f"verified {table['age_seconds']:.0f} s ago"
    detail = f", {table['detail']}" if table["detail"] else ""
    text = Text("table     ")
    text.append(table["state"], style=_TABLE_STYLES.get(table["state"], _WARN))
    text.append(f", generation {table['generation']}, {table['rows']} records, {age}{detail}\n")
    for name, key in (("asterisk", "asterisk"), ("database", "store")):
        link = seen[key]
        text.append(f"{name:<10}")
        text.append("up" if link["up"] else "DOWN", style=_GOOD if link["up"] else _BAD)
        text.append(f", {link['detail']}\n")
    if (backup := seen["backup"]) is not None:
        text.append("backup    ")
        text.append("LATE" if backup["late"] else "ok", style=_BAD if backup["late"] else _GOOD)
        text.append(f", {_backup_words(backup, seen['at'])}\n")
    for heading, line in _roster_lines(seen):
        text.append(f"{heading:<10}{line}\n")
    refused = seen["refused_last_hour"]
    if refused:
        words = ", ".join(f"{count} {what}" for what, count in sorted(refused.items()))
        text.append(f"egress    not let out in the last hour: {words}; the log names DID and limit\n", style=_WARN)
    waiting = (
        f"unstored changes {seen['unstored_changes']}, discarded late observations {seen['late_observations']}, "
        f"dropped items {seen['dropped_items']}"
    )
    return text.append(waiting)


def _roster_lines(seen: dict[str, Any]) -> Iterator[tuple[str, str]]:
    roster, share = seen["roster"], seen["roster"]["coverage"]
    yield from (("hr", line) for line in roster_lines(roster, seen["at"]))
    if share is not None:
        target = f", target {share['target_percent']:g} %" if share["target_percent"] else ""
        yield "coverage", f"{share['percent']} % of DIDs{target}{', BELOW' if share['below_target'] else ''}"


def _mode_words(scope: dict[str, Any]) -> str:
    # The machine goes on judging under an override; its mode alone would then say little of where calls go.
    return f"{scope['mode_words']}, overridden" if scope["override"] else str(scope["mode_words"])


def _override_words(override: dict[str, Any] | None) -> str:
    if override is None:
        return "-"
    end = f" until {local(override['until'])}" if override["until"] else " until released"
    return f"{override['mode']} by {override['who']}{end}: {override['reason']}"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _backup_words(backup: dict[str, Any], now: str) -> str:
    words = "none is there" if backup["newest_at"] is None else f"the newest was made {ago(backup['newest_at'], now)}"
    if backup["next_at"] is not None:
        words += f", the next is due {local(backup['next_at'])}"
    return f"{words}; {backup['fault']}" if backup["fault"] else words
