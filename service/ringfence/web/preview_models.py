"""What an order would do, as JSON. `preview_view.py` fills it in."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from ringfence.domain.directory import LineKind
from ringfence.domain.override_effect import End
from ringfence.web.order_models import PreviewMode
from ringfence.web.status_models import OverrideOut


class StandsOut(BaseModel):
    """A narrower word, and how many of the DIDs follow it instead."""

    override: OverrideOut
    dids: int


class NoNumberOut(BaseModel):
    """A DID whose callers would reach no person's number."""

    did: str
    critical: bool
    kind: LineKind
    end: End = Field(description="where its calls end at best")


class EndsOut(BaseModel):
    """Of the DIDs that leave the platform: where their calls end at best."""

    person: int
    reception: int
    announcement: int


class NeverOut(BaseModel):
    """Lines that are never diverted to a number: their callers hear the announcement."""

    kind: LineKind
    dids: int


class CallsNowOut(BaseModel):
    """From the journal: calls in this hour of this weekday, on average over the last `weeks` (at most 4)."""

    weeks: int = Field(description="0: the journal knows nothing of this hour yet, and the other numbers are 0")
    moving_an_hour: float = Field(description="to the DIDs that leave the platform")
    diverted_an_hour: float = Field(description="to all DIDs that would be diverted then")
    mean_seconds: float
    at_once: float = Field(description="diverted calls at the same time, on average")
    at_most: int = Field(description="seldom more than these")
    channels: int = Field(description="channels of the egress trunks that are not down, at most [egress] max_calls")
    enough: bool


class PreviewOut(BaseModel):
    """Nothing has changed. `expected` goes with the order: then it is refused when somebody was faster."""

    mode: PreviewMode
    about: str
    shadow: bool = Field(description="shadow mode: given now, the order would do nothing to calls")
    at: datetime
    expected: str
    standing: OverrideOut | None = Field(description="what somebody has said about the same target")
    covers: int = Field(description="DIDs that it is about")
    to_dr: int = Field(description="DIDs that leave the platform")
    back: int = Field(description="DIDs that return to it")
    stand: list[StandsOut] = Field(description="narrower words that stand all the same; the first 20")
    ends: EndsOut
    no_number: int = Field(description="of `to_dr`: DIDs whose callers would reach no person's number")
    no_number_dids: list[NoNumberOut] = Field(description="the first 100 of them, critical ones first")
    never_diverted: list[NeverOut]
    calls: CallsNowOut | None = Field(description="null: the journal cannot be read")
    second_person: bool = Field(description="whether the order will wait for a second person")
    precedence: str = Field(description="whose word counts, in words")
    sentences: list[str] = Field(description="all of this in words")
