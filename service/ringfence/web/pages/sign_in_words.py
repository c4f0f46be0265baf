"""Why somebody was not let in, and what they can do, in words that can be translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ringfence.web.oidc.refusal import Refusal
from ringfence.web.pages.texts import N_


@dataclass(frozen=True, slots=True)
class Words:
    """HTTP status, what is so, and what to do. Gaps: `provider` is what its button says, `seconds` when to try again;
    of NO_ROLE also `name` and `claim`."""

    status: int
    text: str
    todo: str


_AGAIN: Final = N_("Begin again with the button below.")
_BREAK_GLASS: Final = N_("Try again in a moment. If calls cannot wait, use a break-glass account below.")

REFUSALS: Final[Mapping[Refusal, Words]] = MappingProxyType(
    {
        Refusal.PROVIDER_DOWN: Words(
            503, N_("%(provider)s does not answer, so nobody can sign in with it."), _BREAK_GLASS
        ),
        Refusal.PROVIDER_ODD: Words(
            503,
            N_("%(provider)s answered in a way that cannot be trusted, so nobody was signed in."),
            N_("Tell your admin: the log says what was wrong. If calls cannot wait, use a break-glass account below."),
        ),
        Refusal.CLIENT_REFUSED: Words(
            503,
            N_("%(provider)s does not accept this service: its client id or its client secret is not right."),
            N_("Tell your admin. If calls cannot wait, use a break-glass account below."),
        ),
        Refusal.NOT_BEGUN_HERE: Words(
            400,
            N_("This sign-in was not begun in this browser, was used already, or took longer than ten minutes."),
            _AGAIN,
        ),
        Refusal.DENIED: Words(
            403,
            N_("%(provider)s did not let you in, or you turned back there."),
            N_("Begin again, or ask your admin whether your account may use this service."),
        ),
        Refusal.TOKEN_REFUSED: Words(
            403,
            N_("What %(provider)s sent does not prove who you are, so you were not signed in."),
            N_("Begin again. If it happens again, tell your admin: the log says what was wrong."),
        ),
        Refusal.NO_ROLE: Words(
            403,
            N_("You are known to %(provider)s as %(name)s, but you have no role here."),
            N_(
                "Ask your admin for a role. Looked at was the claim %(claim)s; it has to hold one of these: %(values)s."
            ),
        ),
        Refusal.HAS_LEFT: Words(
            403,
            N_("You are known to %(provider)s as %(name)s, but here you have left."),
            N_("If that is wrong, HR or the helpdesk has to correct it first."),
        ),
        Refusal.ROLES_LEFT_OUT: Words(
            403,
            N_("You are known to %(provider)s as %(name)s, but it left your groups out, because they are too many."),
            N_("Ask your admin to have app roles sent in the claim %(claim)s instead of all groups."),
        ),
        Refusal.TOO_MANY: Words(
            429, N_("Too many tries to sign in come from where you are."), N_("Try again in %(seconds)s seconds.")
        ),
        Refusal.NO_SESSION: Words(
            403, N_("You are known, but you cannot be signed in now."), N_("Try again in a moment, or tell your admin.")
        ),
        Refusal.WRONG_PASSWORD: Words(
            403,
            N_("The name and the password do not belong together."),
            N_("Look at the envelope again. In the password, capital letters, spaces and hyphens do not matter."),
        ),
        Refusal.NO_ACCOUNTS: Words(
            503,
            N_("The break-glass accounts cannot be read on the server."),
            N_(
                "Tell your admin: the log says what is wrong. "
                "On the server itself `ringfence` works without signing in."
            ),
        ),
        Refusal.LOCKED: Words(
            429,
            N_("After wrong passwords this is locked for a while, also for the right one."),
            N_("Try again in %(seconds)s seconds, or use the other break-glass account."),
        ),
    }
)
