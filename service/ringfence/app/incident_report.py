"""An incident as a page to read and print: no script, nothing from elsewhere, light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Final

from ringfence.app.incidents import IncidentView
from ringfence.domain.incident import Entry
from ringfence.domain.incident_calls import DidTally, Served
from ringfence.domain.target_words import target_words

MAX_DIDS_SHOWN: Final = 1_000

Name = Callable[[str], str]  # a DID as it is shown
When = Callable[[datetime], str]

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --line: #c9c9d1; --soft: #5a5a66; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8ee; --paper: #17171b; --line: #46464f; --soft: #a8a8b3; }
}
body { color: var(--ink); background: var(--paper); font: 16px/1.5 system-ui, sans-serif; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--soft); }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
tbody th { font-weight: 400; } table { margin: 1rem 0; }
ul { margin: 0; padding-left: 1.2rem; } small { color: var(--soft); }
@media (max-width: 40rem) { th, td { overflow-wrap: anywhere; font-size: .9rem; } }
@media print { body { font-size: 11px; margin: 0; max-width: none; } tr, li { break-inside: avoid; }
  thead { display: table-header-group; } }
"""


def render_report(view: IncidentView, generated_at: datetime, name: Name, when: When) -> str:
    """The whole page. Everything that is shown is escaped."""
    incident = view.incident
    title = f"Incident {incident.id}: platform {incident.scope}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(_in_short(view, generated_at, when))}</p>",
        "<p><small>Times are local, with their distance from UTC.</small></p>",
        _facts(view, when),
        _gaps(view, when),
        "<h2>Timeline</h2>",
        _table(("time", "what", "by"), (_entry(entry, name, when) for entry in view.entries), "In order of time"),
        "<h2>Calls</h2>",
        _outcomes(view),
        _statuses(view, when),
        _dids(view, name),
        f"<p><small>Made {escape(when(generated_at))}. Callers' numbers and the numbers calls were diverted to are not "
        "in this report.</small></p></main></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _in_short(view: IncidentView, generated_at: datetime, when: When) -> str:
    """What a reader who reads nothing else should know."""
    incident, tally = view.incident, view.tally
    minutes = round(((incident.closed_at or generated_at) - incident.opened_at).total_seconds() / 60)
    unreached = tally.served[Served.ANNOUNCEMENT] + tally.served[Served.NOBODY]
    lasted = f"to {when(incident.closed_at)}" if incident.closed_at else "and is not over"
    return (
        f"The outage of platform {incident.scope} lasted from {when(incident.opened_at)} {lasted}: {minutes} minutes. "
        f"Of {tally.calls} calls the platform failed {tally.failed}; {unreached} reached no person."
    )


def _facts(view: IncidentView, when: When) -> str:
    incident, tally = view.incident, view.tally
    verdict = tally.seconds_to_verdict(incident.opened_at)
    rows = [
        ("opened", when(incident.opened_at) + (" (it began earlier)" if incident.late else "")),
        ("because", incident.sentence),
        ("closed", when(incident.closed_at) if incident.closed_at else "not yet"),
        ("relapses", str(incident.relapses)),
        ("calls counted", f"{tally.calls}, from {when(view.span.since)} to {when(view.span.until)}"),
        ("calls the platform failed", str(tally.failed)),
        ("first failed call", when(tally.first_failed) if tally.first_failed else "none"),
        ("last failed call", when(tally.last_failed) if tally.last_failed else "none"),
        (
            "first failed call to verdict",
            "no call failed before the verdict" if verdict is None else f"{verdict:.1f} s",
        ),
        ("calls whose plan was tried", f"{tally.plan_tried}; for {tally.plan_in_vain} nobody in it could be reached"),
    ]
    cells = "".join(f'<tr><th scope="row">{escape(head)}</th><td>{escape(text)}</td></tr>' for head, text in rows)
    kept = "" if view.calls_kept else "<p>Calls of this incident are no longer kept; what follows is not complete.</p>"
    return f"<table><caption>The facts</caption><tbody>{cells}</tbody></table>{kept}"


def _gaps(view: IncidentView, when: When) -> str:
    if not view.gaps:
        return ""
    rows = "".join(f"<li>{escape(f'{when(gap.began)} to {when(gap.ended)}: {gap.words}')}</li>" for gap in view.gaps)
    return f"<h2>Times in which Ringfence heard nothing</h2><ul>{rows}</ul>"


def _entry(entry: Entry, name: Name, when: When) -> tuple[str, str, str]:
    about = f" ({about_shown(entry.about, name)})" if entry.about else ""
    detail = "".join(f"<li>{escape(line)}</li>" for line in entry.detail)
    return (
        escape(when(entry.at)),
        escape(f"{_said(entry)}{about}") + (f"<ul>{detail}</ul>" if detail else ""),
        escape(entry.who),
    )


def _said(entry: Entry) -> str:
    """The kind is not said twice."""
    kind = entry.kind.value
    return entry.words if entry.words.startswith(kind) else f"{kind}: {entry.words}"


def about_shown(about: str, name: Name) -> str:
    """What an override is about; its DIDs as DIDs are shown."""
    return target_words(about, name)


def _outcomes(view: IncidentView) -> str:
    tally = view.tally
    served = ((escape(one.value), str(tally.served[one])) for one in Served)
    results = ((escape(result), str(count)) for result, count in sorted(tally.results.items()))
    return _table(("answered by", "calls"), served, "Who answered") + _table(
        ("how the call ended", "calls"), results, "How the calls ended"
    )


def _statuses(view: IncidentView, when: When) -> str:
    if not view.tally.statuses:
        return "<p>No call failed with a SIP status of the platform.</p>"
    caption = f"SIP statuses of failed calls to the platform, in portions of {view.tally.bucket} s"
    rows = ((escape(when(at)), str(status), str(n)) for (at, status), n in sorted(view.tally.statuses.items()))
    return _table(("from", "SIP status", "calls"), rows, caption)


def _dids(view: IncidentView, name: Name) -> str:
    rows = did_rows(view, name)
    shown = (
        (escape(did), str(tally.calls), *(str(tally.served[one]) for one in Served))
        for did, tally in rows[:MAX_DIDS_SHOWN]
    )
    more = len(rows) - MAX_DIDS_SHOWN
    rest = f"<p>{more} more DIDs are in incident.json.</p>" if more > 0 else ""
    return (
        f"<h2>DIDs that were called: {len(rows)}</h2>"
        + _table(("DID", "calls", *(one.value for one in Served)), shown, "Calls to each, and who answered them")
        + rest
    )


def did_rows(view: IncidentView, name: Name) -> list[tuple[str, DidTally]]:
    """The affected DIDs as they are shown, in order."""
    return sorted((name(did) or "unknown", tally) for did, tally in _items(view))


def _items(view: IncidentView) -> Iterable[tuple[str, DidTally]]:
    return view.tally.dids.items()


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """`rows` are escaped already."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{cell}</td>" for cell in row[1:])}</tr>' for row in rows
    )
    shown = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{shown}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
