"""[[notify]] with `type = "webhook"`: an address that takes signed JSON."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ringfence.channels.channel_settings import CaFile, ChannelSettings
from ringfence.domain.web_address import why_not_address


class WebhookSettings(ChannelSettings):
    """[[notify]] type "webhook": signed JSON to an address of yours."""

    type: Literal["webhook"]
    url: str = Field(description="https:// address that takes the POST; http only to this machine itself")
    ca_file: CaFile = None
    deadline_seconds: float = Field(15, ge=0.1, le=60, description="for one attempt in all")

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if (fault := why_not_address(self.url, "what happens here")) is not None:
            raise ValueError(f"url: {fault}")
        return self
