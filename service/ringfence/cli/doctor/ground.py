"""What the checks stand on: the configuration, and the connections the first of them have opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ringfence.asterisk.ami import AmiSession, Reply
from ringfence.asterisk.ari import AriClient
from ringfence.config import Secrets, Settings


class Need(StrEnum):
    """What a check cannot do without; the value is how people call it."""

    SETTINGS = "the configuration"
    SECRETS = "the secrets"
    AMI = "AMI"
    ARI = "ARI"


@dataclass(slots=True)
class Ground:
    """Filled by the first checks, used by the later ones.

    `console`: the command line that starts Asterisk's console, without `-rx`; empty when there is none on this machine.
    """

    config_path: Path
    console: tuple[str, ...] = ()
    host_name: str = ""
    """Whose address is looked up; the machine's own when empty."""
    settings_read: Settings | None = None
    secrets_read: Secrets | None = None
    ami_session: AmiSession | None = None
    ari_client: AriClient | None = None
    daemon_status: Mapping[str, Any] | None = None
    """What the running daemon says of itself (`/v1/status`)."""
    clock_command: tuple[str, ...] = ("timedatectl", "show", "--property=NTPSynchronized", "--value")
    """Prints `yes` where the clock is synchronised, `no` where it is not."""
    dids: list[str] | None = None
    """Those that AstDB holds, once they have been read."""
    lost: dict[Need, str] = field(default_factory=dict)
    """Connections that broke on the way, with why: nobody waits for them a second time."""

    @property
    def settings(self) -> Settings:
        assert self.settings_read is not None
        return self.settings_read

    @property
    def secrets(self) -> Secrets:
        assert self.secrets_read is not None
        return self.secrets_read

    @property
    def ami(self) -> AmiSession:
        assert self.ami_session is not None
        return self.ami_session

    @property
    def ari(self) -> AriClient:
        assert self.ari_client is not None
        return self.ari_client

    @property
    def asterisk_etc(self) -> Path:
        """Asterisk's own folder of configuration."""
        return self.settings.asterisk_conf_dir.parent

    def missing(self, needs: frozenset[Need]) -> Need | None:
        """The first thing a check needs and does not have."""
        have = {
            Need.SETTINGS: self.settings_read,
            Need.SECRETS: self.secrets_read,
            Need.AMI: self.ami_session,
            Need.ARI: self.ari_client,
        }
        return next((need for need in Need if need in needs and (have[need] is None or need in self.lost)), None)

    async def close(self) -> None:
        """Gives back what the checks have opened."""
        if self.ami_session is not None:
            self.ami_session.close()
        if self.ari_client is not None:
            await self.ari_client.__aexit__(None, None, None)


async def variable(ami: AmiSession, expression: str) -> str:
    """A global variable, or a dialplan function that only reads; empty when there is no such thing.

    May raise AsteriskError.
    """
    sent = ami.send("Getvar", {"Variable": expression})
    await ami.answers([sent])
    answer = sent.answer.result()
    message = answer[0] if isinstance(answer, list) else answer
    return str(message.get("value", ""))


async def ask(ami: AmiSession, action: str, fields: Mapping[str, str]) -> Reply:
    """One action. May raise AsteriskError."""
    return await ami.ask(action, fields)
