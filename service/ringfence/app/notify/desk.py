"""What the doors see of telling people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ringfence.app.notifier import Notifier
from ringfence.app.notify.worker import OutboxWorker


@dataclass(frozen=True, slots=True)
class NoticeDesk:
    """`workers` in the order of the configuration, one for each route."""

    notifier: Notifier
    workers: Sequence[OutboxWorker] = ()
