"""An order before and after, for a terminal: what it would do, what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ringfence.cli.dr_targets import Target
from ringfence.cli.invocation import print_lines
from ringfence.cli.tables import show_table
from ringfence.cli.times import local

if TYPE_CHECKING:
    from rich.console import Console

MAX_NARROWER: Final = 5


def show_preview(out: Console, seen: dict[str, Any]) -> None:
    """The numbers as a table, then the sentences."""
    show_table(out, ("what", "how many"), _rows(seen))
    for sentence in seen["sentences"]:
        out.print(f"- {sentence}", markup=False)
    out.print(f"- {seen['precedence']}", markup=False)


def show_pending(out: Console, waiting: list[dict[str, Any]]) -> None:
    if not waiting:
        out.print("No order waits for a second person.")
    rows = (
        (
            one["id"],
            one["mode"],
            one["about"],
            one["who"],
            one["reason"],
            local(one["asked_at"]),
            local(one["alone_from"]),
        )
        for one in waiting
    )
    show_table(out, ("id", "mode", "about", "asked by", "why", "asked", "alone from"), rows)


def show_word(
    out: Console, target: Target, said: dict[str, Any] | None, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """What stands now: of a platform with its mode before and after."""
    if not target.is_wide:
        name = (said["did"] or said["about"]) if said else target.words
        out.print(f"{name}: {said['mode'] if said else 'automatic'}", markup=False)
        return
    from ringfence.cli.status_picture import scopes_table

    for when, seen in (("before", before), ("after", after)):
        out.print(f"{when}:")
        out.print(scopes_table([scope for scope in seen["scopes"] if target.fits(scope)], seen["at"]))
    # The tables are about platforms: whoever gives one back would think that all calls go there again.
    narrower = [f"{one['about']}: {one['mode']}" for one in after["overrides"] if _is_narrow(one)]
    if narrower:
        shown = "; ".join(narrower[:MAX_NARROWER]) + ("; ..." if len(narrower) > MAX_NARROWER else "")
        print_lines(out, [f"These still stand and count more: {shown}. `ringfence status` lists them."])


def _is_narrow(word: dict[str, Any]) -> bool:
    return any(word[level] for level in ("site", "team", "did", "dids"))


def _rows(seen: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"DIDs that {seen['about']} is about", str(seen["covers"])
    yield "would go to default numbers", str(seen["to_dr"])
    if seen["to_dr"]:
        yield "  reach a person's number", str(seen["ends"]["person"])
        yield "  end at the reception", str(seen["ends"]["reception"])
        yield "  hear the announcement", str(seen["ends"]["announcement"])
    yield "would go back to the platform", str(seen["back"])
    yield "stay, for a narrower override stands", str(sum(one["dids"] for one in seen["stand"]))
    calls = seen["calls"]
    if calls is not None and calls["weeks"]:
        yield "calls in this hour, usually", f"{calls['moving_an_hour']:.0f}"
        yield "diverted calls at once, at most about", f"{calls['at_most']} of {calls['channels']} channels"
