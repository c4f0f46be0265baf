"""[[notify]] with `type = "apprise"`: whatever apprise speaks to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ringfence.channels.channel_settings import ChannelSettings


class AppriseSettings(ChannelSettings):
    """[[notify]] type "apprise": services that apprise knows. Their addresses hold tokens, so they are a secret."""

    type: Literal["apprise"]
    deadline_seconds: float = Field(30, ge=0.1, le=60, description="for all services of this route together")
