"""The telephone systems that normally take the calls."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ringfence.config.asked_settings import ProbeRegisterSettings
from ringfence.config.words import FarEnd, Name, Prefix
from ringfence.domain.outage import FailbackPolicy


class PlatformSettings(FarEnd):
    """[[platform]]: a primary platform; its name is the scope that fails over as one."""

    name: Name = Field(description="scope name: small letters, digits, underscore")
    number_format: Literal["as-received", "e164", "plain", "00", "national"] = Field(
        "as-received", description="how the platform wants the called number"
    )
    ring_seconds: float = Field(120, ge=5, le=600, description="how long the platform may ring a person, seconds")
    no_progress_seconds: float = Field(8.0, ge=0.5, le=60, description="silence after which a call is diverted inline")
    rescue: bool = Field(True, description="whether callers in mid-call go on by their plan when the platform dies")
    rescue_silence_seconds: float = Field(
        3.0, ge=1, le=60, description="no audio for so long from a platform that is down: the call is dead"
    )
    rescue_held_seconds: float = Field(
        60.0, ge=5, le=3600, description="the same where the platform had put the caller on hold"
    )
    outbound_site: str = Field(
        "", description="the [[outbound_site]] by which the platform's own calls go out through us; empty: they do not"
    )
    failback: FailbackPolicy = Field(FailbackPolicy.AUTOMATIC, description="`automatic` or `manual`")
    hold_down_seconds: float = Field(120, ge=1, le=86_400, description="how long it must stay healthy before the trial")
    max_hold_down_seconds: float = Field(3600, ge=1, le=604_800, description="limit of the doubled hold-down")
    trial_one_in: int = Field(5, ge=1, le=100, description="in a trial, one call in so many goes to the platform")
    trial_calls: int = Field(5, ge=1, le=1000, description="calls put through in a row that end a trial well")
    trial_failures: int = Field(2, ge=1, le=100, description="failed calls in a row that end a trial badly")
    refusing_dids: int = Field(10, ge=3, le=1000, description="different owned DIDs whose calls fail: an outage")
    refusing_callers: int = Field(3, ge=1, le=100, description="different callers among those failed calls")
    refusing_window_seconds: float = Field(120, ge=5, le=3600, description="within this time")
    probe_register: ProbeRegisterSettings = ProbeRegisterSettings()
    ranges: list[Prefix] = Field(
        [], max_length=100, description="beginnings (E.164) of numbers it takes, in dids.csv or not: no divert's target"
    )
