"""How much somebody keeps: what a part of the daemon holds in its hands, counted."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Mapping, Set
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

NOBODYS = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
"""Code, and what hangs on it, is there once for everybody."""


def held(*parts: object, without: tuple[object, ...] = ()) -> int:
    """How many items lie in the collections that these parts reach, however deep; `without` are those of the test."""
    seen = {id(one) for one in without}
    waiting, count = list(parts), 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, NOBODYS):
            continue
        seen.add(id(one))
        if isinstance(one, Mapping | Set | list | deque):
            count += len(one)
        waiting.extend(gc.get_referents(one))
    return count
