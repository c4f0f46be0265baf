"""What the event stream said lately of the platform's legs, and of calls whose leg the site's own dialplan dials, by
channel id; bounded."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

REMEMBERED_LEGS: Final = 4096


class LegMemory:
    """The legs known to ring or play something (`in`), and which of them were told as put through."""

    def __init__(self, limit: int = REMEMBERED_LEGS) -> None:
        self._limit = limit
        self._told: OrderedDict[str, bool] = OrderedDict()
        self._handed: OrderedDict[str, str] = OrderedDict()

    def __contains__(self, channel_id: object) -> bool:
        return channel_id in self._told

    def heard(self, channel_id: str) -> None:
        """This leg plays something. That is no word of its being put through."""
        self._keep(channel_id, self._told.get(channel_id, False))

    def first(self, channel_id: str) -> bool:
        """Whether this leg was not told as put through yet; it is from now on."""
        if self._told.get(channel_id, False):
            return False
        self._keep(channel_id, True)
        return True

    def handed(self, caller_id: str, did: str) -> None:
        """The site's own dialplan dials the platform for this caller's channel."""
        self._handed[caller_id] = did
        if len(self._handed) > self._limit:
            self._handed.popitem(last=False)

    def did_of(self, caller_id: str) -> str | None:
        """The DID of a call that was handed over; None: it was not, or too long ago."""
        return self._handed.get(caller_id)

    def _keep(self, channel_id: str, told: bool) -> None:
        self._told[channel_id] = told
        if len(self._told) > self._limit:
            self._told.popitem(last=False)
