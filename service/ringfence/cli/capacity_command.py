"""`ringfence capacity`: the channels an outage in the busiest hour would take, and what it would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.cli.invocation import NOT_WELL, AsJson, emit, faults_told, invocation, print_lines, usage
from ringfence.cli.tables import show_table
from ringfence.cli.times import check_duration, local

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("capacity")(capacity)


def capacity(
    context: typer.Context,
    since: Annotated[str, typer.Option(help="how far back, as 12h or 28d")] = "28d",
    per_minute: Annotated[float, typer.Option(help="what a diverted minute costs", min=0)] = 0.0,
    per_call: Annotated[float, typer.Option(help="what a diverted call costs besides", min=0)] = 0.0,
    check: Annotated[bool, typer.Option("--check", help="exit with 4 unless the channels suffice")] = False,
    as_json: AsJson = False,
) -> None:
    """Say from the journal how many channels diverting everything would take, against those configured, and what it
    would cost. The daemon may run, or not.

    Example: ringfence capacity --since 28d --per-minute 0.02
    """
    try:
        past = check_duration(since)
    except ValueError as error:
        usage(f"--since: {error}")
    from ringfence.cli import capacity_work

    with faults_told(as_json):
        found = capacity_work.report(invocation(context).config_path, past, per_minute, per_call)
    emit(as_json, found, lambda out: _show(out, found))
    if check and not _suffices(found):
        raise typer.Exit(NOT_WELL)


def _suffices(found: dict[str, Any]) -> bool:
    return bool(found["channels"] >= found["everything"]["channels_needed"])


def _show(out: Console, found: dict[str, Any]) -> None:
    whole = found["everything"]
    print_lines(out, [f"From {local(found['since'])} to {local(found['until'])}: {whole['calls']} calls."])
    hour = whole["busy_hour"]
    if hour is None:
        print_lines(out, ["There was no call, so nothing can be said. Let it run for a week, or name a longer time."])
        return
    print_lines(
        out,
        [
            f"A call took a channel for {whole['mean_seconds']:g} s on average, ringing included.",
            f"The busiest hour began {local(hour['begin'])[:16]}: {hour['calls']} calls, {hour['erlangs']:g} erlangs.",
            f"All of it diverted, {whole['channels_needed']} channels would do for all but one call in a hundred "
            f"(Erlang B). Configured for calls that are not critical: {found['channels']}"
            f" ([egress] max_calls is {found['max_calls']}).",
            "ENOUGH." if _suffices(found) else "NOT ENOUGH: see docs/howto/plan-capacity.md.",
        ],
    )
    show_table(
        out,
        ("diverted", "calls", "mean s", "busiest hour", "erlangs", "channels needed", "cost of that hour", "of a day"),
        [_row("everything", whole), *(_row(one["platform"], one) for one in found["platforms"])],
    )
    show_table(
        out,
        ("egress trunk, in order", "channels", "kept for critical", "gets erlangs", "refuses", "alone"),
        [_trunk_row(one) for one in whole["trunks"]],
    )
    day, tariff = whole["busy_day"], found["tariff"]
    print_lines(
        out,
        [
            f"The busiest day, {local(day['begin'])[:10]}, came to {day['minutes']:g} minutes at most: they would cost "
            f"{day['cost']:.2f} at {tariff['per_minute']:g} a minute and {tariff['per_call']:g} a call.",
            "A diverted call also keeps the channel it came in by.",
        ],
    )


def _row(name: str, group: dict[str, Any]) -> tuple[str, ...]:
    hour, day = group["busy_hour"], group["busy_day"]
    if hour is None:
        return (name, "0", "-", "-", "-", "0", "-", "-")
    return (
        name,
        str(group["calls"]),
        f"{group['mean_seconds']:g}",
        local(hour["begin"])[:16],
        f"{hour['erlangs']:g}",
        str(group["channels_needed"]),
        f"{hour['cost']:.2f}",
        f"{day['cost']:.2f}",
    )


def _trunk_row(one: dict[str, Any]) -> tuple[str, ...]:
    alone = "enough" if one["enough_alone"] else f"too few: {one['needed_alone']} needed"
    return (
        one["trunk"],
        str(one["channels"]),
        str(one["reserved_for_critical"]),
        f"{one['offered_erlangs']:g}",
        f"{one['refused_share'] * 100:.1f} %",
        alone,
    )
