"""[[notify]] with `type = "webhook"`: an address that takes signed JSON."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from yarl import URL

from ringfence.channels.channel_settings import CaFile, ChannelSettings
from ringfence.domain.loopback import is_loopback


class WebhookSettings(ChannelSettings):
    """[[notify]] type "webhook": signed JSON to an address of yours."""

    type: Literal["webhook"]
    url: str = Field(description="https:// address that takes the POST; http only to this machine itself")
    ca_file: CaFile = None
    deadline_seconds: float = Field(15, ge=0.1, le=60, description="for one attempt in all")

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        try:
            url = URL(self.url)
            host = url.host
        except ValueError:
            raise ValueError("url: is no address; write https://host/path") from None
        if url.scheme not in ("https", "http") or not host:
            raise ValueError("url: write https://host/path")
        if url.user or url.password or url.fragment:
            raise ValueError("url: holds a user, a password or a fragment; a receiver believes our signature instead")
        if url.scheme == "http" and not is_loopback(host):
            raise ValueError("url: what happens here would cross the network in clear; write https://")
        return self
