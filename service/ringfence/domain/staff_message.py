"""What somebody is told when their calls go elsewhere, and when they come back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from ringfence.domain.directory import DidAssignment, Directory, PersonKey
from ringfence.domain.numbers import VISIBLE_DIGITS, spaced
from ringfence.domain.route_plan import StepKind, StepReason
from ringfence.domain.routing import plan_for
from ringfence.domain.routing_policy import RoutingPolicy

MAX_DIDS = 3  # named in one message; the others are counted


@dataclass(frozen=True, slots=True)
class StaffText:
    """One mail."""

    subject: str
    text: str


def owned_in(directory: Directory, scopes: frozenset[str]) -> dict[PersonKey, list[DidAssignment]]:
    """Person -> their DIDs whose calls these platforms normally take."""
    found: dict[PersonKey, list[DidAssignment]] = {}
    for item in directory.assignments.values():
        if item.owner is not None and item.scope in scopes:
            found.setdefault(item.owner, []).append(item)
    return found


def staff_text(
    owned: Sequence[DidAssignment],
    directory: Directory,
    policy: RoutingPolicy,
    diverted: bool,
    since: datetime,
    default_zone: str,
) -> StaffText:
    """For the owner of these DIDs, at least one. Of a default number the last three digits are said, and only of one of
    the owner's own. `since` is told in the time zone of the owner's site, `default_zone` (IANA) where it names none."""
    first = owned[0]
    assert first.owner is not None
    person = directory.people[first.owner]
    site = directory.site(person.site)
    zone = (site.time_zone if site is not None else None) or default_zone
    when = f"{since.astimezone(ZoneInfo(zone)):%H:%M on %d %B %Y} ({zone})"
    whose = _dids(owned)
    if not diverted:
        return StaffText(
            "Your calls come to your usual telephone again",
            f"Calls to {whose} come to your usual telephone again since {when}.\nYou need not do anything.\n",
        )
    subject, where, to_do = _where(first, directory, policy)
    return StaffText(
        subject,
        f"Calls to {whose} go {where} since {when}, because the telephone system has trouble or is being worked on.\n"
        f"{to_do}\nYou will be told when they come back.\n",
    )


def _where(assignment: DidAssignment, directory: Directory, policy: RoutingPolicy) -> tuple[str, str, str]:
    """Subject, where calls go, and what to do."""
    # Whether the site is open is asked before anybody is rung; where calls go while it is, is what matters to people.
    plan = plan_for(assignment, directory, policy).plan
    step = next(planned for planned in plan if planned.step.kind is not StepKind.OPENING)
    if step.step.kind is StepKind.PERSON:
        if step.reason is StepReason.DEPUTY:
            return "Your calls now go to your deputy", "to your deputy", "You need not do anything."
        ending = step.step.target[-VISIBLE_DIGITS:]
        words = f"to the number ending {ending}"
        return (
            f"Your calls now go {words}",
            words,
            "You need not do anything. If that number is wrong, correct it or tell the helpdesk.",
        )
    to_do = "Tell the helpdesk a number on which you can be reached, if that is not what you want."
    if step.step.kind is StepKind.TEAM:
        return "Your calls now go to your team", f"to the team {step.name}", "You need not do anything."
    if step.reason is StepReason.DIVERT_NUMBER:
        return "Your calls now go to another number", f"to {spaced(step.step.target)}", to_do
    if step.step.kind is StepKind.SITE:
        return "Your calls now go to your site's reception", "to your site's reception", to_do
    words = "to an announcement: no number is known on which you may be called"
    return "Your calls now reach nobody", words, to_do


def _dids(owned: Sequence[DidAssignment]) -> str:
    named = ", ".join(spaced(item.did) for item in owned[:MAX_DIDS])
    more = len(owned) - MAX_DIDS
    return f"{named} and {more} more" if more > 0 else named
