"""Incidents and missed calls turned into what the API shows."""

from __future__ import annotations

from typing import Final

from ringfence.app.incidents import IncidentView, MissedView
from ringfence.domain.calls import WITHHELD, shown_caller
from ringfence.domain.incident import Gap, Incident, Note
from ringfence.domain.missed_calls import CallBack, MissedCalls
from ringfence.web.incident_models import (
    CallBackOut,
    DidCallsOut,
    EntryOut,
    GapOut,
    IncidentCallsOut,
    IncidentDetailOut,
    IncidentOut,
    MissedListOut,
    MissedOut,
    NoteOut,
    StatusCountOut,
)

MAX_DIDS: Final = 200


def incident_out(incident: Incident) -> IncidentOut:
    return IncidentOut(
        id=incident.id,
        scope=incident.scope,
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        reason=incident.reason,
        sentence=incident.sentence,
        opened_late=incident.late,
        relapses=incident.relapses,
    )


def detail_out(view: IncidentView) -> IncidentDetailOut:
    return IncidentDetailOut(
        incident=incident_out(view.incident),
        timeline=[
            EntryOut(
                at=entry.at,
                kind=entry.kind,
                words=entry.words,
                about=entry.about,
                who=entry.who,
                detail=list(entry.detail),
            )
            for entry in view.entries
        ],
        calls=_calls(view),
        missed=dict(view.missed),
        unheard=[gap_out(gap) for gap in view.gaps],
    )


def _calls(view: IncidentView) -> IncidentCallsOut:
    tally = view.tally
    busiest = sorted(tally.dids.items(), key=lambda item: (-item[1].calls, item[0]))[:MAX_DIDS]
    return IncidentCallsOut(
        since=view.span.since,
        until=view.span.until,
        kept=view.calls_kept,
        calls=tally.calls,
        failed=tally.failed,
        first_failed_at=tally.first_failed,
        last_failed_at=tally.last_failed,
        seconds_to_verdict=tally.seconds_to_verdict(view.incident.opened_at),
        plan_tried=tally.plan_tried,
        plan_in_vain=tally.plan_in_vain,
        answered_by={served.value: count for served, count in sorted(tally.served.items())},
        results=dict(sorted(tally.results.items())),
        portion_seconds=tally.bucket,
        statuses=[
            StatusCountOut(began=at, status=status, calls=count)
            for (at, status), count in sorted(tally.statuses.items())
        ],
        dids_called=len(tally.dids),
        dids=[
            DidCallsOut(did=did, calls=one.calls, answered_by={s.value: n for s, n in sorted(one.served.items())})
            for did, one in busiest
        ],
    )


def gap_out(gap: Gap) -> GapOut:
    ended = gap.ended if gap.id else None  # one that lasts has no number yet
    return GapOut(began=gap.began, ended=ended, reason=gap.reason, covered=gap.covered, words=gap.words)


def note_out(note: Note) -> NoteOut:
    return NoteOut(id=note.id, at=note.at, who=note.who, text=note.text)


def missed_list_out(view: MissedView, lines: list[MissedCalls], next_offset: int | None) -> MissedListOut:
    return MissedListOut(
        incident=incident_out(view.incident),
        counts=dict(view.counts),
        missed=[missed_out(line) for line in lines],
        next=next_offset,
        left_out=view.left_out,
        unheard=[gap_out(gap) for gap in view.gaps],
    )


def missed_out(line: MissedCalls) -> MissedOut:
    return MissedOut(
        call=line.id,
        caller=shown_caller(line.caller),
        withheld=line.caller == WITHHELD,
        did=line.did,
        calls=len(line.calls),
        announced=line.announced,
        first_at=line.first_at,
        last_at=line.last_at,
        last_result=line.last_result,
        reached_later_at=line.reached_at,
        state=line.state,
        words=line.state.words,
        waits=line.waits,
        call_back=None if line.call_back is None else _call_back(line.call_back),
    )


def _call_back(said: CallBack) -> CallBackOut:
    return CallBackOut(state=said.state, words=said.state.words, who=said.who, at=said.at, note=said.note)
