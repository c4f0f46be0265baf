"""What people are told in shadow mode says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ringfence.domain.notice import Notice, NoticeKind

ABOUT_CALLS: Final = frozenset(
    {NoticeKind.MODE, NoticeKind.OVERRIDE, NoticeKind.OVERRIDE_ENDS, NoticeKind.INCIDENT, NoticeKind.ALARM}
)
MARK: Final = "SHADOW"
NOTHING_DONE: Final = "Shadow mode: nothing was done to calls. Live, this would be so:"


def in_shadow(notice: Notice) -> Notice:
    """The same notice, plainly a shadow's where it is about calls; one that is marked already stays as it is."""
    if notice.kind not in ABOUT_CALLS or notice.title.startswith(MARK):
        return notice
    return replace(notice, title=f"{MARK}: {notice.title}", text=f"{NOTHING_DONE}\n{notice.text}")
