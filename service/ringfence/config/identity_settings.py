"""Who a diverted call says it is, as part of [[egress_trunk]]: carriers differ in which identities they let through."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ringfence.asterisk.site import IDENTITY_REFUSALS, Identity
from ringfence.config.words import E164, Table
from ringfence.domain.identities import Rung

RefusalStatus = Annotated[int, Field(ge=400, le=699)]


class IdentitySettings(Table):
    """The ladder of identities. What a trunk refuses, the dialplan learns by itself."""

    identity: Literal["caller", "did", "trunk"] = Field(
        "caller",
        description="identity calls begin with: `caller` shows the caller's number, `did` ours, `trunk` the trunk's",
    )
    trunk_number: E164 | None = Field(None, description="number the carrier knows the trunk by, for the lowest rung")
    identity_domain: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9.-]{0,250})?$",
        description="domain behind the @ of From, P-Asserted-Identity and Diversion; default: none of our own",
    )
    identity_rejected: list[RefusalStatus] = Field(
        list(IDENTITY_REFUSALS), description="SIP statuses before ringing that mean: not with this identity"
    )
    identity_retry_hours: int = Field(
        24, ge=1, le=8760, description="hours until an identity that was refused is tried again"
    )

    @model_validator(mode="after")
    def _lowest_rung_has_a_number(self) -> Self:
        if self.identity == "trunk" and self.trunk_number is None:
            raise ValueError('identity = "trunk" needs trunk_number')
        return self

    def ladder(self) -> Identity:
        return Identity(
            first=Rung(self.identity),
            trunk_number=self.trunk_number or "",
            domain=self.identity_domain,
            refused_statuses=tuple(dict.fromkeys(self.identity_rejected)),
            retry_seconds=self.identity_retry_hours * 3600,
        )
