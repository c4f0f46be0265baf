"""What people order, and what they are answered. Lengths are declared here and refused by the use cases, whose messages
say what to write instead."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ringfence.app.operator import MAX_WHY_CHARACTERS
from ringfence.domain.directory import MAX_NAME_LENGTH
from ringfence.domain.outage import Mode
from ringfence.domain.override import MAX_LISTED_DIDS, OverrideKind
from ringfence.web.durations import PATTERN
from ringfence.web.status_models import OverrideOut, ScopeOut

MAX_SCOPE_CHARACTERS: Final = 64
MAX_DID_CHARACTERS: Final = 64
MAX_ID_CHARACTERS: Final = 32

Why = Annotated[
    str,
    Field(
        description="why, in a few words: it is what the others will read",
        json_schema_extra={"minLength": 1, "maxLength": MAX_WHY_CHARACTERS, "pattern": r"^[^\x00-\x1f\x7f]*$"},
        examples=["platform vendor confirms an outage, ticket 4711"],
    ),
]
ScopeName = Annotated[
    str, Field(description="a platform's name", json_schema_extra={"maxLength": MAX_SCOPE_CHARACTERS})
]
SiteName = Annotated[
    str, Field(description="a site's name: all DIDs of that site", json_schema_extra={"maxLength": MAX_NAME_LENGTH})
]
TeamName = Annotated[
    str,
    Field(
        description="a team (what HR calls the department): all DIDs whose owners are in it",
        json_schema_extra={"maxLength": MAX_NAME_LENGTH},
        examples=["Service desk"],
    ),
]
DidText = Annotated[
    str,
    Field(
        description="E.164 as +441134960100, or as dialled in the default country",
        json_schema_extra={"maxLength": MAX_DID_CHARACTERS},
    ),
]
DidTexts = Annotated[list[DidText], Field(description="one override for all of them", max_length=MAX_LISTED_DIDS)]
WordId = Annotated[
    str,
    Field(description="the `id` of an override or pending order", json_schema_extra={"maxLength": MAX_ID_CHARACTERS}),
]
InShadow = Annotated[bool, Field(description="shadow mode: it is decided and written down; nothing is done to calls")]
Expected = Annotated[
    str,
    Field(
        description="the `id` of the override that you saw standing for this target, or `none`; 409 when it is another "
        "one by now",
        json_schema_extra={"maxLength": MAX_ID_CHARACTERS},
    ),
]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Targeted(_Order):
    """Exactly one of `scope`, `site`, `team`, `did`, `dids`, `from` with `to`, and `everything`."""

    scope: ScopeName | None = None
    site: SiteName | None = None
    team: TeamName | None = None
    did: DidText | None = None
    dids: DidTexts | None = None
    from_: DidText | None = Field(None, alias="from")
    to: DidText | None = None
    everything: StrictBool = False


class OverrideOrder(Targeted):
    """A person's word about exactly one of `scope`, `site`, `team`, `did`, `dids`, `from` with `to` (our DIDs between
    them, both included), and `everything`; at most one of `until` and `for`."""

    mode: OverrideKind = Field(description="`dr`: to default numbers; `normal`: to the platform; `freeze`: as it is")
    reason: Why
    until: str | None = Field(
        None,
        description="the end, with its time zone, at most 31 days ahead; neither this nor `for`: until released",
        json_schema_extra={"format": "date-time"},
        examples=["2030-01-31T18:00:00+00:00"],
    )
    for_: str | None = Field(
        None,
        alias="for",
        description="the end as a duration, at most 31 days: 90s, 15m, 2h, 1d",
        json_schema_extra={"pattern": PATTERN},
        examples=["2h"],
    )
    expected: Expected | None = None


class TargetOut(BaseModel):
    """Something an order may be about."""

    name: str
    dids: int


class TargetsOut(BaseModel):
    """What orders may be about besides everything and DIDs, by name."""

    scopes: list[TargetOut]
    sites: list[TargetOut]
    teams: list[TargetOut]


class PreviewMode(StrEnum):
    """What is thought of: an order, or the release of one."""

    DR = "dr"
    NORMAL = "normal"
    FREEZE = "freeze"
    AUTO = "auto"


class PreviewOrder(Targeted):
    """An order to be looked at. Nothing changes."""

    mode: PreviewMode = Field(description="`dr`, `normal`, `freeze`; `auto`: a release")


class OverrideDone(BaseModel):
    """The word that stands now, and the scopes it is about."""

    override: OverrideOut
    scopes: list[ScopeOut]
    shadow: InShadow


class PendingOut(BaseModel):
    """An order that waits for a second person. `about` in words; at most one of `until` and `for_seconds` is given."""

    id: str
    mode: OverrideKind
    about: str
    scope: str | None
    site: str | None
    team: str | None
    dids: list[str]
    who: str
    reason: str
    asked_at: datetime
    alone_from: datetime = Field(description="from when whoever asked may carry it out alone, marked for review")
    expires_at: datetime = Field(description="until when it waits")
    until: datetime | None
    for_seconds: float | None


class OverrideAsked(BaseModel):
    """Nothing has changed yet: a second person has to approve it."""

    pending: PendingOut


class PendingList(BaseModel):
    """Oldest first."""

    pending: list[PendingOut]


class Rejected(BaseModel):
    """The order that will not be carried out."""

    rejected: PendingOut


class ReleaseDone(BaseModel):
    """`released` is false when nothing was set; nothing has changed then."""

    released: bool
    scopes: list[ScopeOut]
    shadow: InShadow


class UndoOrder(_Order):
    """Take a word back: what stood for its target before stands again. Within 24 hours, if nobody changed it since."""

    id: WordId
    reason: Why


class UndoDone(BaseModel):
    """`override`: the word that stands again; null: the automatic decides."""

    about: str
    override: OverrideOut | None
    scopes: list[ScopeOut]
    shadow: InShadow


class FailbackOrder(_Order):
    """End the hold-down (go to trial), or end the trial (go to normal)."""

    scope: ScopeName
    reason: Why


class FailbackDone(BaseModel):
    """The mode that follows."""

    scope: str
    mode: Mode
    mode_words: str
    shadow: InShadow
