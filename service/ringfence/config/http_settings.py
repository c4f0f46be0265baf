"""[http]: where the API and the pages are served, and who ends TLS."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from yarl import URL

from ringfence.domain.loopback import is_loopback
from ringfence.domain.web_address import why_not_address


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError(f"{text[:64]!r} is no address and no network such as 192.0.2.0/28") from None


def _public_url(text: str) -> str:
    if not text:
        return text
    if (fault := why_not_address(text, "what signs people in")) is not None:
        raise ValueError(fault)
    url = URL(text)
    if url.query or url.path != "/":
        raise ValueError("write https://host, with a port if it is not 443, and nothing behind it")
    return str(url.origin())


class HttpSettings(BaseModel):
    """[http]: the HTTP API and the pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="whether the HTTP API listens at all; the local socket always does")
    host: str = Field(
        "127.0.0.1", description="address to listen on; anything but loopback needs `certificate` or `trusted_proxies`"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8090, description="port to listen on")
    certificate: Path | None = Field(
        None, description="PEM file with our certificate, then those that lead to its CA; a renewed one is taken up"
    )
    private_key: Path | None = Field(None, description="PEM file with its key, without a passphrase")
    trusted_proxies: list[Annotated[str, AfterValidator(_network)]] = Field(
        [], description="addresses or networks of the reverse proxies that end TLS and say who asked"
    )
    metrics_from: list[Annotated[str, AfterValidator(_network)]] = Field(
        [], description="addresses or networks that read /metrics without a token, besides this machine"
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "", description="where browsers reach us, as https://ringfence.example.org; needed for [[sign_in]]"
    )

    @property
    def public_host(self) -> str:
        """The host of `public_url`, empty where there is none."""
        return (URL(self.public_url).host or "") if self.public_url else ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and private_key belong together: give both or none")
        if self.enabled and not is_loopback(self.host) and self.certificate is None and not self.trusted_proxies:
            raise ValueError(
                f"host: {self.host} is not loopback, and tokens and passwords would cross the network in clear; give "
                "certificate and private_key, or name in trusted_proxies the proxy that ends TLS, or set 127.0.0.1"
            )
        return self
