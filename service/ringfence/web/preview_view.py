"""A preview in numbers and words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ringfence.app.override_preview import CallsNow, Preview
from ringfence.domain.override import PRECEDENCE_WORDS, OverrideKind
from ringfence.domain.override_effect import End, Reached
from ringfence.web.order_models import PreviewMode
from ringfence.web.preview_models import CallsNowOut, EndsOut, NeverOut, NoNumberOut, PreviewOut, StandsOut
from ringfence.web.status_view import override_out

MAX_STANDING: Final = 20
MAX_NAMED: Final = 5


def preview_out(preview: Preview, shadow: bool = False) -> PreviewOut:
    effect, calls = preview.effect, preview.calls
    return PreviewOut(
        mode=PreviewMode.AUTO if preview.kind is None else PreviewMode(preview.kind),
        about=preview.target.words,
        shadow=shadow,
        at=preview.at,
        expected=preview.expected,
        standing=None if preview.standing is None else override_out(preview.standing),
        covers=effect.covers,
        to_dr=effect.to_dr,
        back=effect.back,
        stand=[StandsOut(override=override_out(word), dids=dids) for word, dids in effect.stand[:MAX_STANDING]],
        ends=EndsOut(
            person=effect.ends.get(End.PERSON, 0),
            reception=effect.ends.get(End.RECEPTION, 0),
            announcement=effect.ends.get(End.ANNOUNCEMENT, 0),
        ),
        no_number=effect.without,
        no_number_dids=[NoNumberOut(did=r.did, critical=r.critical, kind=r.kind, end=r.end) for r in effect.named],
        never_diverted=[NeverOut(kind=kind, dids=dids) for kind, dids in sorted(effect.never.items())],
        calls=None if calls is None else _calls_out(calls),
        second_person=preview.second_person,
        precedence=PRECEDENCE_WORDS,
        sentences=list(_sentences(preview)),
    )


def _calls_out(calls: CallsNow) -> CallsNowOut:
    return CallsNowOut(
        weeks=calls.weeks,
        moving_an_hour=round(calls.moving_an_hour, 1),
        diverted_an_hour=round(calls.diverted_an_hour, 1),
        mean_seconds=round(calls.mean_seconds, 1),
        at_once=round(calls.at_once, 1),
        at_most=calls.at_most,
        channels=calls.channels,
        enough=calls.enough,
    )


def _sentences(preview: Preview) -> Iterator[str]:
    effect = preview.effect
    yield _moves(preview)
    if effect.to_dr:
        yield from _ends(preview)
    for word, dids in effect.stand[:MAX_STANDING]:
        yield f"{_dids(dids)} stay as they are: {word.words} ({word.why}), and that counts more."
    if preview.standing is not None and preview.kind is not None:
        yield f"It replaces what stands now: {preview.standing.words} ({preview.standing.why})."
    if effect.to_dr and preview.calls is not None:
        yield _traffic(preview.calls)
    if effect.to_dr and preview.calls is None:
        yield "How many calls that is cannot be said: the journal cannot be read."
    if preview.second_person:
        yield "A second person has to approve it."


def _moves(preview: Preview) -> str:
    effect = preview.effect
    about = f"{preview.target.words} ({_dids(effect.covers)})"
    if preview.kind is OverrideKind.FREEZE:
        return f"{about}: nothing moves now; the mode stays as it is until the freeze is released."
    if not effect.to_dr and not effect.back:
        return f"{about}: nothing moves now."
    moves = []
    if effect.to_dr:
        moves.append(f"{_dids(effect.to_dr)} would go to default numbers")
    if effect.back:
        moves.append(f"{_dids(effect.back)} would go back to the platform")
    return f"{about}: {' and '.join(moves)}."


def _ends(preview: Preview) -> Iterator[str]:
    effect = preview.effect
    if not effect.without:
        yield "All of them have a number of a person that may be rung."
        return
    reception, announcement = effect.ends.get(End.RECEPTION, 0), effect.ends.get(End.ANNOUNCEMENT, 0)
    yield (
        f"{effect.without} of them reach no person's number: {reception} end at the reception, {announcement} hear the "
        f"announcement{_named(effect.named)}."
    )
    for kind, dids in sorted(effect.never.items()):
        yield f"{_dids(dids)} of the kind {kind} are never diverted to a number: their callers hear the announcement."


def _named(found: tuple[Reached, ...]) -> str:
    critical = [reached.did for reached in found if reached.critical]
    if critical:
        more = " and more" if len(critical) > MAX_NAMED else ""
        return f"; critical: {', '.join(critical[:MAX_NAMED])}{more}"
    return f"; {', '.join(reached.did for reached in found)}" if len(found) <= MAX_NAMED else ""


def _traffic(calls: CallsNow) -> str:
    if not calls.weeks:
        return f"The journal knows nothing of this hour yet; there are {calls.channels} channels for diverted calls."
    verdict = "that suffices" if calls.enough else "THAT MAY NOT SUFFICE: callers may hear the announcement instead"
    return (
        f"At this hour that is usually {calls.moving_an_hour:.0f} calls; all diverted calls are about "
        f"{calls.at_once:.0f} at once, seldom more than {calls.at_most}, and there are {calls.channels} channels: "
        f"{verdict}."
    )


def _dids(count: int) -> str:
    return "1 DID" if count == 1 else f"{count} DIDs"
