"""What `received_command` found, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ringfence.cli.invocation import print_lines
from ringfence.cli.tables import show_table
from ringfence.domain.received_number import SENTENCES, Rule

if TYPE_CHECKING:
    from rich.console import Console

MAX_SHOWN: Final = 20


def show_reading(out: Console, found: dict[str, Any]) -> None:
    """One number."""
    rows = [("received", found["received"], f"by trunk {found['trunk']}")]
    rows += [("", one["number"], one["sentence"]) for one in found["rules"]]
    rows.append(("DID", found["did"] or "none", found["verdict"]))
    if found["known"]:
        rows.append(("owner", found["owner"] or "none (vacant)", ""))
    if found["explanation"] is not None:
        rows.append(("now", "", found["explanation"]["decision_words"]))
    show_table(out, ("", "number", "why"), rows)


def show_invites(out: Console, found: dict[str, Any]) -> None:
    """A day of them."""
    what = "read to DIDs of the directory" if found["directory_known"] else "read to numbers of their country"
    head = f"{found['calls']} calls in {found['invites']} INVITEs of trunks and others; {found['good']} {what}"
    print_lines(out, [head] if found["calls"] else [f"{head}: nothing to look at"])
    print_lines(out, [f"SUGGESTION {one['sentence']}" for one in found["suggestions"]])
    if not found["directory_known"]:
        print_lines(out, ["No daemon could be asked for the directory; give --dids FILE to compare with one."])
    rows = [
        (
            one["trunk"],
            one["shape"],
            str(one["calls"]),
            str(one["good"]),
            one["example"]["received"],
            one["example"]["did"] or "refused",
            "; ".join(SENTENCES[Rule(rule)] for rule in one["rules"]),
        )
        for one in found["forms"]
    ]
    show_table(out, ("trunk", "looks like", "calls", "good", "as", "reads to", "because"), rows)
    unknown = found["unknown"]
    if found["directory_known"]:
        show_table(
            out,
            ("not in the directory", "calls"),
            [(one["number"], str(one["calls"])) for one in unknown[:MAX_SHOWN]],
        )
        print_lines(out, _left_off(len(unknown) - MAX_SHOWN))
        never = found["never_called"]
        if never:
            more = ", ..." if len(never) > MAX_SHOWN else ""
            print_lines(out, [f"Not called: {len(never)} DIDs of the directory: {', '.join(never[:MAX_SHOWN])}{more}"])
    elsewhere = found["elsewhere"]
    if elsewhere:
        calls = sum(one["calls"] for one in elsewhere)
        some = ", ".join(f"{one['address']}: {one['calls']}" for one in elsewhere[:5])
        print_lines(
            out,
            [
                f"{calls} calls came from no trunk's sources ({some}). Is one of them a carrier? Add it to `sources`, "
                "or name the trunk with --trunk where the file tells no address."
            ],
        )
    if found["damaged"]:
        print_lines(out, [f"Not all was read: {found['damaged']}."])


def _left_off(count: int) -> list[str]:
    return [f"... and {count} more"] if count > 0 else []
