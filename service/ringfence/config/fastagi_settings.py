"""[fastagi]: the door for dialplans that ask over FastAGI."""

from __future__ import annotations

from ipaddress import IPv4Network

from pydantic import Field

from ringfence.config.words import Port, Table


class FastAgiTable(Table):
    """[fastagi]: the decision of one call, for dialplans that ask over FastAGI."""

    enabled: bool = Field(False, description="whether it is open; no call needs it")
    port: Port = Field(4573, description="its TCP port")
    allowed: list[IPv4Network] = Field(
        [IPv4Network("127.0.0.0/8")],
        min_length=1,
        description="who may ask; with anything but loopback it listens on all addresses",
    )
