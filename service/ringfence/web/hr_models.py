"""HR sources, what they said, what of it is held, and a person's decision, as JSON. Numbers are masked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ringfence.app.hr.ports import PlanStatus, RunOutcome
from ringfence.domain.hr.guard import Category
from ringfence.web.order_models import Why
from ringfence.web.paging import Next
from ringfence.web.status_models import SourceOut

MAX_ITEMS: Final = 1000
MAX_CHOSEN: Final = 200  # one by one; categories name any number, and a body has 64 KiB
MAX_NAME_CHARACTERS: Final = 64

SourceName = Annotated[
    str,
    Field(description="a source's name", json_schema_extra={"maxLength": MAX_NAME_CHARACTERS}, examples=["payroll"]),
]


class ReadingOut(BaseModel):
    """How far the sync that somebody ordered has come."""

    rows_done: int
    rows_in_all: int | None = Field(description="null: not known")


class SourcesOut(BaseModel):
    """In their order of precedence."""

    sources: list[SourceOut]
    reading: ReadingOut | None = Field(description="null: nobody ordered a sync, or it is done")


class ItemOut(BaseModel):
    """One held change."""

    id: str
    category: Category
    person: str = Field(description="the person's key")
    name: str
    lines: list[str] = Field(description="what would change; private numbers masked")


class RunOut(BaseModel):
    """One run of a source. `accepted` and `held` count people by category."""

    id: int = Field(description="0: it was not stored")
    source: str
    at: datetime
    outcome: RunOutcome
    label: str = Field(description="what was read, as a file's name")
    rows: int
    rejected: int = Field(description="rows that could not be read")
    leavers: int = Field(description="people whom an explicit fact ended: never held")
    accepted: dict[Category, int]
    held: dict[Category, int]
    detail: str
    plan: int | None = Field(description="the plan in which the held changes wait")


class SyncedOut(BaseModel):
    """One source that was read. Only a dry run has `items` and `lines`."""

    run: RunOut
    items: list[ItemOut] = Field(description=f"what would be held; at most {MAX_ITEMS}")
    items_left_off: int
    lines: list[str] = Field(description="how the directory in force would change")
    lines_left_off: int


class SyncDone(BaseModel):
    """One entry a source."""

    dry_run: bool
    runs: list[SyncedOut]


class SyncOrder(BaseModel):
    """Read one source now, or all of them."""

    model_config = ConfigDict(extra="forbid")

    source: SourceName | None = Field(None, description="null: all of them, one after the other")
    dry_run: StrictBool = Field(description="true: show what would change, and change nothing")


class RunsOut(BaseModel):
    """Newest first."""

    runs: list[RunOut]
    next: Next


class HeldPlanOut(BaseModel):
    """What is held of one source. `items` are those of an open plan, `lines` what was kept of a closed one."""

    id: int
    source: str
    opened_at: datetime
    first_load: bool
    status: PlanStatus
    closed_at: datetime | None
    who: str = Field(description="who decided; empty: nobody, or the source itself said otherwise")
    reason: str
    superseded_by: int | None
    summary: str
    counts: dict[Category, int] = Field(description="held items by category")
    fingerprint: str = Field(description="names exactly these items; a decision gives it back")
    items: list[ItemOut] = Field(description=f"at most {MAX_ITEMS}; none in a list of plans")
    items_left_off: int
    lines: list[str]


class HeldPlansOut(BaseModel):
    """Newest first."""

    plans: list[HeldPlanOut]
    next: Next


class DecisionOrder(BaseModel):
    """Approve or reject a plan, or those items of it that `items` or `categories` name."""

    model_config = ConfigDict(extra="forbid")

    approve: StrictBool
    fingerprint: Annotated[str, Field(max_length=128)] = Field(
        description="of the plan that was looked at; refused with 409 when it is no longer that"
    )
    items: Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=MAX_CHOSEN)] | None = Field(
        None, description="identifiers of items; null: all"
    )
    categories: Annotated[list[Category], Field(max_length=len(Category))] | None = Field(
        None, description="every item of these categories"
    )
    reason: Why


class ConflictOut(BaseModel):
    """One DID that two people claim with equal right."""

    did: str
    holder: str | None = Field(description="who has it and keeps it; null: nobody's default numbers ring")
    claimants: list[str]


class UnknownDidOut(BaseModel):
    """A DID that an employed person claims and the imported directory does not know: nothing is routed for it."""

    did: str
    person: str = Field(description="the person's key")


class ConflictsOut(BaseModel):
    """By DID."""

    conflicts: list[ConflictOut]
    unknown_dids: list[UnknownDidOut] = Field(description=f"at most {MAX_ITEMS}")
