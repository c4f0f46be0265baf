"""Who is let in, as JSON. No secret but a new key, once."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from ringfence.app.access.break_glass import SealedView
from ringfence.app.access.keys import MAX_LIFETIME, MAX_NAME_CHARACTERS
from ringfence.app.access.ports import KeyRow, SessionRow
from ringfence.domain.access import Permission, Role, SignedInBy

DEFAULT_DAYS: Final = 90

KeyId = Annotated[str, Field(description="the key's id: what stands between its first two underscores")]


class PermissionOut(BaseModel):
    """One permission, in words too."""

    permission: Permission
    words: str


class MeOut(BaseModel):
    """Whoever asks."""

    name: str = Field(description="whom the history shows", examples=["ada@example.org"])
    by: SignedInBy = Field(description="how they proved who they are")
    roles: list[Role] = Field(description="empty for a key, the token and the local socket")
    permissions: list[PermissionOut]
    person: str | None = Field(description="under which key the directory knows them; null: it does not")
    session: str = Field(description="the session's id; empty where there is none")


class KeyOut(BaseModel):
    """One API key. What of it is secret is not kept."""

    id: KeyId
    name: str = Field(description="what it is for", examples=["monitoring"])
    permissions: list[Permission]
    made: datetime
    made_by: str
    expires: datetime
    used: datetime | None = Field(description="when it was last used; null: never")
    revoked: datetime | None = Field(description="null: not revoked")
    revoked_by: str
    valid: bool = Field(description="neither revoked nor expired")


class KeysOut(BaseModel):
    """Newest first, with those that are no longer valid."""

    keys: list[KeyOut]
    in_all: int = Field(description="how many there are, beyond `limit` too")


class KeyOrder(BaseModel):
    """What key to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "monitoring", "permissions": ["see"], "days": 90}]},
    )

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="what it is for; one line")]
    permissions: Annotated[
        list[Permission],
        Field(
            min_length=1,
            max_length=len(Permission),
            description="what it may do; no more than you may, and not `own`",
        ),
    ]
    days: Annotated[StrictInt, Field(ge=1, le=MAX_LIFETIME.days)] = DEFAULT_DAYS


class KeyMade(BaseModel):
    """The key, shown this once."""

    key: KeyOut
    token: str = Field(description="send it as `Authorization: Bearer <token>`; it cannot be shown again")


class SessionOut(BaseModel):
    """One sign-in that is not over."""

    id: str
    name: str
    roles: list[Role]
    by: SignedInBy
    person: str | None
    begun: datetime
    seen: datetime = Field(description="last use")
    until: datetime = Field(description="when it ends however much it is used")


class SessionsOut(BaseModel):
    """Newest first."""

    sessions: list[SessionOut]
    in_all: int = Field(description="how many there are, beyond `limit` too")


class SessionsEnded(BaseModel):
    """What was revoked."""

    ended: int


class SealedOut(BaseModel):
    """One break-glass account."""

    name: str = Field(examples=["break-glass-1"])
    renewed: datetime | None = Field(description="since when its password is this one, as far as we have seen")
    used: datetime | None = Field(description="when it last signed in; null: never")
    locked_seconds: int = Field(description="how much longer it is locked after wrong passwords; 0: it is not")


class SealedAccountsOut(BaseModel):
    """By name. Empty where they are switched off."""

    accounts: list[SealedOut]


class RenewedOut(BaseModel):
    """The accounts that have another password than before; their sessions are over."""

    renewed: list[str]


def key_out(row: KeyRow, now: datetime) -> KeyOut:
    return KeyOut(
        id=row.id,
        name=row.name,
        permissions=sorted(row.permissions),
        made=row.made,
        made_by=row.made_by,
        expires=row.expires,
        used=row.used,
        revoked=row.revoked,
        revoked_by=row.revoked_by,
        valid=row.revoked is None and now < row.expires,
    )


def session_out(row: SessionRow) -> SessionOut:
    return SessionOut(
        id=row.id,
        name=row.name,
        roles=sorted(row.roles),
        by=row.by,
        person=row.person,
        begun=row.begun,
        seen=row.seen,
        until=row.until,
    )


def sealed_out(view: SealedView) -> SealedOut:
    return SealedOut(name=view.name, renewed=view.renewed, used=view.used, locked_seconds=round(view.locked_seconds))
