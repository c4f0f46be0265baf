"""What can be wrong with a backup, for people: each with what to do."""

from __future__ import annotations

from ringfence.app.ports import RingfenceError


class BackupFault(RingfenceError):
    """It could not be made, read or put back. Nothing was changed."""


class CannotOpen(BackupFault):
    """The key does not open it, or it is no backup, or it is damaged."""
