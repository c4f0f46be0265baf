"""A channel whose receiver the test breaks and mends."""

from __future__ import annotations

from ringfence.app.notify.ports import ChannelError
from ringfence.domain.notice import Notice


class FakeChannel:
    """Implements `notify.ports.Channel`. With a `fault` it raises it; `taken` are notices with their delivery ids."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Notice]] = []
        self.fault: ChannelError | None = None
        self.attempts = 0

    async def send(self, notice: Notice, delivery_id: str) -> str:
        self.attempts += 1
        if self.fault is not None:
            raise self.fault
        self.taken.append((delivery_id, notice))
        return "200 OK"

    async def close(self) -> None:
        return None

    @property
    def keys(self) -> list[str]:
        return [notice.key for _, notice in self.taken]


class FakeMail:
    """Implements `notify.staff_ports.StaffMail`."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str, str]] = []
        self.fault: ChannelError | None = None
        self.attempts = 0

    async def write(self, address: str, subject: str, text: str, delivery_id: str) -> str:
        self.attempts += 1
        if self.fault is not None:
            raise self.fault
        self.sent.append((address, subject, text, delivery_id))
        return "taken"


class Told:
    """Implements `override_desk.Tells`."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    async def tell(self, notice: Notice) -> None:
        self.notices.append(notice)
