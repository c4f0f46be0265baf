"""The kinds of value a setting may be, and what every table of settings has in common."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ringfence.config.asked_settings import AskedSettings
from ringfence.domain.numbers import NumberError, classify, is_country


def _country(text: str) -> str:
    if not is_country(text):
        raise ValueError(f"{text!r} is not a two-letter country such as GB")
    return text


def _e164(text: str) -> str:
    try:
        return classify(text).e164
    except NumberError as error:
        raise ValueError(str(error)) from error


def _host_port(text: str) -> str:
    port = int(text.rpartition(":")[2])
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not between 1 and 65535")
    return text


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
HostPort = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}:[0-9]{1,5}$"), AfterValidator(_host_port)]
Country = Annotated[str, AfterValidator(_country)]
E164 = Annotated[str, AfterValidator(_e164)]
Prefix = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,13}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


RegistrationName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]{0,100}$")]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Probed(AskedSettings, Table):
    host_port: HostPort = Field(description="address and SIP port, host:port")
    profile: Literal["lan", "wan"] = Field("lan", description="how hard it is probed: `lan` same building, `wan` far")
    probe: bool = Field(True, description="whether Ringfence sends its own SIP OPTIONS")


class FarEnd(Probed):
    """What calls are dialled to: a platform, an egress trunk."""

    name: Name
    endpoint: str = Field("", description="your own PJSIP endpoint; default ringfence-<name>, written by `init`")
    qualify_endpoint: str = Field(
        "", description="endpoint whose AOR is qualified for evidence; default <endpoint>_qualify"
    )

    @property
    def dial_endpoint(self) -> str:
        return self.endpoint or f"ringfence-{self.name}"

    @property
    def evidence_endpoint(self) -> str:
        return self.qualify_endpoint or f"{self.dial_endpoint}_qualify"
