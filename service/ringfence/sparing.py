"""What would be loaded with the daemon for nothing, and how it is left out."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sparing() -> Iterator[None]:
    """The daemon's modules are to be imported in here, for the first time: structlog finds no rich, which its renderer
    for terminals would load, and pygments with it. 3 MB; our log is JSON. And the garbage collector is left alone: all
    that is loaded stays, and looking at it again and again is a tenth of the work."""
    loaded = "rich" in sys.modules
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # Python's word for what cannot be imported
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
        if not loaded:
            del sys.modules["rich"]
