"""How Ringfence itself asks a target whether it is there, besides one OPTIONS over UDP: the settings whose names begin
with `probe_`, the same for a platform, a trunk and a control target."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _page(text: str) -> str:
    if text:
        parts = urlsplit(text)
        if parts.username is not None or parts.password is not None:
            raise ValueError("it holds a user or a password; a page that needs one is no sign of life")
        try:
            port = parts.port
        except ValueError:
            raise ValueError("its port is not between 0 and 65535") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ValueError(f"{text!r} is no http:// or https:// address")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError("it holds a space or a character that is not ASCII")
    return text


PageAddress = Annotated[str, AfterValidator(_page)]
ProbePort = Annotated[int, Field(ge=1, le=65535)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProbeTlsSettings(_Table):
    """[platform.probe_tls]: TLS to it, where the probes speak TLS."""

    ca_file: Path | None = Field(None, description="PEM file with the CA of its certificate; else the system's CAs")
    server_name: str = Field(
        "", pattern=r"^[A-Za-z0-9.:-]{0,253}$", description="the name its certificate has to hold; default the host's"
    )
    certificate: Path | None = Field(None, description="our own certificate, PEM, where it wants one")
    private_key: Path | None = Field(None, description="its key; readable by the service alone")
    expiry_days: int = Field(
        14, ge=1, le=90, description="a certificate that ends within so many days degrades it, and is told"
    )
    asterisk_verifies: bool = Field(
        False,
        description="whether Asterisk's own TLS transport verifies it, too (`verify_server=yes`): then what does not "
        "verify is a miss, for no call gets through either",
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.private_key is not None and self.certificate is None:
            raise ValueError("private_key without certificate: give both, or none")
        return self


class ProbeHttpSettings(_Table):
    """[platform.probe_http]: a page of it that is asked for. Weak evidence: it degrades, and decides nothing."""

    url: PageAddress = Field("", description="http:// or https:// address; empty: none is asked for")
    status: int = Field(200, ge=200, le=599, description="the status that is right; redirections are not followed")
    text: str = Field("", max_length=200, description="what the first 64 KiB have to hold; empty: anything")


class ProbeRegisterSettings(_Table):
    """[platform.probe_register]: an account that is shown to its registrar, without a contact: no binding is made."""

    user: str = Field(
        "", pattern=r"^[A-Za-z0-9_.+-]{0,64}$", description="user of a test account; empty: the registrar is not asked"
    )
    password_file: Path | None = Field(None, description="file with its password; readable by the service alone")
    domain: str = Field(
        "", pattern=r"^[A-Za-z0-9.-]{0,253}$", description="the account's part behind the @; default the host"
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user and password_file belong together: give both or none")
        return self


class AskedSettings(_Table):
    """What every target may be asked by."""

    probe_transport: Literal["udp", "tcp", "tls"] = Field(
        "udp", description="what our own SIP goes over; calls go over what Asterisk's endpoint says"
    )
    probe_port: ProbePort | None = Field(None, description="port our own SIP goes to; default that of host_port")
    probe_tcp_port: ProbePort | None = Field(
        None, description="port that has to take TCP connections; weak evidence: it degrades, and decides nothing"
    )
    probe_tls: ProbeTlsSettings = ProbeTlsSettings()
    probe_http: ProbeHttpSettings = ProbeHttpSettings()


def why_not_asked(asked: AskedSettings) -> str:
    """The first of these settings that needs an address; empty: none is there."""
    needing = {
        "probe_transport": asked.probe_transport != "udp",
        "probe_port": asked.probe_port is not None,
        "probe_tcp_port": asked.probe_tcp_port is not None,
    }
    return next((name for name, is_there in needing.items() if is_there), "")
