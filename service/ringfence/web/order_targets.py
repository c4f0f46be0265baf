"""From what people write to what an order is about and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ringfence.app.operator import OrderRefused
from ringfence.app.override_desk import MAX_OVERRIDE, OverrideDesk
from ringfence.domain.numbers import Did, NumberError, parse_did
from ringfence.domain.override import OverrideTarget
from ringfence.web.durations import parse_duration
from ringfence.web.order_models import Targeted

_ONE_TARGET_FIX: Final = (
    "Give one of `scope`, `site`, `team`, `did`, `dids`, `from` with `to`, and `everything`."  # as OpenAPI lists them
)


def read_did(text: str, default_country: str, field: str = "did") -> Did:
    """A DID as a person writes it. Raises OrderRefused."""
    try:
        return parse_did(text, default_country)
    except NumberError as error:
        wrong, _, fix = str(error).partition("; ")
        raise OrderRefused(field, wrong, f"{fix[:1].upper()}{fix[1:]}." if fix else "") from error


def read_target(given: Targeted, desk: OverrideDesk, default_country: str) -> OverrideTarget:
    """Raises OrderRefused, NotOurs."""
    is_range = given.from_ is not None or given.to is not None
    there = {
        "scope": given.scope is not None,
        "site": given.site is not None,
        "team": given.team is not None,
        "did": given.did is not None,
        "dids": given.dids is not None,
        "from": is_range,
        "everything": given.everything,
    }
    names = [name for name, is_there in there.items() if is_there]
    if len(names) != 1:
        wrong = f"{' and '.join(names)} are given together" if names else "it is not said what this is about"
        raise OrderRefused(names[-1] if names else "scope", wrong, _ONE_TARGET_FIX)
    if given.did is not None:
        return OverrideTarget(did=read_did(given.did, default_country))
    if given.dids is not None:
        return desk.list_of([read_did(did, default_country, "dids") for did in given.dids])
    if is_range:
        if given.from_ is None or given.to is None:
            missing = "from" if given.from_ is None else "to"
            raise OrderRefused(missing, "is missing", "Give both ends of the range.")
        return desk.range_of(read_did(given.from_, default_country, "from"), read_did(given.to, default_country, "to"))
    return OverrideTarget(scope=given.scope, site=given.site, team=given.team)


def read_end(until: str | None, for_: str | None) -> tuple[datetime | None, timedelta | None]:
    """The end as a moment or as a duration; both None: until released. Raises OrderRefused."""
    if until is not None and for_ is not None:
        raise OrderRefused("for", "is given together with `until`", "Give one of them.")
    if for_ is not None:
        try:
            lasts = parse_duration(for_)
        except ValueError as error:
            wrong, _, fix = str(error).partition("; ")
            raise OrderRefused("for", wrong, f"{fix[:1].upper()}{fix[1:]}.") from error
        except OverflowError as error:
            raise OrderRefused("for", f"{for_} is longer than 31 days", "Choose another end.") from error
        if lasts > MAX_OVERRIDE:
            raise OrderRefused("for", f"{for_} is longer than 31 days", "Choose another end.")
        return None, lasts
    if until is None:
        return None, None
    try:
        return datetime.fromisoformat(until), None
    except ValueError as error:
        raise OrderRefused("until", "is not a time", "Write it as 2030-01-31T18:00:00+00:00.") from error
