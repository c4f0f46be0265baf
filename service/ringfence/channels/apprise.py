"""Notices through apprise, which speaks to some hundred services. An extra: `pip install ringfence[apprise]`."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final

from ringfence.app.notify.ports import ChannelRefused, ChannelUnavailable
from ringfence.channels.apprise_settings import AppriseSettings
from ringfence.domain.notice import Notice, Severity

MAX_REMEMBERED: Final = 1_000  # deliveries that some services have and others do not
_TYPES: Final = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}


class AppriseChannel:
    """Implements `notify.ports.Channel`. `secret` has one apprise address a line."""

    def __init__(self, settings: AppriseSettings, secret: str, node: str) -> None:
        """Raises ChannelUnavailable without the extra, or without an address that apprise can read."""
        try:
            import apprise
        except ModuleNotFoundError:
            raise ChannelUnavailable(
                f"notify {settings.name!r} needs apprise, which is not installed.",
                "Run `pip install ringfence[apprise]`, and restart.",
            ) from None
        self._settings = settings
        self._node = node
        self._services: list[Any] = []
        self._types = apprise.NotifyType
        self._done: OrderedDict[str, set[int]] = OrderedDict()
        lines = [line.strip() for line in secret.splitlines()]
        for number, line in enumerate(lines, 1):
            if not line or line.startswith("#"):
                continue
            service = apprise.Apprise.instantiate(line, suppress_exceptions=True)
            if service is None:
                raise ChannelUnavailable(
                    f"notify {settings.name!r}: apprise cannot read the address in line {number}.",
                    f"Correct notify_{settings.name}_secret, and restart.",
                )
            self._services.append(service)
        if not self._services:
            raise ChannelUnavailable(
                f"notify {settings.name!r} has no addresses.",
                f"Write one apprise address a line to notify_{settings.name}_secret beside the configuration.",
            )

    async def send(self, notice: Notice, delivery_id: str) -> str:
        """A service that has it is not told again when another one failed; not after a restart, though: apprise has no
        way to say that it is a repetition."""
        done = self._done.setdefault(delivery_id, set())
        while len(self._done) > MAX_REMEMBERED:
            self._done.popitem(last=False)
        waiting = [number for number in range(len(self._services)) if number not in done]
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                taken = await asyncio.gather(*(self._tell(self._services[number], notice) for number in waiting))
        except TimeoutError:
            raise ChannelUnavailable(
                f"The services took longer than {self._settings.deadline_seconds:g} s.", "It is tried again."
            ) from None
        done |= {number for number, good in zip(waiting, taken, strict=True) if good}
        if len(done) < len(self._services):
            missing = len(self._services) - len(done)
            raise ChannelUnavailable(
                f"{missing} of {len(self._services)} services did not take it.",
                "apprise gives no reason; try the address with its own command line.",
            )
        self._done.pop(delivery_id, None)
        return f"taken by all {len(self._services)} services"

    async def close(self) -> None:
        return None

    async def _tell(self, service: Any, notice: Notice) -> bool:
        try:
            return bool(
                await service.async_notify(
                    body=f"{notice.text}\n({self._node})",
                    title=notice.title,
                    notify_type=self._types(_TYPES[notice.severity]),
                )
            )
        except TypeError as error:
            raise ChannelRefused(f"apprise does not take this notice ({error}).") from None
