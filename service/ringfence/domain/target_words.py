"""What a row of history is about, in words. The row has the key of the override's target (`str(OverrideTarget)`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_LIST: Final = re.compile(r"dids:(?P<count>[0-9]+):(?P<first>\+[0-9]+)-(?P<last>\+[0-9]+):[0-9a-f]+")
_KINDS: Final = {"did": "DID", "team": "team", "site": "site", "scope": "platform"}


def target_words(key: str, name: Callable[[str], str] = str) -> str:
    """`name` gives a DID as it may be shown. A platform's rows have its bare name; that and what is unknown stays."""
    if (found := _LIST.fullmatch(key)) is not None:
        return f"{found['count']} DIDs from {name(found['first'])} to {name(found['last'])}"
    kind, _, rest = key.partition(":")
    if not rest or kind not in _KINDS:
        return key
    return f"{_KINDS[kind]} {name(rest) if kind == 'did' else rest}"
