"""[[notify]] with `type = "email"`: mail through the organisation's own SMTP server."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ringfence.channels.channel_settings import CaFile, ChannelSettings
from ringfence.domain.loopback import is_loopback

_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


def is_address(text: str) -> bool:
    """Whether a mail can be sent there: a name, an at sign, a host; no spaces, no display name."""
    return len(text) <= 254 and text.isprintable() and _ADDRESS.fullmatch(text) is not None


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError(f"{text[:64]!r} is no mail address; write the address alone, as desk@example.org")
    return text


MailAddress = Annotated[str, AfterValidator(_address)]


class EmailSettings(ChannelSettings):
    """[[notify]] type "email": plain mail."""

    type: Literal["email"]
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$", description="name or address of the SMTP server")
    port: int = Field(587, ge=1, le=65_535, description="its port: 587 for starttls, 465 for tls")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`tls` from the first byte; `none` only on this machine itself"
    )
    user: str = Field("", description="name to sign in with; empty: without. The password is a secret of its own")
    sender: MailAddress = Field(description="address that mails come from")
    to: list[MailAddress] = Field([], max_length=50, description="addresses that mails go to")
    ca_file: CaFile = None
    deadline_seconds: float = Field(30, ge=0.1, le=60, description="for each answer of the server")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security: mails and the password would cross the network in clear; use starttls or tls")
        if not self.user.isprintable():
            raise ValueError("user: holds a control character")
        return self
