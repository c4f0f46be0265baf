"""What a page says once after a form was carried out. The cookie holds a code, never a text: nobody can put words of
their own on the page."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse

from ringfence.web.pages.texts import N_

FLASH_COOKIE: Final = "ringfence-done"
_SECONDS: Final = 60

FLASHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "override-set": N_("Done: the decision is on its way to Asterisk."),
        "override-asked": N_("Nothing has moved yet: a second person has to approve it."),
        "override-rejected": N_("Rejected: it is not carried out."),
        "override-undone": N_("Taken back: what stood before stands again."),
        "override-released": N_("Released: Ringfence decides by itself again."),
        "override-was-not-set": N_("Nothing was set there any more, and nothing has changed."),
        "failback-ordered": N_("Done: the failback goes one step on."),
        "entered": N_("Done: it is entered and routed by."),
        "entered-check": N_("Done, but a number is in no range the numbering plan knows: check its digits."),
        "cleared": N_("Done: the sources decide about it again."),
        "plan-approved": N_("Approved: it is routed by."),
        "plan-rejected": N_("Rejected: nothing of it is taken."),
        "own-entered": N_("Done: calls to you follow it from now on."),
        "note-written": N_("Your note is in the timeline."),
        "call-back-said": N_("Done: the others see it."),
        "acknowledged": N_("Acknowledged: it escalates no further."),
        "key-revoked": N_("Revoked: the key is of no use any more."),
        "session-ended": N_("Ended: whoever it was has to sign in again."),
        "accounts-renewed": N_("Noted: the sessions begun with the old passwords are over."),
        "accounts-not-renewed": N_("No account has another password than before; nothing has changed."),
        "signed-out": N_("You are signed out."),
    }
)


def back_to(path: str, done: str) -> RedirectResponse:
    """After a form: to a page of ours (a path without a host), which says `done`, one of `FLASHES`."""
    assert done in FLASHES
    answer = RedirectResponse(path, 303)
    answer.set_cookie(FLASH_COOKIE, done, max_age=_SECONDS, path="/", httponly=True, samesite="lax")
    return answer


def flash_words(request: Request) -> str:
    """What is to be said now; empty: nothing."""
    return FLASHES.get(request.cookies.get(FLASH_COOKIE, ""), "")
