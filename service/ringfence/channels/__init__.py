"""Ways by which people are told: one file each, all behind `app.notify.ports.Channel`. A channel's libraries are
imported with the channel, so that they cost nothing where none of its kind is configured.

A new kind needs its file with its settings, its line in `OPENERS`, and its settings in `config.notify_settings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from ringfence.app.notify.ports import Channel, ChannelUnavailable
from ringfence.domain.notice import Notice


def open_channel(settings: Any, secret: str, node: str) -> Channel:
    """The channel that these settings describe; nothing is connected yet. `secret`: its key, password or addresses,
    empty where there is none. `node`: this node's name, which every message carries. Raises ChannelUnavailable for one
    that cannot work as it is set up."""
    return OPENERS[settings.type](settings, secret, node)


class ClosedChannel:
    """Stands for a channel that cannot be opened: what it is to tell waits, and says why."""

    def __init__(self, fault: ChannelUnavailable) -> None:
        self._fault = fault

    @property
    def why(self) -> str:
        return str(self._fault)

    async def send(self, notice: Notice, delivery_id: str) -> str:
        raise ChannelUnavailable(self._fault.message, self._fault.fix)

    async def close(self) -> None:
        return None


def _webhook(settings: Any, secret: str, node: str) -> Channel:
    from ringfence.channels.webhook import WebhookChannel

    return WebhookChannel(settings, secret, node)


def _email(settings: Any, secret: str, node: str) -> Channel:
    from ringfence.channels.email import EmailChannel

    return EmailChannel(settings, secret, node)


def _apprise(settings: Any, secret: str, node: str) -> Channel:
    from ringfence.channels.apprise import AppriseChannel

    return AppriseChannel(settings, secret, node)


OPENERS: Final[Mapping[str, Callable[[Any, str, str], Channel]]] = MappingProxyType(
    {"webhook": _webhook, "email": _email, "apprise": _apprise}
)
"""Type in the configuration -> what opens it."""
