"""What people order, and what they are answered. Lengths are declared here and refused by the operator's use cases,
whose messages say what to write instead."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ringfence.app.operator import MAX_WHY_CHARACTERS
from ringfence.domain.outage import Mode
from ringfence.domain.override import OverrideKind
from ringfence.web.durations import PATTERN
from ringfence.web.status_models import OverrideOut, ScopeOut

MAX_SCOPE_CHARACTERS: Final = 64
MAX_DID_CHARACTERS: Final = 64

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
DidText = Annotated[
    str,
    Field(
        description="E.164 as +441134960100, or as dialled in the default country",
        json_schema_extra={"maxLength": MAX_DID_CHARACTERS},
    ),
]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OverrideOrder(_Order):
    """A person's word about exactly one of `scope`, `did` and `everything`; at most one of `until` and `for`."""

    mode: OverrideKind = Field(description="`dr`: to default numbers; `normal`: to the platform; `freeze`: as it is")
    scope: ScopeName | None = None
    did: DidText | None = None
    everything: StrictBool = False
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


class OverrideDone(BaseModel):
    """The word that stands now, and the scopes it is about."""

    override: OverrideOut
    scopes: list[ScopeOut]


class ReleaseDone(BaseModel):
    """`released` is false when nothing was set; nothing has changed then."""

    released: bool
    scopes: list[ScopeOut]


class FailbackOrder(_Order):
    """End the hold-down (go to trial), or end the trial (go to normal)."""

    scope: ScopeName
    reason: Why


class FailbackDone(BaseModel):
    """The mode that follows."""

    scope: str
    mode: Mode
    mode_words: str
