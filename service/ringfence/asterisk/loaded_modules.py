"""Which modules Asterisk has loaded, asked of AMI one by one: a list of all takes a right that we do not want."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringfence.app.ports import AsteriskLoginRefused
from ringfence.asterisk.ami_link import AmiLink

NOT_LOADED: Final = "not loaded"


class LoadedModules:
    """Implements `app.module_watch.Modules`."""

    def __init__(self, link: AmiLink, needed: Iterable[str]) -> None:
        self._link = link
        self._needed = tuple(needed)

    async def missing(self) -> frozenset[str] | None:
        """Some 40 small questions. None where the AMI user may not ask."""
        found = set()
        try:
            for module in self._needed:
                reply = await self._link.ask("ModuleCheck", {"Module": module})
                if not reply.success and NOT_LOADED in reply.message.lower():
                    found.add(module)
        except AsteriskLoginRefused:
            return None
        return frozenset(found)
