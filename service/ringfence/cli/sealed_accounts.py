"""The break-glass accounts on this machine: made by `init`, renewed by a command. Their passwords are shown once; what
is kept of them is a hash that takes long to try, in a file that only its owner reads."""

from __future__ import annotations

import grp
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.cli.new_files import NewFile, WriteFault, replace_all

LIKE: Final = "http_token"
"""The secret beside it whose owner the file gets where the group below is missing: the service has to read both."""
SERVICE_GROUP: Final = "ringfence"
"""Made by the package. systemd hands the daemon its other secrets; this file it reads anew at each sign-in."""


class CannotRenew(Exception):
    """`lines` are for people."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


@dataclass(frozen=True, slots=True)
class FirstAccounts:
    """`file` holds hashes; `passwords` are to be shown and forgotten."""

    file: NewFile
    passwords: Mapping[str, str]


def place_beside(config: Path) -> Path:
    from ringfence.bootstrap.sealed_file import place_beside as place

    return place(config)


def first_accounts(config: Path) -> FirstAccounts:
    """Both accounts of a new installation. Writes nothing."""
    from ringfence.app.access.tokens import new_password, typed
    from ringfence.bootstrap.passwords import hashed
    from ringfence.bootstrap.sealed_file import ACCOUNTS, rendered

    passwords = {name: new_password() for name in ACCOUNTS}
    text = rendered({name: hashed(typed(password)) for name, password in passwords.items()})
    return FirstAccounts(NewFile(place_beside(config), text, secret=True, readers=_service_group()), passwords)


def renew(name: str, config: Path) -> str:
    """Writes the hash of a new password; gives the password. Raises CannotRenew."""
    from ringfence.app.access.ports import SealedAccountsFault
    from ringfence.app.access.tokens import new_password, typed
    from ringfence.bootstrap.passwords import hashed
    from ringfence.bootstrap.sealed_file import ACCOUNTS, read, rendered

    if name not in ACCOUNTS:
        raise CannotRenew(f"{name!r} is no break-glass account.", f"There are {' and '.join(ACCOUNTS)}.")
    path, hashes = place_beside(config), dict[str, str]()
    if os.path.lexists(path):
        try:
            hashes = read(path)
        except SealedAccountsFault as fault:
            raise CannotRenew(fault.message, "Run it with sudo, or as the service's own account.") from None
    elif not config.exists():
        raise CannotRenew(f"{config}: there is no such file.", "Give the configuration with `ringfence --config`.")
    password, new = new_password(), not os.path.lexists(path)
    hashes[name] = hashed(typed(password))
    try:
        replace_all([NewFile(path, rendered(hashes), secret=True, readers=_service_group())])
    except WriteFault as fault:
        raise CannotRenew(str(fault), "Run it with sudo, or as the service's own account.") from None
    if new and _service_group() is None:
        with suppress(OSError):
            like = (config.parent / LIKE).stat()
            os.chown(path, like.st_uid, like.st_gid)
    return password


def envelope_lines(passwords: Mapping[str, str]) -> list[str]:
    """What to do with them."""
    return [
        "Shown this once, and kept nowhere:",
        *(f"  {name}  {password}" for name, password in passwords.items()),
        "Write each on paper, seal it in an envelope of its own, and put them where two people have to know of it.",
        "Whoever uses one is let in with everything, and everybody who is to be told is told.",
    ]


def _service_group() -> int | None:
    try:
        return grp.getgrnam(SERVICE_GROUP).gr_gid
    except KeyError:
        return None
