"""One connection to an SFTP server: whom we trust, as whom we sign in, and what its errors mean.

Nothing of the account the service runs under is used: no agent, no keys of its own, no SSH configuration. A host key is
believed when the file of known hosts has it, and there is no way to have it accepted otherwise.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from posixpath import normpath
from stat import S_IWGRP, S_IWOTH
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import Field, model_validator

from ringfence.app.hr.ports import SourceError, SourceUnavailable
from ringfence.hr.file_settings import FileSettings
from ringfence.hr.secret_file import secret_bytes, secret_line

if TYPE_CHECKING:
    import asyncssh

MAX_KNOWN_HOSTS_BYTES: Final = 1 << 20
ALIVE_SECONDS: Final = 10


class SftpSettings(FileSettings):
    """[[hr_source]] of type sftp: files that are fetched from a server by SFTP."""

    type: Literal["sftp"]
    host: str = Field(min_length=1, description="the SFTP server's name or address")
    port: int = Field(22, ge=1, le=65535, description="its port")
    user: str = Field(min_length=1, description="the account's name there")
    known_hosts: Path = Field(description="file with the server's host key, as `ssh-keyscan` writes it")
    key_file: Path | None = Field(None, description="private key without a passphrase; nobody else may read the file")
    password_file: Path | None = Field(None, description="file with the password, where no key can be used")
    path: str = Field(".", description="the folder on the server")
    after: Literal["archive", "leave"] = Field(
        "archive", description="what becomes of a file that was read: moved on the server, or left alone"
    )
    archive_path: str = Field("", description="folder on the server for read files; empty is `archive` in `path`")
    connect_seconds: float = Field(15, ge=1, le=300, description="how long signing in may take")
    transfer_seconds: float = Field(300, ge=1, le=3_600, description="how long fetching a file may take")

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if (self.key_file is None) == (self.password_file is None):
            raise ValueError("give either key_file or password_file")
        if normpath(self.path) in (normpath(self.archive), normpath(self.refused)):
            raise ValueError("archive_path: read files must not go where new ones are looked for")
        return self

    @property
    def archive(self) -> str:
        return self.archive_path or f"{self.path}/archive"

    @property
    def refused(self) -> str:
        parent = self.archive.rstrip("/").rpartition("/")[0]
        return f"{parent}/refused" if parent or self.archive.startswith("/") else "refused"

    @property
    def address(self) -> str:
        """For people."""
        return f"{self.host}:{self.port}"


@asynccontextmanager
async def connected(settings: SftpSettings, seconds: float) -> AsyncIterator[asyncssh.SFTPClient]:
    """A signed-in client, for so many seconds at most. Raises SourceError, SourceUnavailable; what goes wrong while it
    is used is told in the same way."""
    import asyncssh  # takes 0.4 s to load, and only who has such a source needs it

    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it tells of every connection, ten lines each
    options = await asyncio.to_thread(_options, settings)
    try:
        async with (
            asyncio.timeout(settings.connect_seconds + seconds),
            asyncssh.connect(settings.host, settings.port, **options) as connection,
            # One name that is not UTF-8 must not make the whole folder unreadable; `_look` passes it over.
            connection.start_sftp_client(path_errors="surrogateescape") as client,
        ):
            yield client
    except TimeoutError:
        raise SourceUnavailable(
            f"{settings.address} did not do what was asked within {settings.connect_seconds + seconds:g} s.",
            "It is tried again; look at the server and the network.",
        ) from None
    except asyncssh.HostKeyNotVerifiable:
        raise SourceError(
            f"The host key of {settings.address} is not the one in {settings.known_hosts}: nothing was sent to it.",
            "Ask whoever keeps the server whether its key was changed, and only then put the new one into the file.",
        ) from None
    except asyncssh.KeyExchangeFailed as error:
        raise SourceError(
            f"{settings.address} and Ringfence agree on no way to speak ({error.reason}).",
            f"Put another of its host keys into {settings.known_hosts}, or bring the server up to date.",
        ) from None
    except asyncssh.PermissionDenied:
        raise SourceError(
            f"{settings.address} does not let {settings.user!r} in.", "Correct the user, its key or its password."
        ) from None
    except asyncssh.SFTPError as error:
        raise SourceUnavailable(
            f"{settings.address}: {settings.path}: {error.reason or type(error).__name__}.",
            "Correct the path, or let the account read and move files there.",
        ) from None
    except (asyncssh.Error, OSError) as error:
        reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or type(error).__name__
        raise SourceUnavailable(
            f"{settings.address} cannot be reached: {reason}.", "It is tried again; look at the server and the network."
        ) from None


def _options(settings: SftpSettings) -> dict[str, Any]:
    import asyncssh

    what = f"hr_source {settings.name!r}"
    credentials: dict[str, Any] = {"client_keys": None}
    if settings.key_file is not None:
        try:
            key = asyncssh.import_private_key(secret_bytes(settings.key_file, f"{what}: key_file"))
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise SourceError(
                f"{what}: {settings.key_file} is no private key without a passphrase.",
                "Make one with `ssh-keygen -t ed25519 -N ''`.",
            ) from None
        credentials = {"client_keys": [key]}
    elif settings.password_file is not None:
        credentials["password"] = secret_line(settings.password_file, f"{what}: password_file")
    return {
        **credentials,
        "username": settings.user,
        "known_hosts": _known_hosts(settings.known_hosts, what),
        "config": None,
        "agent_path": None,
        "gss_host": None,
        "x509_trusted_certs": None,
        "connect_timeout": settings.connect_seconds,
        "login_timeout": settings.connect_seconds,
        "keepalive_interval": ALIVE_SECONDS,
        "keepalive_count_max": 3,
    }


def _known_hosts(path: Path, what: str) -> asyncssh.SSHKnownHosts:
    import asyncssh

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(MAX_KNOWN_HOSTS_BYTES).decode()
        hosts = asyncssh.import_known_hosts(text)
    except (OSError, ValueError, asyncssh.KeyImportError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        raise SourceError(
            f"{what}: known_hosts: {path} cannot be used: {reason}.",
            "Write the server's host key into it, after comparing it with its keeper.",
        ) from None
    if mode & (S_IWGRP | S_IWOTH):
        raise SourceError(f"{what}: known_hosts: others may change {path}.", f"Run `chmod 644 {path}`.")
    return hosts
