"""`ringfence hr`: the HR sources, what they bring, what of it is held, and a person's word about that."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any, Final

import typer

from ringfence.cli import hr_picture, preview_command
from ringfence.cli.client import Daemon, Refused
from ringfence.cli.invocation import (
    NOT_WELL,
    REFUSED,
    AsJson,
    emit,
    faults_told,
    invocation,
    print_lines,
    say,
    usage,
)
from ringfence.cli.progress import shown
from ringfence.cli.tables import ReasonOption, YesOption, reason_or_ask, show_table

SYNC_SECONDS: Final = 3600.0
DECIDE_SECONDS: Final = 300.0

Limit = Annotated[int, typer.Option(min=1, max=1000, help="at most so many")]
PlanId = Annotated[int, typer.Argument(metavar="ID", min=1, help="the plan's number, as `hr plans` shows it")]
ItemOption = Annotated[list[str] | None, typer.Option("--item", help="only this item, as joiner:4711; may be repeated")]
CategoryOption = Annotated[
    list[str] | None, typer.Option("--category", help="only this category, as joiner; may be repeated")
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    hr = typer.Typer(
        name="hr", no_args_is_help=True, help="HR sources: their age, what they bring, and what of it is held."
    )
    for name, command in (
        ("sources", sources),
        ("sync", sync),
        ("plans", plans),
        ("plan", plan),
        ("approve", approve),
        ("reject", reject),
        ("history", history),
        ("conflicts", conflicts),
    ):
        hr.command(name)(command)
    preview_command.add_to(hr)
    app.add_typer(hr)


def sources(context: typer.Context, as_json: AsJson = False) -> None:
    """List the HR sources with their age, their faults, and how much of each is held.

    Example: ringfence hr sources
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/hr/sources")
    emit(as_json, found, lambda out: hr_picture.show_sources(out, found))


def sync(
    context: typer.Context,
    source: Annotated[str | None, typer.Argument(help="the source's name; all of them if it is not given")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would change, and change nothing")] = False,
    as_json: AsJson = False,
) -> None:
    """Read an HR source now: what came, what is accepted, what is held. Exit status 4 when anything is held.

    Example: ringfence hr sync payroll --dry-run
    """
    daemon = invocation(context).daemon()
    with faults_told(as_json):
        done = asyncio.run(_synced(daemon, {"source": source, "dry_run": dry_run}))
        seen = daemon.call("GET", "/v1/hr/sources")["sources"]
        waiting = {one["name"]: one["open_plan"] for one in seen if one["open_plan"] is not None}
        held = {} if dry_run else {number: daemon.call("GET", f"/v1/hr/plans/{number}") for number in _new(done)}
    result = done | {"open_plans": waiting}
    emit(as_json, result, lambda out: print_lines(out, hr_picture.synced_lines(result, held)))
    runs = [synced["run"] for synced in done["runs"]]
    if any(run["outcome"] in ("refused", "failed") for run in runs):
        raise typer.Exit(REFUSED)
    if any(sum(run["held"].values()) or run["source"] in waiting for run in runs):
        raise typer.Exit(NOT_WELL)


def plans(
    context: typer.Context,
    closed: Annotated[bool, typer.Option("--all", help="also those that are closed")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what is held of the HR sources, until a person approves or rejects it.

    Example: ringfence hr plans --all
    """
    query = {"limit": str(limit), "closed": "true" if closed else None}
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/hr/plans", query)

    def render(out: Any) -> None:
        headings = ("plan", "source", "since", "state", "holds", "summary", "by", "why")
        show_table(out, headings, [hr_picture.plan_row(one) for one in found["plans"]])
        if not found["plans"]:
            out.print("Nothing is held." if not closed else "There is no plan.")

    emit(as_json, found, render)


def plan(
    context: typer.Context,
    id_: PlanId,
    category: Annotated[str | None, typer.Option(help="show this category alone, as joiner")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one held plan: every change with its identifier, by category. Private numbers are masked.

    Example: ringfence hr plan 7 --category joiner
    """
    _known([] if category is None else [category])
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", f"/v1/hr/plans/{id_}", {"category": category})
    emit(as_json, found, lambda out: print_lines(out, hr_picture.plan_lines(found)))


def approve(
    context: typer.Context,
    id_: PlanId,
    item: ItemOption = None,
    category: CategoryOption = None,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Approve a held plan, or some of it: shows what it will do, and asks. What is approved is routed by at once.

    Example: ringfence hr approve 7 --category joiner --reason "31 starters on 1 December, HR confirms"
    """
    _decide(context, id_, True, item or [], category or [], reason, yes, as_json)


def reject(
    context: typer.Context,
    id_: PlanId,
    item: ItemOption = None,
    category: CategoryOption = None,
    reason: ReasonOption = None,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Reject a held plan, or some of it. It is not asked again until the source says something else.

    Example: ringfence hr reject 7 --reason "the export was filtered, HR sends another"
    """
    _decide(context, id_, False, item or [], category or [], reason, yes, as_json)


def history(
    context: typer.Context,
    source: Annotated[str | None, typer.Option(help="only this source")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what each HR source brought, newest first.

    Example: ringfence hr history --source payroll --limit 10
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/hr/runs", {"limit": str(limit), "source": source})

    def render(out: Any) -> None:
        print_lines(out, (line for run in found["runs"] for line in hr_picture.run_lines(run)))
        if not found["runs"]:
            of = f"Nothing has been read of {source!r}; see `ringfence hr sources`."
            out.print("No source has been read yet." if source is None else of, markup=False)

    emit(as_json, found, render)


def conflicts(context: typer.Context, as_json: AsJson = False) -> None:
    """List DIDs that two people claim with equal right, which `person owns` decides, and DIDs that a source names and
    nobody has imported.

    Example: ringfence hr conflicts
    """
    with faults_told(as_json):
        found = invocation(context).daemon().call("GET", "/v1/hr/conflicts")

    def render(out: Any) -> None:
        rows = [
            (one["did"], one["holder"] or "nobody: no default numbers ring", ", ".join(one["claimants"]))
            for one in found["conflicts"]
        ]
        show_table(out, ("DID", "held by", "claimed by"), rows)
        if not rows:
            out.print("No DID is claimed twice.")
        if found["unknown_dids"]:
            show_table(
                out, ("unknown DID", "claimed by"), [(one["did"], one["person"]) for one in found["unknown_dids"]]
            )
            out.print("Nothing is routed for these: import them, or correct the source.")

    emit(as_json, found, render)


def _new(done: dict[str, Any]) -> set[int]:
    """The plans that these runs opened."""
    return {synced["run"]["plan"] for synced in done["runs"]} - {None}


def _known(categories: list[str]) -> None:
    for category in categories:
        if category not in hr_picture.CATEGORY_WORDS:
            usage(f"--category: {category!r} is none.", f"There are {', '.join(hr_picture.CATEGORY_WORDS)}.")


def _decide(
    context: typer.Context,
    id_: int,
    approves: bool,
    items: list[str],
    categories: list[str],
    reason: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    _known(categories)
    if not sys.stdin.isatty():
        reason = reason_or_ask(reason)  # on a terminal it is asked for once the plan has been seen
    daemon = invocation(context).daemon()
    path = f"/v1/hr/plans/{id_}"
    with faults_told(as_json):
        found = daemon.call("GET", path, {"category": categories[0] if len(categories) == 1 and not items else None})
        items = hr_picture.whole_ids(found, items)
        chosen = hr_picture.chosen_from(found, items, categories)
        say(*hr_picture.plan_lines(chosen))
        why = reason_or_ask(reason)
        _confirm(f"{'Approve' if approves else 'Reject'} this?", yes)
        order: dict[str, Any] = {"approve": approves, "fingerprint": found["fingerprint"], "reason": why}
        order |= {"items": items} if items else {}
        order |= {"categories": categories} if categories else {}
        deciding = daemon.ask("POST", f"{path}/decision", body=order, seconds=DECIDE_SECONDS)
        done = asyncio.run(shown("approving" if approves else "rejecting", deciding))
    emit(as_json, done, lambda out: print_lines(out, hr_picture.decided_lines(done)))


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        usage("Nothing was decided: there is nobody to ask.", "Look at the changes above, then give --yes.")
    if not typer.confirm(question, err=True):
        raise Refused(0, "Nothing was decided.")


async def _synced(daemon: Daemon, order: dict[str, Any]) -> dict[str, Any]:
    async def look() -> tuple[str, int, int | None]:
        reading = (await daemon.ask("GET", "/v1/hr/sources"))["reading"]
        if reading is None:
            return "reading", 0, None
        done, in_all = reading["rows_done"], reading["rows_in_all"]
        # All rows are read: what they change is worked out and stored.
        return ("taking in", done, None) if done == in_all else ("reading", done, in_all)

    return await shown("reading", daemon.ask("POST", "/v1/hr/sync", body=order, seconds=SYNC_SECONDS), look)
