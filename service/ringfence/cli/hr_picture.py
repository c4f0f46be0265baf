"""HR sources, runs and held plans as words for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ringfence.cli.client import Refused
from ringfence.cli.tables import show_table
from ringfence.cli.times import ago, local

if TYPE_CHECKING:
    from rich.console import Console

CATEGORY_WORDS: Final = {
    "joiner": "nothing of them was accepted before",
    "return": "they had left, and are employed again",
    "term": "employed for longer, or from an earlier day",
    "did_move": "their DIDs differ",
    "number_change": "their default numbers differ",
    "detail": "name, site, department, manager, absence or duty differ",
    "absence": "missing in a complete feed; approved, they have left",
    "key_change": "the same person under another key",
    "same_key": "another record has, or had, this key",
}


def show_sources(out: Console, found: dict[str, Any]) -> None:
    rows = [source_row(source) for source in found["sources"]]
    show_table(out, ("source", "kind", "last good run", "state", "records", "held", "plan"), rows)
    if not rows:
        out.print("No HR source is configured.")
    if found["reading"] is not None:
        out.print(f"A sync is running: {found['reading']['rows_done']} rows so far.")


def source_row(source: dict[str, Any]) -> tuple[str, ...]:
    return (
        source["name"],
        source["kind"],
        local(source["last_good"]) or "never",
        source_state(source),
        str(source["records"]),
        str(source["held"]),
        str(source["open_plan"] or "-"),
    )


def source_state(source: dict[str, Any]) -> str:
    """In words, the worst first."""
    words = []
    if source["fault"]:
        words.append(f"FAILS: {source['fault']}")
    if source["late"]:
        words.append("LATE")
    if not source["loaded"]:
        words.append("first load waits to be approved" if source["open_plan"] else "nothing loaded yet")
    return ", ".join(words) or "well"


def run_lines(run: dict[str, Any]) -> Iterator[str]:
    """One run: what came of it, and why where it is said. No table: a sentence in a narrow column cannot be read."""
    words = [run["outcome"].replace("_", " "), f"{run['rows']} rows"]
    words += [f"rejected {run['rejected']}"] if run["rejected"] else []
    words += [f"accepted {_counts(run['accepted'])}"] if run["accepted"] else []
    words += [f"leavers {run['leavers']}"] if run["leavers"] else []
    words += [f"held {_counts(run['held'])}"] if run["held"] else []
    words += [f"plan {run['plan']}"] if run["plan"] else []
    label = f" ({run['label']})" if run["label"] else ""
    yield f"{local(run['at'])}  {run['source']}{label}: {'; '.join(words)}"
    if run["detail"]:
        yield f"    {run['detail']}"


def plan_row(plan: dict[str, Any]) -> tuple[str, ...]:
    return (
        str(plan["id"]),
        plan["source"],
        local(plan["opened_at"]),
        _status(plan),
        _counts(plan["counts"]),
        plan["summary"],
        plan["who"],
        plan["reason"],
    )


def synced_lines(done: dict[str, Any], held: dict[int, dict[str, Any]]) -> Iterator[str]:
    """What each source brought, what is accepted, and what is held of it."""
    for synced in done["runs"]:
        run = synced["run"]
        label = f" ({run['label']})" if run["label"] else ""
        would = "would be " if done["dry_run"] else ""
        yield f"{run['source']}{label}: {_outcome(run)}"
        if run["detail"]:
            yield f"  {run['detail']}"
        if run["rejected"]:
            yield f"  rows that could not be read: {run['rejected']}"
        if run["leavers"]:
            yield f"  {would}leaving, or leaving earlier, by an explicit fact: {run['leavers']}"
        if run["accepted"]:
            yield f"  {would}accepted: {_counts(run['accepted'])}"
        yield from (f"  {line}" for line in synced["lines"])
        if synced["lines_left_off"]:
            yield f"  ... and {synced['lines_left_off']} more lines"
        if run["held"]:
            yield f"  {would}held: {_counts(run['held'])}"
        yield from _items(synced["items"], synced["items_left_off"])
        if run["plan"] in held:
            yield from plan_lines(held[run["plan"]])
            yield f"Decide with `ringfence hr approve {run['plan']}` or `ringfence hr reject {run['plan']}`."
        elif run["source"] in done["open_plans"]:
            yield f"  plan {done['open_plans'][run['source']]} is open and waits for a person"
    if not done["runs"]:
        yield "No HR source is configured that could be read."


def plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    """The plan and its changes, by category."""
    first = ", the source's first load" if plan["first_load"] else ""
    yield f"plan {plan['id']} of {plan['source']}{first}: {_status(plan)}"
    if plan["summary"]:
        yield f"  {plan['summary']}"
    if plan["who"]:
        yield f"  by {plan['who']}: {plan['reason']}"
    yield from _items(plan["items"], plan["items_left_off"])
    yield from (f"  {line}" for line in plan["lines"])


def decided_lines(done: dict[str, Any]) -> Iterator[str]:
    words = done["summary"] or _status(done)
    yield f"{words[:1].upper()}{words[1:]}."
    if done["superseded_by"] is not None:
        yield f"The rest waits in plan {done['superseded_by']}."


def chosen_from(plan: dict[str, Any], items: list[str], categories: list[str]) -> dict[str, Any]:
    """The plan with those items alone that are meant. Raises Refused for one that it does not hold, and for a plan that
    is closed."""
    if plan["status"] != "open":
        raise Refused(0, f"Plan {plan['id']} is closed: {_status(plan)}.", fix="See `ringfence hr plans`.")
    if not items and not categories:
        return plan
    known = {item["id"] for item in plan["items"]}
    unknown = [item for item in items if item not in known and not plan["items_left_off"]]
    unknown += [category for category in categories if category not in plan["counts"]]
    if unknown:
        raise Refused(
            0,
            f"Plan {plan['id']} does not hold {', '.join(unknown)}.",
            fix=f"See `ringfence hr plan {plan['id']}`.",
        )
    chosen = [item for item in plan["items"] if item["id"] in items or item["category"] in categories]
    return plan | {"items": chosen}


def whole_ids(plan: dict[str, Any], items: list[str]) -> list[str]:
    """An identifier ends with the post, mostly an empty one: its last colon looks like a full stop and is left away."""
    known = {item["id"] for item in plan["items"]}
    return [f"{item}:" if item not in known and f"{item}:" in known else item for item in items]


def roster_lines(roster: dict[str, Any], now: str) -> Iterator[str]:
    """For the status: one line a source, and one for what waits for a person."""
    for source in roster["sources"]:
        age = "never read" if source["last_good"] is None else f"read {ago(source['last_good'], now)}"
        held = f", {source['held']} people held" if source["held"] else ""
        yield f"{source['name']}: {source_state(source)}, {age}{held}"
    if roster["open_plans"]:
        yield f"plans that wait for a person: {roster['open_plans']}"
    if roster["conflicts"]:
        yield f"DIDs claimed twice: {roster['conflicts']}"


def _items(items: list[dict[str, Any]], left_off: int) -> Iterator[str]:
    for category, words in CATEGORY_WORDS.items():
        some = [item for item in items if item["category"] == category]
        if some:
            yield f"  {category} ({len(some)}): {words}"
            for item in some:
                yield f"    {item['id']}  {item['name']} ({item['person']})"
                yield from (f"      {line}" for line in item["lines"])
    if left_off:
        yield f"  ... and {left_off} more; `--category` shows one category alone"


def _outcome(run: dict[str, Any]) -> str:
    if run["outcome"] == "unchanged" and not run["rows"]:
        return "nothing new has come"
    return f"{run['outcome'].replace('_', ' ')}, {run['rows']} rows"


def _status(plan: dict[str, Any]) -> str:
    if plan["status"] == "superseded" and plan["superseded_by"] is not None:
        return f"superseded by plan {plan['superseded_by']}"
    closed = f" {local(plan['closed_at'])}" if plan["closed_at"] else ""
    return f"{plan['status']}{closed}"


def _counts(counts: dict[str, int]) -> str:
    return (
        ", ".join(
            f"{count} {category.replace('_', ' ').replace('did', 'DID')}" for category, count in counts.items() if count
        )
        or "-"
    )
